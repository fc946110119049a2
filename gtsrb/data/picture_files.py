"""A picture from a camera, a telephone or the web as 8-bit RGB, whatever kind of file it is."""

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from gtsrb.errors import InputError

PIXELS = 50_000_000  # of one picture, at most: more is a mistake or an attack
FORMATS = {  # Pillow's name: endings. It knows more, some of which start other programs (EPS)
    "PNG": ("png",),
    "JPEG": ("jpg", "jpeg"),
    "GIF": ("gif",),
    "WEBP": ("webp",),
    "TIFF": ("tif", "tiff"),
    "BMP": ("bmp",),
    "PPM": ("ppm", "pgm", "pbm"),
}


def read(file: Path | bytes) -> np.ndarray:
    """A picture of one of `FORMATS` as (height, width, 3) uint8 RGB, turned as its EXIF says.

    Transparency becomes white. Raises `InputError`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # we refuse sooner, below
            image: Image.Image = Image.open(io.BytesIO(file) if isinstance(file, bytes) else file, formats=list(FORMATS))
        with image:
            if image.width * image.height > PIXELS:
                raise InputError(f"{image.width} x {image.height} pixels; expected at most {PIXELS // 10**6} million")
            ImageOps.exif_transpose(image, in_place=True)
            if image.mode.startswith("I"):  # 16 bits a pixel, in a PGM file as 32
                image = Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
            if image.mode == "F":
                raise InputError("its pixels are floating-point numbers; expected 8 or 16 bits a channel")
            if image.has_transparency_data:
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
            return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    except InputError:
        raise
    except UnidentifiedImageError:
        raise InputError(f"not a picture in a known format; expected one of {', '.join(FORMATS)}") from None
    except Exception as error:  # Pillow raises a dozen kinds on broken files
        raise InputError(f"cannot be read: {error}") from None
