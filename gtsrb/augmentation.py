"""Random changes to training images: drawn from params and a generator, applied to a whole batch at once.

The affine part is composed into one warp an image, so one interpolation, and equals that of Keras' legacy
`ImageDataGenerator`, the tutorial's, for the same draws.
"""

from dataclasses import dataclass

import numpy as np

from gtsrb.params import Affine, Augmentation


def augment(images: np.ndarray, params: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """(n, height, width, 3), uint8 or float32 -> the same shape and dtype, each image changed by its own draws."""
    if params.affine:
        draws = draw_affine(len(images), images.shape[1:3], params.affine, rng)
        images = warp(images, draws.matrices(images.shape[1:3]), params.affine)
    return images


@dataclass(frozen=True)
class AffineDraws:
    """One affine change for each of n images; every field is (n,) float64."""

    rotation: np.ndarray  # radians
    shift_x: np.ndarray  # pixels
    shift_y: np.ndarray
    shear: np.ndarray  # radians, along x
    zoom_x: np.ndarray  # above 1 the sign becomes smaller, as in Keras
    zoom_y: np.ndarray

    def matrices(self, size: tuple[int, int]) -> np.ndarray:
        """(n, 2, 3): from (x, y, 1) in the output to (x, y) in the input, about the centre of an image of `size`.

        Rotation, shift, shear and zoom are multiplied in this order, as in `keras.src.legacy.preprocessing.image`.
        """
        height, width = size
        zero, one = np.zeros_like(self.rotation), np.ones_like(self.rotation)
        cos, sin = np.cos(self.rotation), np.sin(self.rotation)
        rotation = _stack([[cos, -sin, zero], [sin, cos, zero], [zero, zero, one]])
        shift = _stack([[one, zero, self.shift_x], [zero, one, self.shift_y], [zero, zero, one]])
        shear = _stack([[one, -np.sin(self.shear), zero], [zero, np.cos(self.shear), zero], [zero, zero, one]])
        zoom = _stack([[self.zoom_x, zero, zero], [zero, self.zoom_y, zero], [zero, zero, one]])
        center = np.array([[1, 0, width / 2 - 0.5], [0, 1, height / 2 - 0.5], [0, 0, 1]])
        return (center @ rotation @ shift @ shear @ zoom @ np.linalg.inv(center))[:, :2]


def _stack(rows: list[list[np.ndarray]]) -> np.ndarray:
    return np.moveaxis(np.array(rows), -1, 0)


def draw_affine(n: int, size: tuple[int, int], params: Affine, rng: np.random.Generator) -> AffineDraws:
    """Draws for `n` images of `size` = (height, width), uniform within the ranges of `params`."""
    height, width = size
    turn, right, down, lean, zoom_x, zoom_y = rng.uniform(-1, 1, (6, n))
    return AffineDraws(
        rotation=np.deg2rad(params.rotation * turn),
        shift_x=params.width_shift * width * right,
        shift_y=params.height_shift * height * down,
        shear=np.deg2rad(params.shear * lean),
        zoom_x=1 + params.zoom * zoom_x,
        zoom_y=1 + params.zoom * zoom_y,
    )


def warp(images: np.ndarray, matrices: np.ndarray, params: Affine) -> np.ndarray:
    """(n, height, width, channels) images and (n, 2, 3) output-to-input matrices -> the warped images, same dtype.

    Interpolation and fill are those of `scipy.ndimage.affine_transform` (order 0 or 1), for all images at once;
    uint8 results are rounded.
    """
    n, height, width, _ = images.shape
    y, x = np.arange(height)[:, None], np.arange(width)
    column, row = (
        m[:, 0, None, None] * x + m[:, 1, None, None] * y + m[:, 2, None, None] for m in (matrices[:, 0], matrices[:, 1])
    )
    if params.fill_mode == "constant":
        outside = (row < 0) | (row > height - 1) | (column < 0) | (column > width - 1)
    row, column = _folded(row, height, params.fill_mode), _folded(column, width, params.fill_mode)
    pixels = images.reshape(n * height * width, -1)
    first = np.arange(n)[:, None, None] * (height * width)  # each image's first row in `pixels`
    if params.interpolation == "nearest":
        out = pixels[first + _index(row + 0.5, height) * width + _index(column + 0.5, width)]
    else:
        top, left = np.floor(row), np.floor(column)
        down, right = ((row - top)[..., None].astype(np.float32), (column - left)[..., None].astype(np.float32))
        r0, r1 = (first + _index(top + i, height) * width for i in (0, 1))
        c0, c1 = (_index(left + i, width) for i in (0, 1))
        upper = pixels[r0 + c0] * (1 - right) + pixels[r0 + c1] * right
        lower = pixels[r1 + c0] * (1 - right) + pixels[r1 + c1] * right
        out = upper * (1 - down) + lower * down
        out = np.rint(out).astype(np.uint8) if images.dtype == np.uint8 else out.astype(images.dtype)
    if params.fill_mode == "constant":
        out[outside] = 0
    return out


def _folded(position: np.ndarray, side: int, fill_mode: str) -> np.ndarray:
    """Positions beyond the border -> where the fill takes its pixel from."""
    if fill_mode == "reflect":  # d c b a | a b c d | d c b a
        position = np.mod(position + 0.5, 2 * side)
        return np.minimum(position, 2 * side - position) - 0.5
    return np.clip(position, 0, side - 1)


def _index(position: np.ndarray, side: int) -> np.ndarray:
    return np.clip(np.floor(position).astype(np.intp), 0, side - 1)
