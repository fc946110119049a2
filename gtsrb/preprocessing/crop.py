"""Which part of an image the network sees, and how large an image may be."""

from typing import NamedTuple

import numpy as np
from PIL import Image

MAX_SIDE = 512  # pixels a side of what is preprocessed, at most; the benchmark's largest image has 266
MIN_SIDE = 8  # pixels a side: fewer show no sign, and a long, narrow picture is not reduced below that


class Box(NamedTuple):
    """A rectangle in pixels, both corners inside it, as the benchmark annotates signs."""

    x1: int
    y1: int
    x2: int
    y2: int


def crop_with_border(image: np.ndarray, box: Box) -> tuple[np.ndarray, Box]:
    """The box with a border as in the benchmark's images, a tenth of the sign and at least 5 pixels; and its place in there.

    At the edge of the image there is less of a border; cut again, it stays as it is.
    """
    border = max(5, round(max(box.x2 - box.x1 + 1, box.y2 - box.y1 + 1) / 10))
    left, top = max(box.x1 - border, 0), max(box.y1 - border, 0)
    inside = image[top : box.y2 + 1 + border, left : box.x2 + 1 + border]
    return inside, Box(box.x1 - left, box.y1 - top, box.x2 - left, box.y2 - top)


def limit_size(image: np.ndarray, box: Box) -> tuple[np.ndarray, Box]:
    """Image and box as they are where no side is above `MAX_SIDE`; else cropped with a border and reduced by area averages.

    So a small sign in a large photograph keeps its pixels, and the time and memory of what follows have a bound.
    """
    if max(image.shape[:2]) <= MAX_SIDE:
        return image, box
    image, box = crop_with_border(image, box)
    height, width = image.shape[:2]
    if (longest := max(height, width)) <= MAX_SIDE:
        return image, box
    size = [max(round(side * MAX_SIDE / longest), min(side, MIN_SIDE)) for side in (width, height)]
    smaller = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))
    return smaller, Box(*(edge * new // old for edge, new, old in zip(box, size * 2, (width, height) * 2, strict=True)))


def crop_box(image: np.ndarray, box: Box, margin: float) -> np.ndarray:
    """The box, widened on each side by `margin` of its own side and cut at the border of the image."""
    height, width = image.shape[:2]
    extra_x, extra_y = round(margin * (box.x2 - box.x1 + 1)), round(margin * (box.y2 - box.y1 + 1))
    return image[
        max(box.y1 - extra_y, 0) : min(box.y2 + 1 + extra_y, height),
        max(box.x1 - extra_x, 0) : min(box.x2 + 1 + extra_x, width),
    ]


def crop_center_square(image: np.ndarray) -> np.ndarray:
    """The central square with half side `min_side // 2` (an odd side loses a pixel, as in the tutorial)."""
    height, width = image.shape[:2]
    half = min(height, width) // 2
    return image[height // 2 - half : height // 2 + half, width // 2 - half : width // 2 + half]
