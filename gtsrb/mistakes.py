"""Which mistakes are worth a look."""

import numpy as np


def most_confident(labels: np.ndarray, probabilities: np.ndarray, limit: int) -> list[tuple[int, int]]:
    """(n,) labels and (n, classes) probabilities -> the image and the number of its kind of at most `limit` mistakes.

    A kind is a pair of truth and prediction; each is shown by its most confident image, since the runners-up are most often
    other frames of the same sign. The most confident come first.
    """
    predictions, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(predictions != labels)
    wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
    pairs = np.stack([labels[wrong], predictions[wrong]], axis=1)
    _, first, counts = np.unique(pairs, axis=0, return_index=True, return_counts=True)
    order = np.argsort(first)[:limit]
    return [(int(wrong[first[i]]), int(counts[i])) for i in order]
