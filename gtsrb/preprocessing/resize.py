"""An image of any size -> size x size, as `skimage.transform.resize`: two products with a small matrix, and exact."""

from functools import cache

import numpy as np
from skimage.transform import resize

from gtsrb.config.preprocess import Variant

LEVEL, WEIGHT = 2.0**16, 2.0**24  # steps of a level (white has 255) and of a weight of 1, as exact as both are taken to resize


def resize_image(image: np.ndarray, variant: Variant) -> np.ndarray:
    """(height, width, channels) levels in [0, 255] -> (size, size, channels), equal to `skimage.transform.resize`, float64.

    Before a product its two factors are rounded, levels to 2^-16 and weights to 2^-24, so that all that is added is a multiple
    of 2^-40. A row of weights has a sum of magnitudes below 2 (1.82 at most, of order 5), so that no sum in either product gets
    to 2^8 * 2 * 2 = 2^10: 50 bits, where float64 has 53. So every sum is exact, in whichever order a processor adds.
    """
    height, width, channels = image.shape
    options = (variant.size, variant.interpolation_order, variant.mode, variant.anti_aliasing)
    rows, columns = resize_matrix(height, 1, *options), resize_matrix(width, channels, *options)
    steps = np.rint(image * LEVEL)
    out = np.rint(rows @ steps.reshape(height, width * channels)) @ columns.T
    out = out.reshape(variant.size, variant.size, channels)
    low, high = steps.min(), steps.max()  # scikit-image clips to the range of the image
    if variant.mode == "constant" and not low <= 0 <= high and out.min() <= 0 <= out.max():
        low, high = min(low, 0), max(high, 0)  # ... but keeps the fill value where it shows in full
    return np.clip(out, low, high, out=out) / LEVEL


@cache
def resize_matrix(side: int, channels: int, size: int, order: int, mode: str, anti_aliasing: bool) -> np.ndarray:
    """(size * channels, side * channels): the weights with which `side` pixels of interleaved channels make `size`."""
    weights = resize(np.eye(side), (size, side), order=order, mode=mode, anti_aliasing=anti_aliasing, clip=False)
    return np.kron(np.rint(weights * WEIGHT) / WEIGHT, np.eye(channels))
