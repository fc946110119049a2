"""Crops images, and limits their size before they are preprocessed."""

from typing import NamedTuple

import numpy as np

from gtsrb.data.limits import MIN_SIDE

MAX_SIDE = 512  # pixels, of an image to preprocess; the benchmark's largest side is 266


class Box(NamedTuple):
    """A rectangle in pixels that includes both of its corners, as in the benchmark's annotations."""

    x1: int
    y1: int
    x2: int
    y2: int

    @property
    def sides(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.x2 - self.x1 + 1, self.y2 - self.y1 + 1


def crop_with_border(image: np.ndarray, box: Box) -> tuple[np.ndarray, Box]:
    """The box with the widest border that the benchmark has, a tenth of the sign, at least 5 pixels, and a pixel; and the box
    within this crop.

    The border ends at the edge of the image, so a picture of the benchmark is left as it is, and so is the result.
    """
    border = max(5, round(max(box.sides) / 10)) + 1
    left, top = max(box.x1 - border, 0), max(box.y1 - border, 0)
    crop = image[top : box.y2 + 1 + border, left : box.x2 + 1 + border]
    return crop, Box(box.x1 - left, box.y1 - top, box.x2 - left, box.y2 - top)


def limit_size(image: np.ndarray, box: Box, max_side: int = MAX_SIDE) -> tuple[np.ndarray, Box]:
    """Image and box unchanged if no side exceeds `max_side`; else cropped with a border, then reduced by a whole factor.

    Each pixel of the result is the mean of a block; an incomplete block at the right or bottom edge is cut off. A small sign in
    a large photograph keeps its resolution, and the time and memory of preprocessing are bounded.
    """
    if max(image.shape[:2]) <= max_side:
        return image, box
    image, box = crop_with_border(image, box)
    height, width = image.shape[:2]
    factor = -(-max(height, width) // max_side)
    x, y = (max(min(side // MIN_SIDE, factor), 1) for side in (width, height))
    width, height = width // x, height // y
    rows = image[: height * y, : width * x].reshape(height, y, width * x, 3).sum(axis=1, dtype=np.uint32)
    sums = rows.reshape(height, width, x, 3).sum(axis=2, dtype=np.uint32)
    reduced = ((sums + x * y // 2) // (x * y)).astype(np.uint8)
    return reduced, Box(box.x1 // x, box.y1 // y, min(box.x2 // x, width - 1), min(box.y2 // y, height - 1))


def crop_box(image: np.ndarray, box: Box, margin: float) -> np.ndarray:
    """The crop to the box, enlarged on each side by `margin` times the box's side, up to the edge of the image."""
    height, width = image.shape[:2]
    extra_x, extra_y = (round(margin * side) for side in box.sides)
    return image[
        max(box.y1 - extra_y, 0) : min(box.y2 + 1 + extra_y, height),
        max(box.x1 - extra_x, 0) : min(box.x2 + 1 + extra_x, width),
    ]


def crop_center_square(image: np.ndarray) -> np.ndarray:
    """The central square of side `2 * (shorter side // 2)`: an odd side loses a pixel, as in the tutorial."""
    height, width = image.shape[:2]
    half = min(height, width) // 2
    return image[height // 2 - half : height // 2 + half, width // 2 - half : width // 2 + half]
