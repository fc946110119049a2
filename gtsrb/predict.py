"""Which sign is this?  python -m gtsrb.predict FILE_OR_FOLDER... [--model champion] [--top 5] [--json] [--box x1,y1,x2,y2]

Reads pictures (PNG, JPEG, GIF, WebP, TIFF, BMP, PPM), folders of them, or standard input (`-`), and answers with an exported
model: a table, or JSON lines with file, class_id, name, probability, unsure and top. The picture should show one sign and
little else; `--box` says where it is. A file that is no picture gets its own line of error, the others are answered, and the
exit code is 1.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import onnxruntime
from joblib import Parallel, delayed

from gtsrb.errors import InputError, run
from gtsrb.images import Box, cut, preprocess, preprocess_whole
from gtsrb.pictures import read
from gtsrb.sections import Variant

MODELS = Path("pretrained")
BEST = "champion"  # the most accurate there
CHUNK = 256  # images prepared and predicted at a time
SMALLEST = 8  # pixels a side of a sign; with fewer there is nothing to see
STDIN = "-"


@dataclass(frozen=True)
class Model:
    """An exported network with what it says of itself."""

    session: onnxruntime.InferenceSession
    names: list[str]  # of the classes
    variant: Variant  # how its images are made of raw ones
    unsure_below: float  # top probability below which an answer is marked

    def probabilities(self, images: np.ndarray) -> np.ndarray:
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
        answer = model.probabilities(np.zeros((1, *model.variant.shape), model.variant.dtype))
        if answer.shape != (1, len(model.names)):
            raise ValueError(f"it names {len(model.names)} classes and tells {answer.shape[-1]} apart")
    except Exception as error:  # what is missing or not understood, or ONNX Runtime's on images of another shape
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: a model of another version of this project ({reason}); export it again") from None
    return model


def main() -> None:
    arguments = parser().parse_args()
    if arguments.pictures.count(STDIN) > 1:
        raise InputError(f"standard input ({STDIN}) is named {arguments.pictures.count(STDIN)} times; it can be read once")
    model = load(arguments.model)
    failed = False
    for chunk in chunks(files(arguments.pictures)):
        prepared = Parallel(n_jobs=-1 if len(chunk) > 8 else 1)(
            delayed(prepare)(file, arguments.box, model.variant) for _, file in chunk
        )
        images = [image for image in prepared if isinstance(image, np.ndarray)]
        answers = iter(model.probabilities(np.stack(images)) if images else [])
        for (name, _), image in zip(chunk, prepared, strict=True):
            if isinstance(image, str):
                failed = True
                print(f"error: {name}: {image}", file=sys.stderr)
            else:
                found = answer(next(answers), model, arguments.top)
                print(json.dumps({"file": name, **found}) if arguments.json else table(name, found))
    if failed:
        sys.exit(1)


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gtsrb.predict", description="What traffic sign is on this picture?")
    parser.add_argument("pictures", nargs="+", help="files, folders, or - for standard input")
    parser.add_argument("--model", default=BEST, help=f"a model in {MODELS}/, or the path of one")
    parser.add_argument("--top", type=count, default=5, help="how many signs to name; more than there are: all")
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    parser.add_argument("--box", type=box, help="x1,y1,x2,y2: where the sign is, in pixels, both corners inside")
    return parser


def count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number from 1")
    return int(text)


def box(text: str) -> Box:
    try:
        found = Box(*map(int, text.split(",")))
    except (TypeError, ValueError):
        raise argparse.ArgumentTypeError(f"{text!r}: expected four whole numbers x1,y1,x2,y2") from None
    if not (0 <= found.x1 <= found.x2 and 0 <= found.y1 <= found.y2):
        raise argparse.ArgumentTypeError(f"{text!r}: expected 0 <= x1 <= x2 and 0 <= y1 <= y2")
    return found


def files(pictures: list[str]) -> Iterator[tuple[str, Path | bytes]]:
    """Names and files as given, all files in folders as given, sorted, hidden ones left out; what standard input holds."""
    for picture in pictures:
        if picture == STDIN:
            yield picture, sys.stdin.buffer.read()
        elif (path := Path(picture)).is_dir():
            found = sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
            yield from ((str(file), file) for file in found)
        else:
            yield picture, path


def chunks(items: Iterator[tuple[str, Path | bytes]]) -> Iterator[list[tuple[str, Path | bytes]]]:
    while chunk := list(islice(items, CHUNK)):
        yield chunk


def prepare(file: Path | bytes, box: Box | None, variant: Variant) -> np.ndarray | str:
    """The picture as the network takes it, or what is wrong with it."""
    try:
        return prepared(read(file), box, variant)
    except InputError as error:
        return str(error)


def prepared(picture: np.ndarray, box: Box | None, variant: Variant) -> np.ndarray:
    """(height, width, 3) uint8 RGB -> what is in the box, or all of it, as the network takes it. Raises `InputError`.

    A box is cut out with a border as the benchmark's images have one, so that the network gets what it was trained on.
    """
    height, width = picture.shape[:2]
    x1, y1, x2, y2 = box or (0, 0, width - 1, height - 1)
    if x1 >= width or y1 >= height:
        raise InputError(f"{width} x {height} pixels; the box begins outside, at {x1},{y1}")
    inside = Box(x1, y1, min(x2, width - 1), min(y2, height - 1))
    sides = inside.x2 - x1 + 1, inside.y2 - y1 + 1
    if min(sides) < SMALLEST:
        raise InputError(f"{sides[0]} x {sides[1]} pixels; expected at least {SMALLEST} x {SMALLEST} to see a sign in")
    return preprocess(*cut(picture, inside), variant) if box else preprocess_whole(picture, variant)


def answer(probabilities: np.ndarray, model: Model, top: int) -> dict:
    """The likeliest sign and the `top` likeliest, with their probabilities; unsure below the model's threshold."""
    order = probabilities.argsort()[::-1]
    best = [{"class_id": int(i), "name": model.names[i], "probability": round(float(probabilities[i]), 6)} for i in order[:top]]
    return {**best[0], "unsure": bool(probabilities[order[0]] < model.unsure_below), "top": best}


def table(file: str, found: dict) -> str:
    lines = [f"{file}: {found['name']}, {found['probability']:.1%}{' (unsure)' if found['unsure'] else ''}"]
    return "\n".join(lines + [f"  {one['probability']:>7.2%}  {one['class_id']:>2}  {one['name']}" for one in found["top"]])


if __name__ == "__main__":
    run(main)
