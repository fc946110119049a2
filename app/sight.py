"""What the page does with a picture: read it, cut the sign out, ask the network, map what it looked at. No page in here."""

import base64
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from gtsrb import predict
from gtsrb.errors import InputError
from gtsrb.images import Box, preprocess
from gtsrb.names import SIGN_NAMES
from gtsrb.occlusion import occlusion_map
from gtsrb.predict import Model
from gtsrb.signs import sign
from gtsrb.tables import ROI, decode_ppm

SMALLEST = 8  # pixels a side; with fewer there is nothing to see, and a square of one pixel has no half to cut
LARGEST = 1024  # pixels, longer side, that equalisation gets: of 12 million pixels the champion's takes 20 s and 4 GB


class Sight(NamedTuple):
    """A picture as the network sees it, and what it takes it for."""

    image: np.ndarray  # (size, size, 3), as the model's variant makes it
    probabilities: np.ndarray  # (classes,) float32


def read(data: bytes) -> np.ndarray:
    """A file's picture, the first of several, as (height, width, 3) uint8 RGB. Raises `InputError`, whatever is wrong."""
    try:
        return predict.read(data)
    except InputError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on a broken file
        raise InputError(f"cannot be read: {error or type(error).__name__}") from None


def look(picture: np.ndarray, box: Box | None, model: Model) -> Sight:
    """What the network sees in the box, or in the whole picture. Raises `InputError` where that is too small."""
    image = preprocess(*reduced(*cut(picture, box)), model.variant)
    return Sight(image, model.probabilities(image[None])[0])


def cut(picture: np.ndarray, box: Box | None) -> tuple[np.ndarray, Box]:
    """The box with a border as in the benchmark's images, a tenth of the sign and at least 5 pixels; and its place in there.

    The network thus gets a sign in a photo as it got those it was trained on. No box is the whole picture, without a border.
    """
    height, width = picture.shape[:2]
    x1, y1, x2, y2 = box or (0, 0, width - 1, height - 1)
    if min(x2 - x1, y2 - y1) + 1 < SMALLEST:
        raise InputError(f"{x2 - x1 + 1} x {y2 - y1 + 1} pixels; expected at least {SMALLEST} x {SMALLEST} to see a sign in")
    border = max(5, round(max(x2 - x1 + 1, y2 - y1 + 1) / 10)) if box else 0
    left, top = max(x1 - border, 0), max(y1 - border, 0)
    return picture[top : y2 + 1 + border, left : x2 + 1 + border], Box(x1 - left, y1 - top, x2 - left, y2 - top)


def reduced(image: np.ndarray, box: Box, longest: int = LARGEST) -> tuple[np.ndarray, Box]:
    """Image and box, made smaller where a side is longer than `longest`."""
    height, width = image.shape[:2]
    if max(height, width) <= longest:
        return image, box
    size = [max(round(side * longest / max(height, width)), min(side, SMALLEST)) for side in (width, height)]
    smaller = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))
    return smaller, Box(*(edge * new // old for edge, new, old in zip(box, size * 2, (width, height) * 2, strict=True)))


def thumbnail(picture: np.ndarray, side: int = 96, kind: str = "png") -> str:
    """The URL of the picture, made small."""
    return data_url(Image.fromarray(reduced(picture, Box(0, 0, 0, 0), side)[0]), kind)


def attention(sight: Sight, model: Model) -> np.ndarray:
    """(size, size) float32: what of the log-odds of the likeliest sign is lost where a pixel is covered.

    Not of its probability: where that is 0.9999, covering a part leaves it there, and the map would be empty.
    """
    size, best = sight.image.shape[0], int(sight.probabilities.argmax())

    def log_odds(images: np.ndarray) -> np.ndarray:
        probabilities = np.maximum(model.probabilities(images), 1e-30)
        others = np.delete(probabilities, best, axis=1).sum(axis=1)  # more exact than 1 - p
        return np.log(probabilities[:, [best]] / others[:, None])

    return occlusion_map(log_odds, sight.image, 0, patch=size // 4, step=max(1, size // 12))


def visible(image: np.ndarray) -> np.ndarray:
    """A network's image as (size, size, 3) uint8."""
    return image if image.dtype == np.uint8 else np.rint(image * 255).astype(np.uint8)


def overlay(image: np.ndarray, lost: np.ndarray, side: int = 384) -> np.ndarray:
    """(side, side, 3) uint8: the image in grey, orange where it speaks for the sign, blue where it speaks against it.

    The strongest place is opaque, however little it takes away, so that a sure answer has a map too.
    """
    grey = np.asarray(Image.fromarray(visible(image)).convert("L").resize((side, side), Image.Resampling.NEAREST))
    strength = Image.fromarray(lost / max(np.abs(lost).max(), 1e-9)).resize((side, side), Image.Resampling.BICUBIC)
    strength = np.asarray(strength).clip(-1, 1)[..., None]
    colour = np.where(strength > 0, (255, 110, 0), (0, 90, 255))
    opacity = 0.75 * np.abs(strength)
    return ((0.35 * 255 + 0.65 * grey[..., None]) * (1 - opacity) + colour * opacity).round().astype(np.uint8)


def pictogram(name: str, data: Path = Path("data/raw"), side: int = 96) -> str | None:
    """The URL of a picture of the class: the sign drawn, or the largest training image of that name, or None."""
    if name in SIGN_NAMES:
        return data_url(Image.fromarray(sign(SIGN_NAMES.index(name), side)))
    table, classes = data / "train.parquet", data / "classes.csv"
    if not (table.is_file() and classes.is_file()):
        return None
    known = pd.read_csv(classes).set_index("name")["class_id"]
    if name not in known.index:
        return None
    of_class = [("class_id", "==", int(known[name]))]
    widths = pd.read_parquet(table, columns=["filename", "width"], filters=of_class)
    largest = ("filename", "==", widths.loc[widths["width"].idxmax(), "filename"])
    row = pd.read_parquet(table, columns=[*ROI, "image"], filters=[*of_class, largest]).iloc[0]
    x1, y1, x2, y2 = row[ROI].astype(int)
    image = Image.fromarray(decode_ppm(row["image"])[y1 : y2 + 1, x1 : x2 + 1])
    image.thumbnail((side, side))
    return data_url(image)


def data_url(image: Image.Image, kind: str = "png") -> str:
    """The picture itself as an address, so that the page has to fetch nothing."""
    stream = io.BytesIO()
    image.save(stream, kind)
    return f"data:image/{kind};base64,{base64.b64encode(stream.getvalue()).decode()}"
