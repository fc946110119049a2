"""Random changes to the colours of training images: light, blur, noise, and a patch that hides a part of the sign.

Parameters are drawn first and applied then. Images are (n, size, size, channels), uint8 or float32 in [0, 1], and keep their
dtype; each has its own draws, and each three channels of it the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from gtsrb.config.augmentation import Augmentation, Blur, ColorJitter, Cutout, Noise, RGBShift

LUMA = np.array([0.299, 0.587, 0.114])  # of R, G, B (ITU-R BT.601)


@dataclass(frozen=True)
class ColorFactors:
    """Of each of n images, (n,) float64; 1 leaves it as it is."""

    saturation: np.ndarray
    contrast: np.ndarray
    brightness: np.ndarray


@dataclass(frozen=True)
class NoiseField:
    rows: np.ndarray  # (k,) of the images that get noise
    values: np.ndarray  # (k, size, size, 3) float32 of standard deviation 1
    sigmas: np.ndarray  # (k,) standard deviations, as shares of white


@dataclass(frozen=True)
class Patch:
    inside: np.ndarray  # (n, size, size) bool
    colors: np.ndarray  # (n, 1, 1, 3) as shares of white


@dataclass(frozen=True)
class PhotometricDraws:
    """One change for each of n images; None is a change that no image gets."""

    color: ColorFactors | None
    shift: np.ndarray | None  # (n, 1, 1, 3) float32 share of white that is added to each channel; 0 leaves it as it is
    blur: np.ndarray | None  # (n,) sigma in pixels; 0 leaves it as it is
    noise: NoiseField | None
    cutout: Patch | None


def draw(n: int, size: int, params: Augmentation, rng: np.random.Generator) -> PhotometricDraws:
    """Draws for `n` images of `size` pixels a side, of all the changes that `params` has."""
    return PhotometricDraws(
        color=draw_color(n, params.color_jitter, rng) if params.color_jitter else None,
        shift=draw_shift(n, params.rgb_shift, rng) if params.rgb_shift else None,
        blur=draw_blur(n, params.blur, rng) if params.blur else None,
        noise=draw_noise(n, size, params.noise, rng) if params.noise else None,
        cutout=draw_cutout(n, size, params.cutout, rng) if params.cutout else None,
    )


def draw_color(n: int, params: ColorJitter, rng: np.random.Generator) -> ColorFactors:
    """Factors drawn uniformly from 1 +- the ranges."""
    widths = (params.saturation, params.contrast, params.brightness)
    return ColorFactors(*(1 + rng.uniform(-width, width, n) for width in widths))


def draw_shift(n: int, params: RGBShift, rng: np.random.Generator) -> np.ndarray:
    """For a share of the images a constant for each channel, drawn uniformly from +- `offset` of white."""
    shift = rng.uniform(-params.offset, params.offset, (n, 1, 1, 3)).astype(np.float32)
    shift[rng.random(n) >= params.probability] = 0
    return shift


def draw_blur(n: int, params: Blur, rng: np.random.Generator) -> np.ndarray:
    """For a share of the images a sigma, drawn uniformly from [0.1, sigma] pixels."""
    sigmas = rng.uniform(min(0.1, params.sigma), params.sigma, n)
    return np.where(rng.random(n) < params.probability, sigmas, 0)


def draw_noise(n: int, size: int, params: Noise, rng: np.random.Generator) -> NoiseField:
    """For a share of the images Gaussian noise, its standard deviation drawn uniformly from [0, sigma] of white."""
    sigmas = rng.uniform(0, params.sigma, n)
    rows = np.flatnonzero(rng.random(n) < params.probability)
    return NoiseField(rows, rng.standard_normal((len(rows), size, size, 3), np.float32), sigmas[rows])


def draw_cutout(n: int, size: int, params: Cutout, rng: np.random.Generator) -> Patch:
    """For a share of the images a square with a side of at most `size` of the image's, and a colour."""
    sides = rng.uniform(0, params.size, n)
    sides[rng.random(n) >= params.probability] = 0
    colors = rng.random((n, 1, 1, 3))
    return Patch(draw_squares(sides, size, rng), colors)


def draw_squares(sides: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """(n,) sides, as shares of the image's -> (n, size, size) bool: in a square around a random pixel, cut at the border."""
    half = sides[:, None] * size / 2
    pixel = np.arange(size) + 0.5
    rows, columns = (np.abs(pixel - rng.uniform(0, size, (len(sides), 1))) < half for _ in range(2))
    return rows[:, :, None] & columns[:, None, :]


def apply(images: np.ndarray, draws: PhotometricDraws) -> np.ndarray:
    """All the changes of `draws`, in the order of its fields, to each three channels of the images."""
    changed = np.empty_like(images)
    for rgb in rgb_triples(images):
        picture = np.ascontiguousarray(images[rgb])
        if draws.color:
            picture = jitter_color(picture, draws.color)
        if draws.shift is not None:
            picture = shift_rgb(picture, draws.shift)
        if draws.blur is not None:
            picture = blur(picture, draws.blur)
        if draws.noise:
            picture = add_noise(picture, draws.noise)
        if draws.cutout:
            picture = cut_out(picture, draws.cutout)
        changed[rgb] = picture
    return changed


def rgb_triples(images: np.ndarray) -> Iterator[tuple]:
    """The indices of each three channels of (n, size, size, channels) images."""
    return (np.s_[..., channel : channel + 3] for channel in range(0, images.shape[3], 3))


def jitter_color(images: np.ndarray, factors: ColorFactors) -> np.ndarray:
    """Saturation, contrast and brightness of (n, size, size, 3) images, by their factors.

    Saturation is the distance from the pixel's grey, contrast that from the image's mean grey, brightness that from black;
    the three make one matrix an image.
    """
    saturation, contrast, brightness = (
        values[:, None, None] for values in (factors.saturation, factors.contrast, factors.brightness)
    )
    mean = np.array([cv2.mean(image)[:3] for image in images]) @ LUMA
    matrix = saturation * np.eye(3) + (1 - saturation) * LUMA
    offset = np.broadcast_to((1 - contrast) * mean[:, None, None], (len(images), 3, 1))
    matrices = (brightness * np.concatenate([contrast * matrix, offset], axis=2)).astype(np.float32)
    changed = np.stack([cv2.transform(image, matrix) for image, matrix in zip(images, matrices, strict=True)])
    return changed if images.dtype == np.uint8 else np.clip(changed, 0, 1)  # OpenCV rounds and clips uint8


def shift_rgb(images: np.ndarray, shift: np.ndarray) -> np.ndarray:
    return cast_pixels(images + shift * full_scale(images), images.dtype)


def blur(images: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
    """Gaussian blur; borders repeat."""
    out = images.copy()
    for i in np.flatnonzero(sigmas):
        out[i] = cv2.GaussianBlur(images[i], (0, 0), sigmas[i], borderType=cv2.BORDER_REPLICATE)
    return out


def add_noise(images: np.ndarray, noise: NoiseField) -> np.ndarray:
    sigmas = (noise.sigmas * full_scale(images)).astype(np.float32)
    out = images.copy()
    out[noise.rows] = cast_pixels(images[noise.rows] + noise.values * sigmas[:, None, None, None], images.dtype)
    return out


def cut_out(images: np.ndarray, patch: Patch) -> np.ndarray:
    """DeVries and Taylor 2017: a square becomes one colour."""
    colors = cast_pixels(patch.colors * full_scale(images), images.dtype)
    return np.where(patch.inside[..., None], colors, images)


def full_scale(images: np.ndarray) -> int:
    """What white is in `images`."""
    return 255 if images.dtype == np.uint8 else 1


def cast_pixels(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Values as pixels of `dtype`: clipped to its range, rounded where it is uint8."""
    if dtype == np.uint8:
        return np.rint(np.clip(values, 0, 255)).astype(np.uint8)
    return np.clip(values, 0, 1).astype(dtype)
