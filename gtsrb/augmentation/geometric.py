"""Random geometric changes: flips, and one warp per image that combines all the others."""

from dataclasses import dataclass

import cv2
import numpy as np

from gtsrb.config.augmentation import Affine, Flips, Perspective

MAX_SIDE = 2**15 - 1  # pixels, of an image that OpenCV warps
STEPS = np.float32(32)  # per pixel, between which it interpolates


def flip(images: np.ndarray, targets: np.ndarray, params: Flips, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Applies each flip that an image's class allows, with probability 1/2; the target becomes the class of the flipped sign.

    Images (n, height, width, channels) of any dtype, targets (n, classes) one-hot, or uniform, which no flip is for.
    """
    images, labels = images.copy(), np.where(targets.min(axis=1) > 0, -1, targets.argmax(axis=1))
    for pairs, flipped in (
        (params.left_right, lambda x: x[:, :, ::-1]),
        (params.top_bottom, lambda x: x[:, ::-1]),
        (params.half_turn, lambda x: x[:, ::-1, ::-1]),
    ):
        flipped_class = np.full(targets.shape[1] + 1, -1)  # -1: a class that this flip is not for; the last is that of -1
        for first, second in pairs:
            flipped_class[first], flipped_class[second] = second, first
        rows = np.flatnonzero((flipped_class[labels] >= 0) & (rng.random(len(labels)) < 0.5))
        images[rows] = flipped(images[rows])
        labels[rows] = flipped_class[labels[rows]]
    return images, np.where(labels[:, None] < 0, targets, np.eye(targets.shape[1], dtype=targets.dtype)[labels])


@dataclass(frozen=True)
class AffineDraws:
    """One affine transform for each of n images; every field is (n,) float64."""

    rotation: np.ndarray  # radians
    shift_x: np.ndarray  # pixels
    shift_y: np.ndarray
    shear: np.ndarray  # radians, along x
    zoom_x: np.ndarray  # above 1 shrinks the sign, as in Keras
    zoom_y: np.ndarray

    def matrices(self, size: tuple[int, int]) -> np.ndarray:
        """(n, 3, 3) matrices from output to input (x, y, 1), about the centre of an image of `size` = (height, width).

        The product of rotation, shift, shear and zoom, in this order, as in `keras.src.legacy.preprocessing.image`.
        """
        height, width = size
        zero, one = np.zeros_like(self.rotation), np.ones_like(self.rotation)
        cos, sin = np.cos(self.rotation), np.sin(self.rotation)
        rotation = _stack_matrices([[cos, -sin, zero], [sin, cos, zero], [zero, zero, one]])
        shift = _stack_matrices([[one, zero, self.shift_x], [zero, one, self.shift_y], [zero, zero, one]])
        shear = _stack_matrices([[one, -np.sin(self.shear), zero], [zero, np.cos(self.shear), zero], [zero, zero, one]])
        zoom = _stack_matrices([[self.zoom_x, zero, zero], [zero, self.zoom_y, zero], [zero, zero, one]])
        center = np.array([[1, 0, width / 2 - 0.5], [0, 1, height / 2 - 0.5], [0, 0, 1]])
        return center @ rotation @ shift @ shear @ zoom @ np.linalg.inv(center)


def _stack_matrices(rows: list[list[np.ndarray]]) -> np.ndarray:
    """3 x 3 entries of (n,) each -> (n, 3, 3)."""
    return np.moveaxis(np.array(rows), -1, 0)


def draw_affine(n: int, size: tuple[int, int], params: Affine, rng: np.random.Generator) -> AffineDraws:
    """Draws for `n` images of `size` = (height, width), uniform within the ranges of `params`."""
    height, width = size
    rotation, shift_x, shift_y, shear, zoom_x, zoom_y = rng.uniform(-1, 1, (6, n))
    return AffineDraws(
        rotation=np.deg2rad(params.rotation * rotation),
        shift_x=params.width_shift * width * shift_x,
        shift_y=params.height_shift * height * shift_y,
        shear=np.deg2rad(params.shear * shear),
        zoom_x=1 + params.zoom * zoom_x,
        zoom_y=1 + params.zoom * zoom_y,
    )


def draw_perspective(n: int, size: tuple[int, int], params: Perspective, rng: np.random.Generator) -> np.ndarray:
    """(n, 3, 3) matrices that move each corner of an image of `size` = (height, width) by a random offset.

    Offsets are uniform within +- `corner_shift` of the side, independently for every corner and axis.
    """
    height, width = size
    corners = np.array([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]], float)
    moved = corners + rng.uniform(-params.corner_shift, params.corner_shift, (n, 4, 2)) * (width, height)
    source = corners.astype(np.float32)
    return np.stack([cv2.getPerspectiveTransform(source, target) for target in moved.astype(np.float32)])


def warp(images: np.ndarray, matrices: np.ndarray, *, fill_mode: str, interpolation: str) -> np.ndarray:
    """(n, height, width, channels) images and (n, 3, 3) output-to-input matrices -> the warped images, same dtype.

    `fill_mode` (nearest, reflect, constant) fills what comes from outside the image; `interpolation` is nearest or bilinear.
    """
    return (warp_nearest if interpolation == "nearest" else warp_bilinear)(images, matrices, fill_mode)


def warp_bilinear(images: np.ndarray, matrices: np.ndarray, fill_mode: str) -> np.ndarray:
    """As `warp`; positions are rounded to 1/32 pixel, as OpenCV does. To OpenCV, all are one tall image, and one call."""
    n, height, width, channels = images.shape
    column, row = _source_positions(matrices.astype(np.float32), height, width)
    if fill_mode == "constant":  # a border of zeros, which positions outside blend into
        images = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
        column, row = column + 1, row + 1
    padded_height, padded_width = images.shape[1:3]
    column, row = (
        np.rint(STEPS * _fold_positions(position, side, fill_mode)) / STEPS
        for position, side in ((column, padded_width), (row, padded_height))
    )
    warped = np.empty((n, height, width, channels), images.dtype)  # no memory map, even where `images` is one
    at_a_time = MAX_SIDE // padded_height
    for start in range(0, n, at_a_time):
        some = np.s_[start : start + at_a_time]
        tall = images[some].reshape(-1, padded_width, channels)
        first_rows = np.arange(len(row[some]), dtype=np.float32)[:, None, None] * padded_height
        source = column[some].reshape(-1, width), (row[some] + first_rows).reshape(-1, width)
        warped[some] = cv2.remap(tall, *source, cv2.INTER_LINEAR).reshape(-1, height, width, channels)
    return warped


def warp_nearest(images: np.ndarray, matrices: np.ndarray, fill_mode: str) -> np.ndarray:
    """Equals `scipy.ndimage.affine_transform` of order 0 pixel for pixel, for all images at once."""
    n, height, width, _ = images.shape
    column, row = _source_positions(matrices, height, width)
    if fill_mode == "constant":
        outside = (row < 0) | (row > height - 1) | (column < 0) | (column > width - 1)
    row, column = _fold_positions(row, height, fill_mode), _fold_positions(column, width, fill_mode)
    first = np.arange(n)[:, None, None] * (height * width)  # index of each image's first pixel
    index = first + _pixel_index(row + 0.5, height) * width + _pixel_index(column + 0.5, width)
    out = images.reshape(n * height * width, -1)[index]
    if fill_mode == "constant":
        out[outside] = 0
    return out


def _source_positions(matrices: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, 3, 3) output-to-input matrices -> where each output pixel comes from: columns and rows, (n, height, width) each."""
    y, x = np.arange(height, dtype=matrices.dtype)[:, None], np.arange(width, dtype=matrices.dtype)
    column, row, depth = (
        m[:, 0, None, None] * x + m[:, 1, None, None] * y + m[:, 2, None, None] for m in matrices.transpose(1, 0, 2)
    )
    return column / depth, row / depth  # depth is 1 without perspective


def _fold_positions(position: np.ndarray, side: int, fill_mode: str) -> np.ndarray:
    """Maps positions outside [0, side - 1] to the inside positions that `fill_mode` repeats there."""
    if fill_mode == "reflect":  # d c b a | a b c d | d c b a
        position = np.mod(position + 0.5, 2 * side)
        position = np.minimum(position, 2 * side - position) - 0.5
    return np.clip(position, 0, side - 1)


def _pixel_index(position: np.ndarray, side: int) -> np.ndarray:
    return np.clip(np.floor(position).astype(np.intp), 0, side - 1)
