"""An exported file on raw images: its predictions, and how far its preprocessing is from the pipeline's."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gtsrb.config.preprocess import Variant
from gtsrb.data.tables import decode_ppm
from gtsrb.evaluation.photographs import sample_crops
from gtsrb.preprocessing.crop import Box, crop_with_border
from gtsrb.preprocessing.preprocess import preprocess
from gtsrb.serving.predictor import load

Row = tuple[bytes, int, int, int, int]  # the image as a PPM, x1, y1, x2, y2


def predict_rows(rows: Sequence[Row], model: Path | bytes, *, boxes: bool) -> np.ndarray:
    """(n, classes) float32 probabilities by an exported file, or its content, with the `boxes` of the signs or without."""
    exported = load(model)
    return np.stack([exported.predict(decode_ppm(image), Box(*box) if boxes else None).probabilities for image, *box in rows])


def predict_photograph(name: str, crops: int, model: Path | bytes) -> np.ndarray:
    """(crops,) probabilities of the first answers for crops of a photograph without a sign."""
    exported = load(model)
    return np.array([exported.predict(crop).probabilities.max() for crop in sample_crops(name, crops)])


def prepare(picture: np.ndarray, box: Box | None, variant: Variant) -> np.ndarray:
    """What the file does with a picture, by the pipeline's own code: (size, size, channels)."""
    height, width = picture.shape[:2]
    return preprocess(*crop_with_border(picture, box or Box(0, 0, width - 1, height - 1)), variant)


def input_difference(rows: Sequence[Row], model: Path | bytes, variant: Variant) -> float:
    """The largest difference, in levels, between the network's inputs as the file prepares them, with boxes, and `prepare`."""
    exported, scale = load(model), 1 if variant.dtype == "uint8" else 255
    signs = ((decode_ppm(image), Box(*box)) for image, *box in rows)
    pairs = ((exported.predict(*sign).network_input, prepare(*sign, variant)) for sign in signs)
    return float(max(np.abs(found - expected.astype(float)).max() for found, expected in pairs) * scale)
