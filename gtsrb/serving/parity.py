"""An exported file on raw images: its predictions, and how far its preprocessing is from the pipeline's."""

from collections.abc import Sequence

import numpy as np

from gtsrb.config.preprocess import Variant
from gtsrb.data.tables import decode_ppm
from gtsrb.evaluation.photographs import sample_crops
from gtsrb.preprocessing.crop import Box, crop_with_border
from gtsrb.preprocessing.preprocess import preprocess
from gtsrb.serving.predictor import load

Row = tuple[bytes, int, int, int, int]  # the image as a PPM, x1, y1, x2, y2


def predict_rows(rows: Sequence[Row], model: bytes) -> np.ndarray:
    """(2, n, classes) float32 probabilities by an exported file's content: with the box of each sign, and without."""
    exported = load(model)
    pictures = [decode_ppm(image) for image, *_ in rows]
    with_boxes = [exported.predict(picture, Box(*box)) for picture, (_, *box) in zip(pictures, rows, strict=True)]
    as_files = [exported.predict(picture) for picture in pictures]
    return np.stack([[prediction.probabilities for prediction in predictions] for predictions in (with_boxes, as_files)])


def predict_photograph(name: str, crops: int, model: bytes) -> np.ndarray:
    """(crops,) probabilities of the first answers for crops of a photograph without a sign."""
    exported = load(model)
    return np.array([exported.predict(crop).probabilities.max() for crop in sample_crops(name, crops)])


def prepare(picture: np.ndarray, box: Box | None, variant: Variant) -> np.ndarray:
    """What the file does with a picture, by the pipeline's own code: (size, size, channels)."""
    height, width = picture.shape[:2]
    return preprocess(*crop_with_border(picture, box or Box(0, 0, width - 1, height - 1)), variant)


def input_difference(rows: Sequence[Row], model: bytes, variant: Variant) -> float:
    """The largest difference, in levels, between the network's inputs as the file prepares them, with boxes, and `prepare`."""
    exported, scale = load(model), 1 if variant.dtype == "uint8" else 255
    differences = [
        np.abs(
            exported.predict(decode_ppm(image), Box(*box)).network_input
            - prepare(decode_ppm(image), Box(*box), variant).astype(float)
        )
        for image, *box in rows
    ]
    return float(max(difference.max() for difference in differences) * scale)
