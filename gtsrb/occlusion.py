"""What a network looked at: how much of a sign's probability is lost where a patch of the image is covered."""

from collections.abc import Callable

import numpy as np

PATCH = 12  # pixels, of an image of 48: about a digit
STEP = 4


def occlusion_map(
    probabilities: Callable[[np.ndarray], np.ndarray], image: np.ndarray, class_id: int, *, patch: int = PATCH, step: int = STEP
) -> np.ndarray:
    """(size, size, 3) image -> (size, size) float32: the mean loss of the probability of `class_id` under patches over a pixel.

    `probabilities` takes (n, size, size, 3) images and gives (n, classes). A patch is a square of the image's mean colour
    (Zeiler and Fergus 2014); positive where the image speaks for the class, negative where it speaks against it.
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
    whole = probabilities(image[None])[0, class_id]
    lost = whole - probabilities(np.stack(covered))[:, class_id]
    total, count = np.zeros((size, size), np.float32), np.zeros((size, size), np.float32)
    for place, loss in zip(places, lost, strict=True):
        total[place] += loss
        count[place] += 1
    return total / count
