"""Random changes to the colours of training images: light, blur, noise, and a patch that hides a part of the sign.

Images are (n, size, size, 3), uint8 or float32 in [0, 1], and keep their dtype; each has its own draws.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from gtsrb.recipes import Augmentation, Blur, Color, Cutout, Noise, Tint

LUMA = np.array([0.299, 0.587, 0.114])  # of R, G, B (ITU-R BT.601)


def change(images: np.ndarray, params: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """All the changes that `params` has; (n, size, size, channels) images, whose pictures get the same draws."""
    start, changed = rng.bit_generator.state, np.empty_like(images)
    for rgb in pictures(images):
        rng.bit_generator.state = start
        changed[rgb] = changed_picture(np.ascontiguousarray(images[rgb]), params, rng)
    return changed


def pictures(images: np.ndarray) -> Iterator[tuple]:
    """The indices of each three channels of (n, size, size, channels) images."""
    return (np.s_[..., channel : channel + 3] for channel in range(0, images.shape[3], 3))


def changed_picture(images: np.ndarray, params: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """All the changes that `params` has, in this order."""
    if params.color:
        images = recolored(images, params.color, rng)
    if params.tint:
        images = tinted(images, params.tint, rng)
    if params.blur:
        images = blurred(images, params.blur, rng)
    if params.noise:
        images = noisy(images, params.noise, rng)
    if params.cutout:
        images = cut_out(images, params.cutout, rng)
    return images


def recolored(images: np.ndarray, params: Color, rng: np.random.Generator) -> np.ndarray:
    """Saturation, contrast and brightness of each image, by factors drawn uniformly from 1 +- the ranges.

    Saturation is the distance from the pixel's grey, contrast that from the image's mean grey, brightness that from black;
    the three make one matrix an image.
    """
    n = len(images)
    widths = (params.saturation, params.contrast, params.brightness)
    saturation, contrast, brightness = (1 + rng.uniform(-width, width, (n, 1, 1)) for width in widths)
    mean = np.array([cv2.mean(image)[:3] for image in images]) @ LUMA
    matrix = saturation * np.eye(3) + (1 - saturation) * LUMA
    offset = np.broadcast_to((1 - contrast) * mean[:, None, None], (n, 3, 1))
    matrices = (brightness * np.concatenate([contrast * matrix, offset], axis=2)).astype(np.float32)
    changed = np.stack([cv2.transform(image, matrix) for image, matrix in zip(images, matrices, strict=True)])
    return changed if images.dtype == np.uint8 else np.clip(changed, 0, 1)  # OpenCV rounds and clips uint8


def tinted(images: np.ndarray, params: Tint, rng: np.random.Generator) -> np.ndarray:
    """A colour over a share of the images: to each channel a constant is added, drawn uniformly from +- `offset` of white."""
    offsets = rng.uniform(-params.offset, params.offset, (len(images), 1, 1, 3)).astype(np.float32) * full_scale(images)
    offsets[rng.random(len(images)) >= params.probability] = 0
    return like(images, images + offsets)


def blurred(images: np.ndarray, params: Blur, rng: np.random.Generator) -> np.ndarray:
    """Gaussian blur of a share of the images, its sigma drawn uniformly from [0.1, sigma] pixels; borders repeat."""
    sigmas = rng.uniform(min(0.1, params.sigma), params.sigma, len(images))
    out = images.copy()
    for i in np.flatnonzero(rng.random(len(images)) < params.probability):
        out[i] = cv2.GaussianBlur(images[i], (0, 0), sigmas[i], borderType=cv2.BORDER_REPLICATE)
    return out


def noisy(images: np.ndarray, params: Noise, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise on a share of the images, its standard deviation drawn uniformly from [0, sigma] of white."""
    sigmas = rng.uniform(0, params.sigma, len(images)) * full_scale(images)
    rows = np.flatnonzero(rng.random(len(images)) < params.probability)
    noise = rng.standard_normal((len(rows), *images.shape[1:]), np.float32) * sigmas[rows, None, None, None].astype(np.float32)
    out = images.copy()
    out[rows] = like(images, images[rows] + noise)
    return out


def cut_out(images: np.ndarray, params: Cutout, rng: np.random.Generator) -> np.ndarray:
    """DeVries and Taylor 2017: a square around a random pixel of a share of the images becomes one random colour."""
    n, size = len(images), images.shape[1]
    sides = rng.uniform(0, params.size, n)
    sides[rng.random(n) >= params.probability] = 0
    colors = like(images, rng.random((n, 1, 1, 3)) * full_scale(images))
    return np.where(boxes(sides, size, rng)[..., None], colors, images)


def boxes(sides: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """(n,) sides, as shares of the image's -> (n, size, size) bool: in a square around a random pixel, cut at the border."""
    half = sides[:, None] * size / 2
    pixel = np.arange(size) + 0.5
    rows, columns = (np.abs(pixel - rng.uniform(0, size, (len(sides), 1))) < half for _ in range(2))
    return rows[:, :, None] & columns[:, None, :]


def full_scale(images: np.ndarray) -> int:
    """What white is in `images`."""
    return 255 if images.dtype == np.uint8 else 1


def like(images: np.ndarray, values: np.ndarray) -> np.ndarray:
    """`values` as pixels of the dtype of `images`: clipped to its range, rounded where it is uint8."""
    values = np.clip(values, 0, full_scale(images))
    return np.rint(values).astype(np.uint8) if images.dtype == np.uint8 else values.astype(images.dtype)
