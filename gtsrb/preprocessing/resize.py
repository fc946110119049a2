"""Resizes like `skimage.transform.resize`, by exact products with two small matrices."""

from functools import cache

import numpy as np
from skimage.transform import resize

from gtsrb.config.preprocess import Variant

LEVEL_STEPS, WEIGHT_STEPS = 2.0**16, 2.0**24  # per level (white is 255) and per weight of 1: both are rounded to these steps


def resize_image(image: np.ndarray, variant: Variant) -> np.ndarray:
    """(height, width, channels) levels in [0, 255] -> (size, size, channels) float64, as `skimage.transform.resize`.

    Before each product its factors are rounded, levels to 2^-16 and weights to 2^-24, so that all terms are multiples of 2^-40.
    The absolute weights of a row add up to less than 2 (at most 1.82, at order 5), so that every sum in both products is below
    2^8 * 2 * 2 = 2^10: 50 bits, and float64 has 53. So all sums are exact, whatever the order of summation.
    """
    height, width, channels = image.shape
    options = (variant.size, variant.interpolation_order, variant.mode, variant.anti_aliasing)
    rows, columns = resize_matrix(height, 1, *options), resize_matrix(width, channels, *options)
    steps = np.rint(image * LEVEL_STEPS)
    out = np.rint(rows @ steps.reshape(height, width * channels)) @ columns.T
    out = out.reshape(variant.size, variant.size, channels)
    low, high = steps.min(), steps.max()  # scikit-image clips to the range of the image
    if variant.mode == "constant" and not low <= 0 <= high and out.min() <= 0 <= out.max():
        low, high = min(low, 0), max(high, 0)  # ... and keeps the fill value if it occurs in the output
    return np.clip(out, low, high, out=out) / LEVEL_STEPS


@cache
def resize_matrix(side: int, channels: int, size: int, order: int, mode: str, anti_aliasing: bool) -> np.ndarray:
    """(size * channels, side * channels) weights that resize `side` pixels of interleaved channels to `size` pixels."""
    weights = resize(np.eye(side), (size, side), order=order, mode=mode, anti_aliasing=anti_aliasing, clip=False)
    return np.kron(np.rint(weights * WEIGHT_STEPS) / WEIGHT_STEPS, np.eye(channels))
