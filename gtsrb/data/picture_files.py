"""Reads a picture from a camera, a phone or the web as 8-bit RGB, in any of the common formats."""

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from gtsrb.data.limits import MAX_PIXELS
from gtsrb.errors import InputError

FORMATS = {  # Pillow's name -> file extensions. It supports more, some of which start other programs (EPS)
    "PNG": ("png",),
    "JPEG": ("jpg", "jpeg"),
    "GIF": ("gif",),
    "WEBP": ("webp",),
    "TIFF": ("tif", "tiff"),
    "BMP": ("bmp",),
    "PPM": ("ppm", "pgm", "pbm"),
}


def read(file: Path | bytes) -> np.ndarray:
    """A picture in one of `FORMATS` -> (height, width, 3) uint8 RGB, in its EXIF orientation, on white if transparent.

    Raises `InputError` if it cannot be read, is too large, or has floating-point pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit, below, is lower
            image: Image.Image = Image.open(io.BytesIO(file) if isinstance(file, bytes) else file, formats=list(FORMATS))
        with image:
            if image.width * image.height > MAX_PIXELS:
                raise InputError(f"{image.width} x {image.height} pixels; expected at most {MAX_PIXELS // 10**6} million")
            ImageOps.exif_transpose(image, in_place=True)
            if image.mode.startswith("I"):  # 16 bits per pixel, 32 if read from PGM
                image = Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
            if image.mode == "F":
                raise InputError("floating-point pixels; expected 8 or 16 bits per channel")
            if image.has_transparency_data:
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
            return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    except InputError:
        raise
    except UnidentifiedImageError:
        raise InputError(f"not a picture in a supported format; expected one of {', '.join(FORMATS)}") from None
    except Exception as error:  # Pillow raises a dozen types on broken files
        raise InputError(f"cannot be read: {error}") from None
