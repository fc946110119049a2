"""Images and maps as a page shows them."""

import base64
import io

import numpy as np
from PIL import Image


def to_uint8(image: np.ndarray) -> np.ndarray:
    """(size, size, channels) uint8 or floats in [0, 1] -> uint8, the first three channels."""
    image = image[..., :3]
    return image if image.dtype == np.uint8 else np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)


def overlay_map(image: np.ndarray, lost: np.ndarray, side: int = 384) -> np.ndarray:
    """(size, size, channels) image and its (size, size) occlusion map -> (side, side, 3) uint8.

    The image in grey, orange where it speaks for the sign, blue where it speaks against it. The strongest place is opaque,
    however little it takes away, so that a sure answer has a map too.
    """
    grey = np.asarray(Image.fromarray(to_uint8(image)).convert("L").resize((side, side), Image.Resampling.NEAREST))
    map_of_strength = Image.fromarray(lost / max(np.abs(lost).max(), 1e-9)).resize((side, side), Image.Resampling.BICUBIC)
    strength = np.asarray(map_of_strength).clip(-1, 1)[..., None]
    colour = np.where(strength > 0, (255, 110, 0), (0, 90, 255))
    opacity = 0.75 * np.abs(strength)
    return ((0.35 * 255 + 0.65 * grey[..., None]) * (1 - opacity) + colour * opacity).round().astype(np.uint8)


def data_url(image: np.ndarray, kind: str = "png") -> str:
    """The (height, width, 3 or 4) uint8 image itself as an address, so that a page has to fetch nothing."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, kind)
    return f"data:image/{kind};base64,{base64.b64encode(stream.getvalue()).decode()}"
