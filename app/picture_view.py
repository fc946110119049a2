"""What the page shows of a picture: its occlusion sensitivity, a thumbnail, a sign's pictogram. Imports no Streamlit."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from gtsrb.data.arrays import read_class_names
from gtsrb.data.limits import MIN_SIDE
from gtsrb.data.sign_names import SIGN_NAMES
from gtsrb.data.tables import ROI, decode_ppm
from gtsrb.preprocessing.crop import Box, crop_with_border, limit_size
from gtsrb.reporting.html_images import data_url
from gtsrb.reporting.occlusion_sensitivity import log_odds_drop
from gtsrb.serving.predictor import Model, check_box
from gtsrb.synthetic.faces import draw_sign

OCCLUSION_SIDE = 96  # pixels at most, of the picture that is covered patch by patch
PICTOGRAM_SIDE = 96  # pixels


def cut_out(picture: np.ndarray, box: Box | None) -> tuple[np.ndarray, Box]:
    """The box with its border, reduced to `OCCLUSION_SIDE`, (height, width, 3) uint8; and the box in it.

    Reduced less if the box would become smaller than a model takes.
    """
    crop, around = crop_with_border(picture, check_box(picture, box))
    factor = min(around.sides) // MIN_SIDE
    return limit_size(crop, around, max(OCCLUSION_SIDE, -(-max(crop.shape[:2]) // factor)))


def occlusion_map(crop: np.ndarray, box: Box, model: Model, class_id: int) -> np.ndarray:
    """Of the result of `cut_out`, for this class: (height, width) float32."""

    def predict(pictures: np.ndarray) -> np.ndarray:
        return np.stack([model.predict(covered, box).probabilities for covered in pictures])

    return log_odds_drop(predict, crop, class_id)


def thumbnail(picture: np.ndarray, side: int = 96, file_format: str = "png") -> str:
    """The URL of the picture, reduced to at most `side` pixels per side."""
    image = Image.fromarray(picture)
    image.thumbnail((side, side), Image.Resampling.BOX)
    return data_url(np.asarray(image), file_format)


def pictogram(name: str, data: Path = Path("data/raw")) -> str | None:
    """The URL of a picture of the class: its sign drawn, or else its largest training image, or None."""
    if name in SIGN_NAMES:
        return data_url(draw_sign(SIGN_NAMES.index(name), PICTOGRAM_SIDE))
    table, classes = data / "train.parquet", data / "classes.csv"
    if not (table.is_file() and classes.is_file()):
        return None
    names = read_class_names(classes)
    if name not in names:
        return None
    of_class = [("class_id", "==", names.index(name))]
    widths = pd.read_parquet(table, columns=["filename", "width"], filters=of_class)
    largest = ("filename", "==", widths["filename"].iloc[int(widths["width"].argmax())])
    row = pd.read_parquet(table, columns=[*ROI, "image"], filters=[*of_class, largest]).iloc[0]
    x1, y1, x2, y2 = (int(row[edge]) for edge in ROI)
    image = Image.fromarray(decode_ppm(row["image"])[y1 : y2 + 1, x1 : x2 + 1])
    image.thumbnail((PICTOGRAM_SIDE, PICTOGRAM_SIDE))
    return data_url(np.asarray(image))
