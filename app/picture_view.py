"""What the page shows of a picture: what the network sees and answers, a thumbnail, a sign's pictogram. No page in here."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from gtsrb.data.sign_names import SIGN_NAMES
from gtsrb.data.tables import ROI, decode_ppm
from gtsrb.preprocessing.crop import Box
from gtsrb.reporting.html_images import data_url
from gtsrb.serving import predictor
from gtsrb.serving.predictor import Model
from gtsrb.synthetic.faces import draw_sign


class PictureView(NamedTuple):
    """A picture as the network sees it, and what it takes it for."""

    image: np.ndarray  # (size, size, channels), as the model's variant makes it
    probabilities: np.ndarray  # (classes,) float32


def look_at(picture: np.ndarray, box: Box | None, model: Model) -> PictureView:
    """What the network sees in the box, or in the whole picture. Raises `InputError` where that is too small."""
    image = predictor.prepare_picture(picture, box, model.variant)
    return PictureView(image, model.predict(image[None])[0])


def thumbnail(picture: np.ndarray, side: int = 96, kind: str = "png") -> str:
    """The URL of the picture, made small."""
    image = Image.fromarray(picture)
    image.thumbnail((side, side), Image.Resampling.BOX)
    return data_url(np.asarray(image), kind)


def pictogram(name: str, data: Path = Path("data/raw"), side: int = 96) -> str | None:
    """The URL of a picture of the class: the sign drawn, or the largest training image of that name, or None."""
    if name in SIGN_NAMES:
        return data_url(draw_sign(SIGN_NAMES.index(name), side))
    table, classes = data / "train.parquet", data / "classes.csv"
    if not (table.is_file() and classes.is_file()):
        return None
    known = pd.read_csv(classes).set_index("name")["class_id"]
    if name not in known.index:
        return None
    of_class = [("class_id", "==", int(known[name]))]
    widths = pd.read_parquet(table, columns=["filename", "width"], filters=of_class)
    largest = ("filename", "==", widths["filename"].iloc[int(widths["width"].argmax())])
    row = pd.read_parquet(table, columns=[*ROI, "image"], filters=[*of_class, largest]).iloc[0]
    x1, y1, x2, y2 = (int(row[edge]) for edge in ROI)
    image = Image.fromarray(decode_ppm(row["image"])[y1 : y2 + 1, x1 : x2 + 1])
    image.thumbnail((side, side))
    return data_url(np.asarray(image))
