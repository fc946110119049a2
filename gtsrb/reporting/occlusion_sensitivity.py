"""Occlusion sensitivity: how much the score of a class drops when a patch of the image is covered (Zeiler and Fergus 2014)."""

from collections.abc import Callable

import numpy as np


def log_odds_drop(predict: Callable[[np.ndarray], np.ndarray], image: np.ndarray) -> np.ndarray:
    """(size, size, channels) image -> (size, size) float32: the mean drop in log-odds (nats) of the predicted class.

    `predict` maps (n, size, size, channels) images to (n, classes) probabilities. The probability itself would not do: where
    it is 0.9999, it stays there with a patch covered, and the map would be empty.
    """
    best, size = int(predict(image[None])[0].argmax()), image.shape[0]

    def log_odds(images: np.ndarray) -> np.ndarray:
        probabilities = np.maximum(predict(images), 1e-30)
        others = np.delete(probabilities, best, axis=1).sum(axis=1)  # more exact than 1 - p
        return np.log(probabilities[:, best] / others)

    return score_drop(log_odds, image, patch=size // 4, step=max(1, size // 12))


def score_drop(score: Callable[[np.ndarray], np.ndarray], image: np.ndarray, *, patch: int, step: int) -> np.ndarray:
    """(size, size, channels) image -> (size, size) float32: per pixel, the mean drop in score over the patches that cover it.

    `score` maps (n, size, size, channels) images to (n,) scores. A patch is a square of `patch` pixels in the image's mean
    colour, one every `step` pixels. Positive where the image speaks for the class, negative where it speaks against it.
    """
    size = image.shape[0]
    starts = range(step - patch, size, step)
    occluded, patches = [], []
    for top in starts:
        for left in starts:
            area = (slice(max(top, 0), top + patch), slice(max(left, 0), left + patch))
            copy = image.copy()
            copy[area] = image.mean(axis=(0, 1)).astype(image.dtype)
            occluded.append(copy)
            patches.append(area)
    drops = score(image[None])[0] - score(np.stack(occluded))
    total, count = np.zeros((size, size), np.float32), np.zeros((size, size), np.float32)
    for area, drop in zip(patches, drops, strict=True):
        total[area] += drop
        count[area] += 1
    return total / count
