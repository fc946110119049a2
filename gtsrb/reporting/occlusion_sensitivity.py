"""Occlusion sensitivity: how much the score of a class drops when a patch of the image is covered (Zeiler and Fergus 2014)."""

import math
from collections.abc import Callable

import numpy as np


def log_odds_drop(predict: Callable[[np.ndarray], np.ndarray], image: np.ndarray) -> np.ndarray:
    """(height, width, channels) image -> (height, width) float32: the mean drop in log-odds (nats) of the predicted class.

    `predict` maps (n, height, width, channels) images to (n, classes) probabilities. The probability itself would not do: where
    it is 0.9999, it stays there with a patch covered, and the map would be empty.
    """
    best, side = int(predict(image[None])[0].argmax()), math.isqrt(image.shape[0] * image.shape[1])

    def log_odds(images: np.ndarray) -> np.ndarray:
        probabilities = np.maximum(predict(images), 1e-30)
        others = np.delete(probabilities, best, axis=1).sum(axis=1)  # more exact than 1 - p
        return np.log(probabilities[:, best] / others)

    return score_drop(log_odds, image, patch=side // 4, step=max(1, side // 12))


def score_drop(score: Callable[[np.ndarray], np.ndarray], image: np.ndarray, *, patch: int, step: int) -> np.ndarray:
    """(height, width, channels) image -> (height, width) float32: the mean drop in score over the patches that cover a pixel.

    `score` maps (n, height, width, channels) images to (n,) scores. A patch is a square of `patch` pixels in the image's mean
    colour, one every `step` pixels. Positive where the image speaks for the class, negative where it speaks against it.
    """
    height, width = image.shape[:2]
    occluded, patches = [], []
    for top in range(step - patch, height, step):
        for left in range(step - patch, width, step):
            area = (slice(max(top, 0), top + patch), slice(max(left, 0), left + patch))
            copy = image.copy()
            copy[area] = image.mean(axis=(0, 1)).astype(image.dtype)
            occluded.append(copy)
            patches.append(area)
    drops = score(image[None])[0] - score(np.stack(occluded))
    total, count = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    for area, drop in zip(patches, drops, strict=True):
        total[area] += drop
        count[area] += 1
    return total / count
