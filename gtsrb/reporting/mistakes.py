"""Which misclassified images are shown, and in which order."""

import numpy as np


def sort_mistakes(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """(n,) labels and (n, classes) probabilities -> the indices of the misclassified images, the most confident first."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    return wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")]


def most_confident_mistakes(labels: np.ndarray, probabilities: np.ndarray, limit: int) -> list[tuple[int, int]]:
    """(n,) labels and (n, classes) probabilities -> (index of an image, number of mistakes of its kind), `limit` at most.

    A kind is a pair of truth and prediction. Each is shown by its most confident image, since the runners-up are mostly other
    frames of the same sign; the most confident kinds come first.
    """
    wrong = sort_mistakes(labels, probabilities)
    pairs = np.stack([labels[wrong], probabilities[wrong].argmax(axis=1)], axis=1)
    _, first, counts = np.unique(pairs, axis=0, return_index=True, return_counts=True)
    order = np.argsort(first)[:limit]
    return [(int(wrong[first[i]]), int(counts[i])) for i in order]
