"""An exported network with its metadata: pictures in, the most probable signs out. Imports no Keras."""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime

from gtsrb.data import picture_files
from gtsrb.data.limits import MIN_SIDE
from gtsrb.errors import InputError
from gtsrb.preprocessing.crop import Box

MODELS = Path("pretrained")
BEST = "champion"  # the most accurate of them
THRESHOLDS = "unsure_below", "unknown_below"  # in a file's metadata


class Prediction(NamedTuple):
    """What the network predicts, and what it gets."""

    probabilities: np.ndarray  # (classes,) float32
    network_input: np.ndarray  # (size, size, channels) uint8, or float32 in [0, 1]


class Model(NamedTuple):
    """An exported network with its metadata."""

    session: onnxruntime.InferenceSession
    names: list[str]  # of the classes
    unsure_below: float  # top probability below which a prediction is marked as unsure
    unknown_below: float  # and below which the picture is taken to show none of the signs

    def predict(self, picture: np.ndarray, box: Box | None = None) -> Prediction:
        """(height, width, 3) uint8 RGB, and the box of its sign or None for the whole picture.

        Raises `InputError` if the box is outside the picture, or too little is inside.
        """
        inputs = {"picture": picture, "box": np.array(check_box(picture, box))}
        probabilities, network_input = self.session.run(["probabilities", "network_input"], inputs)
        return Prediction(probabilities[0], network_input[0])


def find(name: str) -> Path:
    """The file of a model in pretrained/, or `name` itself if it is the path of an ONNX file. Raises `InputError`."""
    path = Path(name) if name.endswith(".onnx") else MODELS / f"{name}.onnx"
    if not path.is_file():
        available = ", ".join(sorted(file.stem for file in MODELS.glob("*.onnx"))) or "none"
        raise InputError(f"no model at {path}; {MODELS}/ has {available}")
    return path


@cache
def load(file: Path | bytes) -> Model:
    """An ONNX file that this project exported, or its content. Raises `InputError`."""
    source = file if isinstance(file, Path) else "the model"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a picture is too little work for more
    try:
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions share no narrower base class
        raise InputError(f"{source}: not a model that ONNX Runtime can read ({str(error).splitlines()[0]})") from None
    properties = session.get_modelmeta().custom_metadata_map
    if THRESHOLDS[0] not in properties:
        raise InputError(f"{source}: not a model of this project: its metadata has no threshold `{THRESHOLDS[0]}`")
    if [tensor.name for tensor in session.get_inputs()] == ["images"]:
        raise InputError(f"{source}: a model that takes prepared images; picture.onnx, beside it, takes pictures: use that one")
    try:
        model = Model(session, json.loads(properties["names"]), *(float(properties[key]) for key in THRESHOLDS))
        n_classes = len(model.predict(np.zeros((MIN_SIDE, MIN_SIDE, 3), np.uint8)).probabilities)
        if n_classes != len(model.names):
            raise ValueError(f"{len(model.names)} class names for {n_classes} outputs")
    except Exception as error:  # missing or invalid metadata, or ONNX Runtime's own error on other inputs
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{source}: a model of another version of this project ({reason}); export it again") from None
    return model


def check_box(picture: np.ndarray, box: Box | None) -> Box:
    """The part of the box inside the picture. Raises `InputError` if none is, or too little."""
    height, width = picture.shape[:2]
    x1, y1, x2, y2 = box or (0, 0, width - 1, height - 1)
    if x1 >= width or y1 >= height:
        raise InputError(f"the box starts at {x1},{y1}, outside the picture of {width} x {height} pixels; expected it inside")
    clipped = Box(x1, y1, min(x2, width - 1), min(y2, height - 1))
    width, height = clipped.sides
    if min(width, height) < MIN_SIDE:
        raise InputError(f"{width} x {height} pixels, too small to show a sign; expected at least {MIN_SIDE} x {MIN_SIDE}")
    return clipped


def predict_files(
    files: Iterable[tuple[str, Path | bytes]], box: Box | None, model: Path | bytes
) -> list[tuple[str, np.ndarray | str]]:
    """The name of each picture, and its (classes,) probabilities or why there are none. `model` is what `load` takes."""
    results: list[tuple[str, np.ndarray | str]] = []
    for name, file in files:
        try:
            results.append((name, load(model).predict(picture_files.read(file), box).probabilities))
        except InputError as error:
            results.append((name, str(error)))
    return results


def name_mark(prediction: dict) -> str:
    """unknown or unsure, as `describe_prediction` says, or nothing."""
    return next((mark for mark in ("unknown", "unsure") if prediction[mark]), "")


def describe_marks(model: Model) -> dict[str, str]:
    """In a few words, what each mark of `name_mark` means."""
    return {
        "unknown": "unknown: none of the signs that this network knows",
        "unsure": f"unsure: below {100 * model.unsure_below:.4g}%",
    }


def describe_prediction(probabilities: np.ndarray, model: Model, top: int) -> dict:
    """(classes,) probabilities -> class_id, name and probability of the predicted class, `unsure`, `unknown`, and the `top`
    classes. What is unknown is unsure as well.
    """
    order = probabilities.argsort()[::-1][:top]
    classes = [{"class_id": int(i), "name": model.names[i], "probability": round(float(probabilities[i]), 6)} for i in order]
    highest = probabilities[order[0]]
    marks = {"unsure": bool(highest < model.unsure_below), "unknown": bool(highest < model.unknown_below)}
    return {**classes[0], **marks, "top": classes}
