"""Raw image -> network input: equalise, crop, resize. The same numbers as the tutorial's scikit-image pipeline, faster.

Two identities do it. With only V changed, the way to HSV and back scales R, G and B by V'/V. And resizing is linear and
separable: two products with a small matrix, which scikit-image itself makes by resizing the unit matrix.

The products are exact, so that every processor gives the same bytes, in whichever order it adds.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from PIL import Image
from skimage.exposure import equalize_adapthist
from skimage.transform import resize
from skimage.util import img_as_ubyte

from gtsrb.sections import Clahe, Variant

LEVEL, WEIGHT = 2.0**16, 2.0**24  # steps of a level (white has 255) and of a weight of 1, as exact as both are taken to resize


LARGEST = 512  # pixels a side of what is preprocessed, at most; the benchmark's largest image has 266
LEAST = 8  # pixels a side that are left of a longish picture, where it has them


class Box(NamedTuple):
    """A rectangle in pixels, both corners inside it, as the benchmark annotates signs."""

    x1: int
    y1: int
    x2: int
    y2: int


def preprocess(image: np.ndarray, box: Box, variant: Variant) -> np.ndarray:
    """(height, width, 3) uint8 RGB -> (size, size, channels), uint8 or float32 in [0, 1] as `variant.dtype` says.

    `box` is where the sign is; `crop: roi` cuts it out. Equalisation sees the whole image, whatever the crop. There are three
    channels, or six where `keep_original` puts the image that is not equalised behind the one that is. What is larger than
    `LARGEST` is made smaller first.
    """
    image, box = reduced(image, box)
    if variant.keep_original:
        alone = variant.model_copy(update={"keep_original": None})
        original = alone.model_copy(update={"equalize": None, "clahe": None})
        return np.concatenate([preprocess(image, box, one) for one in (alone, original)], axis=2)
    scale = equalization(image, variant.equalize.bins) if variant.equalize else None
    if variant.clahe:
        image = adapted(image, variant.clahe)
    if variant.crop == "center_square":
        image = center_square(image)
    elif variant.margin is not None:  # crop: roi
        image = region(image, box, variant.margin)
    levels = resized(image if scale is None else equalized(image, scale), variant)
    return np.rint(levels).astype(np.uint8) if variant.dtype == "uint8" else (levels / 255).astype(np.float32)


def preprocess_whole(image: np.ndarray, variant: Variant) -> np.ndarray:
    """`preprocess` of a picture that comes without a box: the sign is all of it."""
    height, width = image.shape[:2]
    return preprocess(image, Box(0, 0, width - 1, height - 1), variant)


def cut(image: np.ndarray, box: Box) -> tuple[np.ndarray, Box]:
    """The box with a border as in the benchmark's images, a tenth of the sign and at least 5 pixels; and its place in there.

    At the edge of the image there is less of a border; cut again, it stays as it is.
    """
    border = max(5, round(max(box.x2 - box.x1 + 1, box.y2 - box.y1 + 1) / 10))
    left, top = max(box.x1 - border, 0), max(box.y1 - border, 0)
    inside = image[top : box.y2 + 1 + border, left : box.x2 + 1 + border]
    return inside, Box(box.x1 - left, box.y1 - top, box.x2 - left, box.y2 - top)


def reduced(image: np.ndarray, box: Box) -> tuple[np.ndarray, Box]:
    """Image and box as they are where no side is above `LARGEST`; else `cut`, and by area averages made as small as that.

    So a small sign in a large photograph keeps its pixels, and the time and memory of what follows have a bound.
    """
    if max(image.shape[:2]) <= LARGEST:
        return image, box
    image, box = cut(image, box)
    height, width = image.shape[:2]
    if (longest := max(height, width)) <= LARGEST:
        return image, box
    size = [max(round(side * LARGEST / longest), min(side, LEAST)) for side in (width, height)]
    smaller = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))
    return smaller, Box(*(edge * new // old for edge, new, old in zip(box, size * 2, (width, height) * 2, strict=True)))


def value(image: np.ndarray) -> np.ndarray:
    """(height, width, 3) uint8 -> V of HSV = max(R, G, B), (height, width) uint8; 5 times as fast as `image.max(axis=-1)`."""
    return np.maximum(np.maximum(image[..., 0], image[..., 1]), image[..., 2])


def equalization(image: np.ndarray, bins: int) -> np.ndarray:
    """The equalised value V', in levels [0, 255], of each V in 0..255, from the histogram of V = max(R, G, B) over `image`.

    `skimage.exposure.equalize_hist` on the 256 levels instead of the pixels: `bins` bins from the least to the greatest V.
    """
    counts = np.bincount(value(image).ravel(), minlength=256)
    levels = np.flatnonzero(counts)
    histogram, edges = np.histogram(levels * (1 / 255), bins, weights=counts[levels])
    cumulative = histogram.cumsum()
    return np.interp(np.arange(256) * (1 / 255), (edges[:-1] + edges[1:]) / 2, cumulative / cumulative[-1]) * 255


def equalized(image: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(height, width, 3) uint8, and V' of each V -> the image in levels [0, 255], float64. Black becomes the grey V'."""
    v = value(image)
    out = image * (values / np.maximum(np.arange(256), 1))[v][..., None]
    out[v == 0] = values[0]
    return out


def adapted(image: np.ndarray, params: Clahe) -> np.ndarray:
    """(height, width, 3) uint8 -> the same, V equalised in tiles, each with its contrast limited (Zuiderveld 1994).

    `skimage.exposure.equalize_adapthist`, rounded to uint8.
    """
    tile = tuple(max(2, side // params.tiles) for side in image.shape[:2])
    return img_as_ubyte(equalize_adapthist(image, tile, params.clip_limit, params.bins))


def region(image: np.ndarray, box: Box, margin: float) -> np.ndarray:
    """The box, widened on each side by `margin` of its own side and cut at the border of the image."""
    height, width = image.shape[:2]
    extra_x, extra_y = round(margin * (box.x2 - box.x1 + 1)), round(margin * (box.y2 - box.y1 + 1))
    return image[
        max(box.y1 - extra_y, 0) : min(box.y2 + 1 + extra_y, height),
        max(box.x1 - extra_x, 0) : min(box.x2 + 1 + extra_x, width),
    ]


def center_square(image: np.ndarray) -> np.ndarray:
    """The central square with half side `min_side // 2` (an odd side loses a pixel, as in the tutorial)."""
    height, width = image.shape[:2]
    half = min(height, width) // 2
    return image[height // 2 - half : height // 2 + half, width // 2 - half : width // 2 + half]


def resized(image: np.ndarray, variant: Variant) -> np.ndarray:
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
