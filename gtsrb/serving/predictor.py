"""An exported network with what it says of itself: pictures in, the likeliest signs out. Knows no Keras."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from gtsrb.config.preprocess import Variant
from gtsrb.errors import InputError
from gtsrb.preprocessing.crop import MIN_SIDE, Box, crop_with_border
from gtsrb.preprocessing.preprocess import preprocess, preprocess_whole

MODELS = Path("pretrained")
BEST = "champion"  # the most accurate there


@dataclass(frozen=True)
class Model:
    """An exported network with what it says of itself."""

    session: onnxruntime.InferenceSession
    names: list[str]  # of the classes
    variant: Variant  # how its images are made of raw ones
    unsure_below: float  # top probability below which an answer is marked

    def predict(self, images: np.ndarray) -> np.ndarray:
        """(n, size, size, channels) as the variant makes them -> (n, classes) float32."""
        return self.session.run(["probabilities"], {"images": images})[0]


def load(name: str) -> Model:
    """`name` of a model in pretrained/, or the path of an ONNX file of this project. Raises `InputError`."""
    path = Path(name) if name.endswith(".onnx") else MODELS / f"{name}.onnx"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in MODELS.glob("*.onnx"))) or "none"
        raise InputError(f"no model at {path}; {MODELS} has {known}")
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own kinds share no other parent
        raise InputError(f"{path}: not a model that ONNX Runtime reads ({str(error).splitlines()[0]})") from None
    properties = session.get_modelmeta().custom_metadata_map
    if "variant" not in properties:
        raise InputError(f"{path} is no model of this project: it does not say how its images are made")
    try:
        model = Model(
            session,
            json.loads(properties["names"]),
            Variant.model_validate_json(properties["variant"]),
            float(properties["unsure_below"]),
        )
        answer = model.predict(np.zeros((1, *model.variant.shape), model.variant.dtype))
        if answer.shape != (1, len(model.names)):
            raise ValueError(f"it names {len(model.names)} classes and tells {answer.shape[-1]} apart")
    except Exception as error:  # what is missing or not understood, or ONNX Runtime's on images of another shape
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: a model of another version of this project ({reason}); export it again") from None
    return model


def prepare_picture(picture: np.ndarray, box: Box | None, variant: Variant) -> np.ndarray:
    """(height, width, 3) uint8 RGB -> what is in the box, or all of it, as the network takes it. Raises `InputError`.

    A box is cut out with a border as the benchmark's images have one, so that the network gets what it was trained on.
    """
    height, width = picture.shape[:2]
    x1, y1, x2, y2 = box or (0, 0, width - 1, height - 1)
    if x1 >= width or y1 >= height:
        raise InputError(f"{width} x {height} pixels; the box begins outside, at {x1},{y1}")
    inside = Box(x1, y1, min(x2, width - 1), min(y2, height - 1))
    sides = inside.x2 - x1 + 1, inside.y2 - y1 + 1
    if min(sides) < MIN_SIDE:
        raise InputError(f"{sides[0]} x {sides[1]} pixels; expected at least {MIN_SIDE} x {MIN_SIDE} to see a sign in")
    return preprocess(*crop_with_border(picture, inside), variant) if box else preprocess_whole(picture, variant)


def answer(probabilities: np.ndarray, model: Model, top: int) -> dict:
    """The likeliest sign and the `top` likeliest, with their probabilities; unsure below the model's threshold."""
    order = probabilities.argsort()[::-1]
    best = [{"class_id": int(i), "name": model.names[i], "probability": round(float(probabilities[i]), 6)} for i in order[:top]]
    return {**best[0], "unsure": bool(probabilities[order[0]] < model.unsure_below), "top": best}
