"""An exported network with its metadata: pictures in, the most probable signs out. Imports no Keras."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from gtsrb.config.preprocess import Variant
from gtsrb.data import picture_files
from gtsrb.errors import InputError
from gtsrb.preprocessing.crop import MIN_SIDE, Box, crop_with_border
from gtsrb.preprocessing.preprocess import preprocess, preprocess_without_box

MODELS = Path("pretrained")
BEST = "champion"  # the most accurate of them


@dataclass(frozen=True)
class Model:
    """An exported network with its metadata."""

    session: onnxruntime.InferenceSession
    names: list[str]  # of the classes
    variant: Variant  # the preprocessing of its images
    unsure_below: float  # top probability below which a prediction is marked as unsure

    def predict(self, images: np.ndarray) -> np.ndarray:
        """(n, size, size, channels) images as `variant` preprocesses them -> (n, classes) float32 probabilities."""
        return self.session.run(["probabilities"], {"images": images})[0]


def load(name: str) -> Model:
    """`name`: a model in pretrained/, or the path of an ONNX file that this project exported. Raises `InputError`."""
    path = Path(name) if name.endswith(".onnx") else MODELS / f"{name}.onnx"
    if not path.is_file():
        available = ", ".join(sorted(file.stem for file in MODELS.glob("*.onnx"))) or "none"
        raise InputError(f"no model at {path}; {MODELS}/ has {available}")
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions share no narrower base class
        raise InputError(f"{path}: not a model that ONNX Runtime can read ({str(error).splitlines()[0]})") from None
    properties = session.get_modelmeta().custom_metadata_map
    if "variant" not in properties:
        raise InputError(f"{path}: not a model of this project: its metadata has no preprocessing variant")
    try:
        model = Model(
            session,
            json.loads(properties["names"]),
            Variant.model_validate_json(properties["variant"], by_name=True, by_alias=False),
            float(properties["unsure_below"]),
        )
        probabilities = model.predict(np.zeros((1, *model.variant.shape), model.variant.dtype))
        if probabilities.shape != (1, len(model.names)):
            raise ValueError(f"{len(model.names)} class names for {probabilities.shape[-1]} outputs")
    except Exception as error:  # missing or invalid metadata, or ONNX Runtime's own error on images of another shape
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: a model of another version of this project ({reason}); export it again") from None
    return model


def prepare_picture(picture: np.ndarray, box: Box | None, variant: Variant) -> np.ndarray:
    """(height, width, 3) uint8 RGB -> (size, size, channels) network input, of the box or else of the whole picture.

    A box is cropped with the border that the benchmark's images have, so that the network gets what it was trained on. Raises
    `InputError` if the box is outside the picture, or too little is inside.
    """
    height, width = picture.shape[:2]
    x1, y1, x2, y2 = box or (0, 0, width - 1, height - 1)
    if x1 >= width or y1 >= height:
        raise InputError(f"the box starts at {x1},{y1}, outside the picture of {width} x {height} pixels; expected it inside")
    clipped = Box(x1, y1, min(x2, width - 1), min(y2, height - 1))
    sides = clipped.x2 - x1 + 1, clipped.y2 - y1 + 1
    if min(sides) < MIN_SIDE:
        raise InputError(f"{sides[0]} x {sides[1]} pixels, too small to show a sign; expected at least {MIN_SIDE} x {MIN_SIDE}")
    return preprocess(*crop_with_border(picture, clipped), variant) if box else preprocess_without_box(picture, variant)


def prepare_files(
    files: Iterable[tuple[str, Path | bytes]], box: Box | None, variant: Variant
) -> list[tuple[str, np.ndarray | str]]:
    """The name of each file, and its `prepare_picture` or why there is none."""
    prepared: list[tuple[str, np.ndarray | str]] = []
    for name, file in files:
        try:
            prepared.append((name, prepare_picture(picture_files.read(file), box, variant)))
        except InputError as error:
            prepared.append((name, str(error)))
    return prepared


def describe_prediction(probabilities: np.ndarray, model: Model, top: int) -> dict:
    """(classes,) probabilities -> class_id, name and probability of the predicted class, `unsure`, and the `top` classes."""
    order = probabilities.argsort()[::-1][:top]
    classes = [{"class_id": int(i), "name": model.names[i], "probability": round(float(probabilities[i]), 6)} for i in order]
    return {**classes[0], "unsure": bool(probabilities[order[0]] < model.unsure_below), "top": classes}
