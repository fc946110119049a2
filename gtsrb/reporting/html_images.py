"""Images and occlusion maps as the report and the page show them."""

import base64
import io

import numpy as np
from PIL import Image

ORANGE, BLUE = (255, 110, 0), (0, 90, 255)


def to_uint8(image: np.ndarray) -> np.ndarray:
    """(height, width, channels) uint8, or floats in [0, 1] -> (height, width, 3) uint8: the first three channels."""
    image = image[..., :3]
    return image if image.dtype == np.uint8 else np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)


def overlay_map(image: np.ndarray, drop: np.ndarray, side: int = 384) -> np.ndarray:
    """(height, width, channels) image and its (height, width) occlusion map -> uint8, three channels, `side` pixels at most.

    The image in grey, orange where it speaks for the class, blue where it speaks against it. Each map is scaled to its own
    maximum, however small, so that the map of a confident prediction is not empty.
    """
    height, width = drop.shape
    size = round(side * width / max(height, width)), round(side * height / max(height, width))
    grey = np.asarray(Image.fromarray(to_uint8(image)).convert("L").resize(size, Image.Resampling.NEAREST))
    scaled = Image.fromarray(drop / max(np.abs(drop).max(), 1e-9)).resize(size, Image.Resampling.BICUBIC)
    weight = np.asarray(scaled).clip(-1, 1)[..., None]
    colour = np.where(weight > 0, ORANGE, BLUE)
    opacity = 0.75 * np.abs(weight)
    return ((0.35 * 255 + 0.65 * grey[..., None]) * (1 - opacity) + colour * opacity).round().astype(np.uint8)


def data_url(image: np.ndarray, file_format: str = "png") -> str:
    """The (height, width, 3 or 4) uint8 image as a data: URL, so that a page has no file to fetch."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, file_format)
    return f"data:image/{file_format};base64,{base64.b64encode(stream.getvalue()).decode()}"
