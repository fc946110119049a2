"""Which sign is this?  python -m gtsrb.predict FILE_OR_FOLDER... [--model champion] [--top 5] [--json] [--box x1,y1,x2,y2]

Reads what Pillow reads, folders of it, or standard input (`-`), and answers with an exported model: a table, or JSON lines with
file, class_id, name, probability, unsure and top. The picture should show one sign and little else; `--box` says where it is.
A file that is no image gets its own line of error, the others are answered, and the exit code is 1.
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
from PIL import Image

from gtsrb.errors import InputError, run
from gtsrb.images import Box, preprocess
from gtsrb.pictures import read
from gtsrb.sections import Variant

MODELS = Path("pretrained")
BEST = "champion"  # the most accurate there
CHUNK = 256  # images prepared and predicted at a time
SMALLEST = 8  # pixels a side of a sign; with fewer there is nothing to see
LARGEST = 256  # pixels a side that equalisation gets; the benchmark's largest image has 266


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
    return Model(
        session,
        json.loads(properties["names"]),
        Variant.model_validate_json(properties["variant"]),
        float(properties["unsure_below"]),
    )


def main() -> None:
    arguments = parser().parse_args()
    model = load(arguments.model)
    failed = False
    for chunk in chunks(files(arguments.pictures)):
        prepared = Parallel(n_jobs=-1 if len(chunk) > 8 else 1)(
            delayed(prepare)(file, arguments.box, model.variant) for file in chunk
        )
        images = [image for image in prepared if isinstance(image, np.ndarray)]
        answers = iter(model.probabilities(np.stack(images)) if images else [])
        for file, image in zip(chunk, prepared, strict=True):
            if isinstance(image, str):
                failed = True
                print(f"error: {file}: {image}", file=sys.stderr)
            else:
                found = answer(next(answers), model, arguments.top)
                print(json.dumps({"file": str(file), **found}) if arguments.json else table(str(file), found))
    if failed:
        sys.exit(1)


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gtsrb.predict", description="What traffic sign is on this picture?")
    parser.add_argument("pictures", nargs="+", help="files, folders, or - for standard input")
    parser.add_argument("--model", default=BEST, help=f"a model in {MODELS}/, or the path of one")
    parser.add_argument("--top", type=int, default=5, help="how many signs to name")
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    parser.add_argument("--box", type=box, help="x1,y1,x2,y2: where the sign is, in pixels, both corners inside")
    return parser


def box(text: str) -> Box:
    try:
        found = Box(*map(int, text.split(",")))
    except (TypeError, ValueError):
        raise argparse.ArgumentTypeError(f"{text!r}: expected four whole numbers x1,y1,x2,y2") from None
    if not (0 <= found.x1 <= found.x2 and 0 <= found.y1 <= found.y2):
        raise argparse.ArgumentTypeError(f"{text!r}: expected 0 <= x1 <= x2 and 0 <= y1 <= y2")
    return found


def files(pictures: list[str]) -> Iterator[Path]:
    """Files as given, and all files in folders as given, sorted; hidden ones left out."""
    for picture in map(Path, pictures):
        if picture.is_dir():
            yield from sorted(file for file in picture.rglob("*") if file.is_file() and not file.name.startswith("."))
        else:
            yield picture


def chunks(items: Iterator[Path]) -> Iterator[list[Path]]:
    while chunk := list(islice(items, CHUNK)):
        yield chunk


def prepare(file: Path, box: Box | None, variant: Variant) -> np.ndarray | str:
    """The picture as the network takes it, or what is wrong with it."""
    try:
        return prepared(read(sys.stdin.buffer.read() if str(file) == "-" else file), box, variant)
    except InputError as error:
        return str(error)


def prepared(picture: np.ndarray, box: Box | None, variant: Variant) -> np.ndarray:
    """(height, width, 3) uint8 RGB -> what is in the box, or all of it, as the network takes it. Raises `InputError`."""
    return preprocess(*reduced(*cut(picture, box)), variant)


def cut(picture: np.ndarray, box: Box | None) -> tuple[np.ndarray, Box]:
    """The box with a border as in the benchmark's images, a tenth of the sign and at least 5 pixels; and its place in there.

    The network thus gets a sign in a photo as it got those it was trained on. No box is the whole picture, without a border.
    """
    height, width = picture.shape[:2]
    x1, y1, x2, y2 = box or (0, 0, width - 1, height - 1)
    if x1 >= width or y1 >= height:
        raise InputError(f"{width} x {height} pixels; the box begins outside, at {x1},{y1}")
    x2, y2 = min(x2, width - 1), min(y2, height - 1)
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
