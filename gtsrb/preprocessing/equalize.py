"""Histogram equalisation of V = max(R, G, B), global or adaptive (CLAHE)."""

import numpy as np
from skimage.exposure import equalize_adapthist
from skimage.util import img_as_ubyte

from gtsrb.config.preprocess import Clahe


def hsv_value(image: np.ndarray) -> np.ndarray:
    """(height, width, 3) uint8 -> V of HSV = max(R, G, B), (height, width) uint8; 5 times faster than `image.max(axis=-1)`."""
    return np.maximum(np.maximum(image[..., 0], image[..., 1]), image[..., 2])


def equalization_map(image: np.ndarray, bins: int) -> np.ndarray:
    """(256,) float64: the equalised level V' in [0, 255] of each level V, from the histogram of V = max(R, G, B) in `image`.

    Computes `skimage.exposure.equalize_hist` on the 256 levels, not the pixels: `bins` bins from the minimum to the maximum V.
    """
    counts = np.bincount(hsv_value(image).ravel(), minlength=256)
    levels = np.flatnonzero(counts)
    histogram, edges = np.histogram(levels * (1 / 255), bins, weights=counts[levels])
    cumulative = histogram.cumsum()
    return np.interp(np.arange(256) * (1 / 255), (edges[:-1] + edges[1:]) / 2, cumulative / cumulative[-1]) * 255


def equalize(image: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(height, width, 3) uint8, and V' of each V -> levels in [0, 255], float64, same shape. Black becomes grey of level V'."""
    v = hsv_value(image)
    out = image * (values / np.maximum(np.arange(256), 1))[v][..., None]
    out[v == 0] = values[0]
    return out


def equalize_adaptive(image: np.ndarray, params: Clahe) -> np.ndarray:
    """CLAHE of V in `tiles` x `tiles` tiles (Zuiderveld 1994): (height, width, 3) uint8 -> the same.

    `skimage.exposure.equalize_adapthist`, rounded to uint8.
    """
    tile = tuple(max(2, side // params.tiles) for side in image.shape[:2])
    return img_as_ubyte(equalize_adapthist(image, tile, params.clip_limit, params.bins))
