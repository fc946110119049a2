"""Which sign is this?  python -m scripts.predict FILE_OR_FOLDER... [--model champion] [--top 5] [--json] [--box x1,y1,x2,y2]

Reads pictures (PNG, JPEG, GIF, WebP, TIFF, BMP, PPM), folders of them, or standard input (`-`), and answers with an exported
model: a table, or JSON lines with file, class_id, name, probability, unsure and top. The picture should show one sign and
little else; `--box` says where it is. A file that is no picture gets its own line of error, the others are answered, and the
exit code is 1.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

from gtsrb.command_line import run
from gtsrb.config.preprocess import Variant
from gtsrb.data.picture_files import read
from gtsrb.errors import InputError
from gtsrb.preprocessing.crop import Box
from gtsrb.serving.predictor import BEST, MODELS, answer, load, prepare_picture

CHUNK = 256  # images prepared and predicted at a time
STDIN = "-"


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
        answers = iter(model.predict(np.stack(images)) if images else [])
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
    parser = argparse.ArgumentParser(prog="python -m scripts.predict", description="What traffic sign is on this picture?")
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
        return prepare_picture(read(file), box, variant)
    except InputError as error:
        return str(error)


def table(file: str, found: dict) -> str:
    lines = [f"{file}: {found['name']}, {found['probability']:.1%}{' (unsure)' if found['unsure'] else ''}"]
    return "\n".join(lines + [f"  {one['probability']:>7.2%}  {one['class_id']:>2}  {one['name']}" for one in found["top"]])


if __name__ == "__main__":
    run(main)
