"""What a network looked at: how much of a sign's score is lost where a patch of the image is covered."""

from collections.abc import Callable

import numpy as np


def occlusion_map(
    scores: Callable[[np.ndarray], np.ndarray], image: np.ndarray, column: int, *, patch: int, step: int
) -> np.ndarray:
    """(size, size, channels) image -> (size, size) float32: the mean loss of a score under the patches over a pixel.

    `scores` takes (n, size, size, channels) images and gives (n, columns), of which `column` is meant. A patch is a square of
    `patch` pixels, of the image's mean colour, one every `step` pixels (Zeiler and Fergus 2014). Positive where the image
    speaks for the score.
    """
    size = image.shape[0]
    starts = range(step - patch, size, step)
    covered, places = [], []
    for top in starts:
        for left in starts:
            place = (slice(max(top, 0), top + patch), slice(max(left, 0), left + patch))
            copy = image.copy()
            copy[place] = image.mean(axis=(0, 1)).astype(image.dtype)
            covered.append(copy)
            places.append(place)
    whole = scores(image[None])[0, column]
    lost = whole - scores(np.stack(covered))[:, column]
    total, count = np.zeros((size, size), np.float32), np.zeros((size, size), np.float32)
    for place, loss in zip(places, lost, strict=True):
        total[place] += loss
        count[place] += 1
    return total / count


def occlusion_sensitivity(probabilities: Callable[[np.ndarray], np.ndarray], image: np.ndarray) -> np.ndarray:
    """(size, size, channels) image -> (size, size) float32: what its likeliest class loses of its log-odds around each pixel.

    Not of its probability: where that is 0.9999, covering a part leaves it there, and the map would be empty.
    """
    best, size = int(probabilities(image[None])[0].argmax()), image.shape[0]

    def log_odds(images: np.ndarray) -> np.ndarray:
        found = np.maximum(probabilities(images), 1e-30)
        others = np.delete(found, best, axis=1).sum(axis=1)  # more exact than 1 - p
        return np.log(found[:, [best]] / others[:, None])

    return occlusion_map(log_odds, image, 0, patch=size // 4, step=max(1, size // 12))
