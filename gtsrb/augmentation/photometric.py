"""Photometric augmentation of training images: shadow, color jitter, RGB shift, blur, motion blur, noise, posterizing,
and cutout.

Images are (n, size, size, channels), uint8 or float32 in [0, 1], and keep their dtype; every image has its own draws, and all
RGB triples of its channels get the same. Functions that draw come first, then those that apply a draw.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from gtsrb.augmentation.pixels import LUMA, cast_pixels, full_scale
from gtsrb.config.augmentation import (
    Augmentation,
    Blur,
    ColorJitter,
    Cutout,
    MotionBlur,
    Noise,
    Posterize,
    RGBShift,
    Shadow,
)


@dataclass(frozen=True)
class ColorFactors:
    """Color-jitter factors of n images, (n,) float64 each; 1 changes nothing."""

    saturation: np.ndarray
    contrast: np.ndarray
    brightness: np.ndarray


@dataclass(frozen=True)
class NoiseField:
    """Gaussian noise for k of the n images."""

    rows: np.ndarray  # (k,) indices of the images that get noise
    values: np.ndarray  # (k, size, size, 3) float32, standard normal
    sigmas: np.ndarray  # (k,) standard deviations, as shares of white


@dataclass(frozen=True)
class Patch:
    """The square of cutout in each of n images."""

    inside: np.ndarray  # (n, size, size) bool
    colors: np.ndarray  # (n, 1, 1, 3), as shares of white


def apply(images: np.ndarray, params: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """(n, size, size, channels) images -> the same with every change that `params` has, in this order."""
    n, size = images.shape[:2]
    if params.shadow:
        images = cast_shadow(images, draw_shadow(n, size, params.shadow, rng))
    if params.color_jitter:
        images = jitter_color(images, draw_color_jitter(n, params.color_jitter, rng))
    if params.rgb_shift:
        images = shift_rgb(images, draw_rgb_shift(n, params.rgb_shift, rng))
    if params.blur:
        images = blur(images, draw_blur(n, params.blur, rng))
    if params.motion_blur:
        images = blur_by_motion(images, draw_motion(n, size, params.motion_blur, rng))
    if params.noise:
        images = add_noise(images, draw_noise(n, size, params.noise, rng))
    if params.posterize:
        images = posterize(images, draw_levels(n, params.posterize, rng))
    if params.cutout:
        images = cut_out(images, draw_cutout(n, size, params.cutout, rng))
    return images


def draw_shadow(n: int, size: int, params: Shadow, rng: np.random.Generator) -> np.ndarray:
    """For each image with `probability`, a half-plane that loses a fraction of its light, uniform in [0, `strength`].

    Its edge goes through a random point of the image in a random direction, and is a pixel wide.
    """
    lost = rng.uniform(0, params.strength, n)
    lost[rng.random(n) >= params.probability] = 0
    direction = rng.uniform(0, 2 * np.pi, (n, 1, 1))
    rows, columns = (np.arange(size) + 0.5 - rng.uniform(0, size, (n, 1)) for _ in range(2))
    distance = columns[:, None, :] * np.cos(direction) + rows[:, :, None] * np.sin(direction)
    return (1 - lost[:, None, None] * np.clip(distance + 0.5, 0, 1)).astype(np.float32)


def draw_color_jitter(n: int, params: ColorJitter, rng: np.random.Generator) -> ColorFactors:
    """Factors drawn uniformly from 1 +- each range of `params`."""
    ranges = (params.saturation, params.contrast, params.brightness)
    return ColorFactors(*(1 + rng.uniform(-half_range, half_range, n) for half_range in ranges))


def draw_rgb_shift(n: int, params: RGBShift, rng: np.random.Generator) -> np.ndarray:
    """For each image with `probability`, one constant per channel, drawn uniformly from +- `offset` of white."""
    shift = rng.uniform(-params.offset, params.offset, (n, 1, 1, 3)).astype(np.float32)
    shift[rng.random(n) >= params.probability] = 0
    return shift


def draw_blur(n: int, params: Blur, rng: np.random.Generator) -> np.ndarray:
    """For each image with `probability`, a standard deviation drawn uniformly from [0.1, `sigma`] pixels."""
    sigmas = rng.uniform(min(0.1, params.sigma), params.sigma, n)
    return np.where(rng.random(n) < params.probability, sigmas, 0)


def draw_motion(n: int, size: int, params: MotionBlur, rng: np.random.Generator) -> np.ndarray:
    """For each image with `probability`, a way in a random direction, its length uniform in [0, `length`] of `size`."""
    length, direction = rng.uniform(0, params.length * size, n), rng.uniform(0, 2 * np.pi, n)
    length[rng.random(n) >= params.probability] = 0
    return length[:, None] * np.stack([np.cos(direction), np.sin(direction)], axis=1)


def draw_noise(n: int, size: int, params: Noise, rng: np.random.Generator) -> NoiseField:
    """For each image with `probability`, Gaussian noise, its standard deviation uniform in [0, `sigma`] of white."""
    sigmas = rng.uniform(0, params.sigma, n)
    rows = np.flatnonzero(rng.random(n) < params.probability)
    return NoiseField(rows, rng.standard_normal((len(rows), size, size, 3), np.float32), sigmas[rows])


def draw_levels(n: int, params: Posterize, rng: np.random.Generator) -> np.ndarray:
    """For each image with `probability`, a number of levels, log-uniform in [`levels`, 256]: few are as likely as many."""
    levels = np.rint(np.exp2(rng.uniform(np.log2(params.levels), 8, n))).astype(int)
    return np.where(rng.random(n) < params.probability, levels, 0)


def draw_cutout(n: int, size: int, params: Cutout, rng: np.random.Generator) -> Patch:
    """For each image with `probability`, a square and its colour; its side is uniform in [0, `max_side`] of `size`."""
    sides = rng.uniform(0, params.max_side, n)
    sides[rng.random(n) >= params.probability] = 0
    colors = rng.random((n, 1, 1, 3))
    return Patch(draw_squares(sides, size, rng), colors)


def draw_squares(sides: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """(n,) sides as shares of `size` -> (n, size, size) bool masks of squares at random centres, cut at the border."""
    half = sides[:, None] * size / 2
    pixel = np.arange(size) + 0.5
    rows, columns = (np.abs(pixel - rng.uniform(0, size, (len(sides), 1))) < half for _ in range(2))
    return rows[:, :, None] & columns[:, None, :]


def cast_shadow(images: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Multiplies (n, size, size, channels) images by (n, size, size) `light`."""
    out, rows = images.copy(), np.flatnonzero(light.min(axis=(1, 2)) < 1)
    out[rows] = cast_pixels(images[rows] * light[rows, :, :, None], images.dtype)
    return out


def jitter_color(images: np.ndarray, factors: ColorFactors) -> np.ndarray:
    """Multiplies saturation, contrast and brightness of (n, size, size, channels) images by `factors`.

    Saturation is the distance from the pixel's grey, contrast that from the image's mean grey, brightness that from black;
    the three are combined into one matrix per image.
    """
    saturation, contrast, brightness = (
        values[:, None, None] for values in (factors.saturation, factors.contrast, factors.brightness)
    )
    rgb = images.reshape(*images.shape[:2], -1, 3)
    mean = np.array([cv2.mean(image)[:3] for image in rgb]) @ LUMA
    matrix = saturation * np.eye(3) + (1 - saturation) * LUMA
    offset = np.broadcast_to((1 - contrast) * mean[:, None, None], (len(images), 3, 1))
    matrices = (brightness * np.concatenate([contrast * matrix, offset], axis=2)).astype(np.float32)
    changed = np.stack([cv2.transform(image, matrix) for image, matrix in zip(rgb, matrices, strict=True)])
    changed = changed.reshape(images.shape)
    return changed if images.dtype == np.uint8 else np.clip(changed, 0, 1)  # OpenCV rounds and clips uint8


def shift_rgb(images: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Adds (n, 1, 1, 3) `shift`, as a share of white, to (n, size, size, channels) images."""
    n, height, width, channels = images.shape
    shifts = _fill_row(np.tile(shift.reshape(n, 3), channels // 3), width) * full_scale(images)
    return cast_pixels(images.reshape(n, height, -1) + shifts, images.dtype).reshape(images.shape)


def _fill_row(values: np.ndarray, width: int) -> np.ndarray:
    """(n, channels) of a pixel -> (n, 1, width x channels) float32, a row of it: NumPy is slow over few channels at a time."""
    return np.tile(values.astype(np.float32), width)[:, None]


def blur(images: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
    """Gaussian blur with (n,) `sigmas` in pixels; the border pixel is repeated."""
    out = images.copy()
    for i in np.flatnonzero(sigmas):
        out[i] = cv2.GaussianBlur(images[i], (0, 0), sigmas[i], borderType=cv2.BORDER_REPLICATE)
    return out


def blur_by_motion(images: np.ndarray, ways: np.ndarray) -> np.ndarray:
    """What a camera sees that moves by (n, 2) `ways` while its shutter is open; the border pixel is repeated."""
    out = images.copy()
    for i in np.flatnonzero(ways.any(axis=1)):
        out[i] = cv2.filter2D(images[i], -1, motion_kernel(ways[i]), borderType=cv2.BORDER_REPLICATE)
    return out


def motion_kernel(way: np.ndarray) -> np.ndarray:
    """(2,) pixels right and down -> (side, side) float64 weights of sum 1, side odd: a line of this length, a pixel wide."""
    length = np.hypot(*way)
    reach = int(np.ceil(length / 2))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    right, down = way / length
    along, across = np.abs(x * right + y * down), np.abs(y * right - x * down)
    weights = np.clip(length / 2 + 0.5 - along, 0, 1) * np.clip(1 - across, 0, 1)
    return weights / weights.sum()


def add_noise(images: np.ndarray, noise: NoiseField) -> np.ndarray:
    """Adds `noise` to those of the (n, size, size, channels) images that it has rows for."""
    sigmas = (noise.sigmas * full_scale(images)).astype(np.float32)
    values = np.tile(noise.values * sigmas[:, None, None, None], images.shape[3] // 3)
    out = images.copy()
    out[noise.rows] = cast_pixels(images[noise.rows] + values, images.dtype)
    return out


def posterize(images: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Rounds (n, size, size, channels) images to (n,) `levels` from black to white, of which a camera has few in the dark."""
    out = images.copy()
    for i in np.flatnonzero(levels):
        step = full_scale(images) / (levels[i] - 1)
        out[i] = cast_pixels(np.rint(images[i] / step) * step, images.dtype)
    return out


def cut_out(images: np.ndarray, patch: Patch) -> np.ndarray:
    """DeVries and Taylor 2017: fills a square of each image with one colour."""
    colors = np.tile(cast_pixels(patch.colors * full_scale(images), images.dtype), images.shape[3] // 3)
    return np.where(patch.inside[..., None], colors, images)
