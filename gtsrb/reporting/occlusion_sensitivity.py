"""Occlusion sensitivity: how much the score of a class drops when a patch of the image is covered (Zeiler and Fergus 2014)."""

import math
from collections.abc import Callable
from itertools import product

import numpy as np

BATCH_SIZE = 32  # covered copies of the image at a time, which bounds the memory


def log_odds_drop(predict: Callable[[np.ndarray], np.ndarray], image: np.ndarray, class_id: int) -> np.ndarray:
    """(height, width, channels) image -> (height, width) float32: the mean drop in log-odds (nats) of the class.

    `predict` maps (n, height, width, channels) images to (n, classes) probabilities. The probability itself would not do: where
    it is 0.9999, it stays there with a patch covered, and the map would be empty.
    """
    side = math.isqrt(image.shape[0] * image.shape[1])

    def log_odds(images: np.ndarray) -> np.ndarray:
        probabilities = np.maximum(predict(images), 1e-30)
        others = np.delete(probabilities, class_id, axis=1).sum(axis=1)  # more exact than 1 - p
        return np.log(probabilities[:, class_id] / others)

    return score_drop(log_odds, image, patch=side // 4, step=max(1, side // 12))


def score_drop(score: Callable[[np.ndarray], np.ndarray], image: np.ndarray, *, patch: int, step: int) -> np.ndarray:
    """(height, width, channels) image -> (height, width) float32: the mean drop in score over the patches that cover a pixel.

    `score` maps (n, height, width, channels) images to (n,) scores. A patch is a square of `patch` pixels in the image's mean
    colour, one every `step` pixels. Positive where the image speaks for the class, negative where it speaks against it.
    """
    height, width = image.shape[:2]
    rows, columns = (
        [slice(max(start, 0), start + patch) for start in range(step - patch, side, step)] for side in (height, width)
    )
    patches, mean, whole = [*product(rows, columns)], image.mean(axis=(0, 1)).astype(image.dtype), score(image[None])[0]
    total, count = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    for start in range(0, len(patches), BATCH_SIZE):
        batch = patches[start : start + BATCH_SIZE]
        covered = np.repeat(image[None], len(batch), axis=0)
        for copy, area in zip(covered, batch, strict=True):
            copy[area] = mean
        for area, covered_score in zip(batch, score(covered), strict=True):
            total[area] += whole - covered_score
            count[area] += 1
    return total / count
