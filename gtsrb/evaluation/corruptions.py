"""Ways in which a picture gets worse, each with a severity: for measuring how much of it a recipe bears.

They take and give raw images, (height, width, 3) uint8 of any size, before any preprocessing; severities are relative to the
image's size, so that a large and a small picture of a sign suffer alike.
"""

import io
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

Corruption = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]


def blur(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Gaussian blur; the severity is its sigma in hundredths of the lesser side."""
    return cv2.GaussianBlur(image, (0, 0), severity / 100 * min(image.shape[:2]), borderType=cv2.BORDER_REPLICATE)


def noise(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise of this standard deviation, as a share of white."""
    return _rounded(image + rng.standard_normal(image.shape) * severity * 255)


def darkening(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """This share of the light is taken away."""
    return _rounded(image * (1 - severity))


def contrast_loss(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """This share of the distance to the mean grey is taken away, as by haze."""
    return _rounded(image + severity * (image.mean() - image))


def jpeg(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Compression at quality 100 - severity."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=round(100 - severity))  # OpenCV's would expect BGR
    return np.array(Image.open(stream))


def occlusion(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """A grey square with this share of the lesser side, at a random place that is wholly inside."""
    out, side = image.copy(), round(severity * min(image.shape[:2]))
    top, left = (rng.integers(0, length - side + 1) for length in image.shape[:2])
    out[top : top + side, left : left + side] = 128
    return out


def rotation(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """By this angle in degrees, to either side; borders repeat."""
    return _moved(image, angle=severity * rng.choice([-1, 1]))


def scale(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """The sign becomes smaller or larger by this share; borders repeat."""
    return _moved(image, zoom=1 + severity * rng.choice([-1, 1]))


def translation(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """By this share of each side, to either side of each; borders repeat."""
    height, width = image.shape[:2]
    return _moved(image, x=severity * width * rng.choice([-1, 1]), y=severity * height * rng.choice([-1, 1]))


def _moved(image: np.ndarray, *, angle: float = 0, zoom: float = 1, x: float = 0, y: float = 0) -> np.ndarray:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, zoom)
    matrix[:, 2] += np.array([x, y])
    return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _rounded(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


KINDS: dict[str, Corruption] = {
    function.__name__: function
    for function in (blur, noise, darkening, contrast_loss, jpeg, occlusion, rotation, scale, translation)
}
