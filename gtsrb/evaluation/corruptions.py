"""Image corruptions of a given severity, for measuring the robustness of a recipe (as in ImageNet-C).

A function takes a raw image, (height, width, 3) uint8 of any size, before any preprocessing, and returns one of the same
shape and dtype. Severities are relative to the image's size, so that large and small images are corrupted equally.
"""

import io
from collections.abc import Callable, Iterable

import cv2
import numpy as np
from PIL import Image

from gtsrb.config.preprocess import Variant
from gtsrb.data.tables import decode_ppm
from gtsrb.preprocessing.crop import Box
from gtsrb.preprocessing.preprocess import preprocess

Corruption = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]


def blur(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Gaussian blur; the severity is its standard deviation in percent of the shorter side."""
    return cv2.GaussianBlur(image, (0, 0), severity / 100 * min(image.shape[:2]), borderType=cv2.BORDER_REPLICATE)


def noise(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise; the severity is its standard deviation as a share of white."""
    return _to_uint8(image + rng.standard_normal(image.shape) * severity * 255)


def darkening(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Reduces brightness by this share."""
    return _to_uint8(image * (1 - severity))


def contrast_loss(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Reduces the distance to the mean grey by this share, as haze does."""
    return _to_uint8(image + severity * (image.mean() - image))


def jpeg(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """JPEG compression at quality 100 - severity."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=round(100 - severity))  # OpenCV's encoder would expect BGR
    return np.array(Image.open(stream))


def occlusion(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Covers a random place with a grey square whose side is this share of the shorter side."""
    out, side = image.copy(), round(severity * min(image.shape[:2]))
    top, left = (rng.integers(0, length - side + 1) for length in image.shape[:2])
    out[top : top + side, left : left + side] = 128
    return out


def rotation(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Rotates by this angle in degrees, to a random side; border pixels are repeated."""
    return _transform(image, angle=severity * rng.choice([-1, 1]))


def scale(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Shrinks or enlarges the sign by this share; border pixels are repeated."""
    return _transform(image, zoom=1 + severity * rng.choice([-1, 1]))


def translation(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Shifts by this share of width and of height, in a random diagonal direction; border pixels are repeated."""
    height, width = image.shape[:2]
    return _transform(image, x=severity * width * rng.choice([-1, 1]), y=severity * height * rng.choice([-1, 1]))


def _transform(image: np.ndarray, *, angle: float = 0, zoom: float = 1, x: float = 0, y: float = 0) -> np.ndarray:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, zoom)
    matrix[:, 2] += np.array([x, y])
    return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _to_uint8(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


CORRUPTIONS: dict[str, Corruption] = {
    function.__name__: function
    for function in (blur, noise, darkening, contrast_loss, jpeg, occlusion, rotation, scale, translation)
}

NumberedRow = tuple[int, bytes, int, int, int, int]  # number in the sample, image as a PPM, box


def corrupt_and_preprocess(rows: Iterable[NumberedRow], kind: str, severity: float, seed: int, variant: Variant) -> np.ndarray:
    """n rows -> (n, size, size, channels) images, corrupted unless `kind` is none, then preprocessed.

    Draws depend only on `seed` and the row's number.
    """
    images = []
    for number, ppm, *box in rows:
        image = decode_ppm(ppm)
        if kind != "none":
            image = CORRUPTIONS[kind](image, severity, np.random.default_rng([seed, number]))
        images.append(preprocess(image, Box(*box), variant))
    return np.stack(images)
