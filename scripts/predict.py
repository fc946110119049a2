"""Which sign is this?  python -m scripts.predict FILE_OR_FOLDER... [--model champion] [--top 5] [--json] [--box x1,y1,x2,y2]

Reads pictures (PNG, JPEG, GIF, WebP, TIFF, BMP, PPM), folders of them, or standard input (`-`), and prints what an exported
model predicts: a table, or JSON lines with file, class_id, name, probability, unsure, unknown and top. The picture should
show one sign and little else; `--box` says where it is. For a file that cannot be read it prints an error, goes on with the
others, and exits with code 1.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import chain, islice
from pathlib import Path

from gtsrb import parallel
from gtsrb.command_line import run
from gtsrb.errors import InputError
from gtsrb.preprocessing.crop import Box
from gtsrb.progress import Bar, print_line
from gtsrb.serving.predictor import BEST, MODELS, describe_prediction, find, load, name_mark, predict_files

BATCH_SIZE = 32  # pictures predicted by a process at a time
STDIN = "-"


def main() -> None:
    arguments = build_parser().parse_args()
    if arguments.pictures.count(STDIN) > 1:
        raise InputError(f"standard input ({STDIN}) is given {arguments.pictures.count(STDIN)} times; it can be read only once")
    for picture in arguments.pictures:
        if picture != STDIN and not any(True for _ in walk(Path(picture))):
            raise InputError(f"{picture}: a folder without files, but for hidden ones; expected one with pictures")
    path = find(arguments.model)
    model = load(path)
    failed = False
    batches = split_into_batches(find_files(arguments.pictures))
    head = list(islice(batches, 2))  # a few pictures are predicted here: starting processes takes longer
    is_long = len(head) == 2
    bring = read_bytes if parallel.scheduler() else lambda file: file
    with (
        parallel.open_workers(parallel.count_cores() if is_long else 1) as workers,
        Bar(desc="reading", unit=" pictures", leave=False, disable=None if is_long else True) as bar,
    ):
        shared = workers.share(Path.read_bytes, path)
        calls = (
            partial(predict_files, [(name, bring(file)) for name, file in batch], arguments.box, shared)
            for batch in chain(head, batches)
        )
        for results in workers.map(calls):
            for name, probabilities in results:
                if isinstance(probabilities, str):
                    failed = True
                    print_line(f"error: {name}: {probabilities}", file=sys.stderr)
                else:
                    prediction = describe_prediction(probabilities, model, arguments.top)
                    print_line(json.dumps({"file": name, **prediction}) if arguments.json else format_table(name, prediction))
            bar.update(len(results))
    if failed:
        sys.exit(1)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.predict", description="Which traffic sign is in this picture?")
    parser.add_argument("pictures", nargs="+", help="files, folders, or - for standard input")
    parser.add_argument("--model", default=BEST, help=f"a model in {MODELS}/, or the path of an ONNX file")
    parser.add_argument("--top", type=parse_count, default=5, help="how many signs to list per picture")
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")
    parser.add_argument("--box", type=parse_box, help="x1,y1,x2,y2: where the sign is, in pixels, both corners inclusive")
    return parser


def parse_count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number of at least 1")
    return int(text)


def parse_box(text: str) -> Box:
    try:
        box = Box(*map(int, text.split(",")))
    except (TypeError, ValueError):
        raise argparse.ArgumentTypeError(f"{text!r}: expected four whole numbers x1,y1,x2,y2") from None
    if not (0 <= box.x1 <= box.x2 and 0 <= box.y1 <= box.y2):
        raise argparse.ArgumentTypeError(f"{text!r}: expected 0 <= x1 <= x2 and 0 <= y1 <= y2")
    return box


def find_files(pictures: list[str]) -> Iterator[tuple[str, Path | bytes]]:
    """Names with paths, or with the bytes of standard input; a folder gives all files in it, sorted, except hidden ones."""
    for picture in pictures:
        if picture == STDIN:
            yield picture, sys.stdin.buffer.read()
        else:
            path = Path(picture)
            yield from ((picture if file is path else str(file), file) for file in walk(path))


def walk(folder: Path) -> Iterator[Path]:
    """Its files, in the order of their paths; holds the names of one folder and of those above it.

    A path that is no folder, or cannot be listed, stands for itself, so that reading it gives the error.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if not path.name.startswith(".") and (path.is_dir() or path.is_file()))
    except OSError:
        yield folder
        return
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            yield from walk(path)
        elif path.is_file():
            yield path


def read_bytes(file: Path | bytes) -> Path | bytes:
    """What another machine needs; the path of a file that cannot be read, for it to say so."""
    with suppress(OSError):
        return file.read_bytes() if isinstance(file, Path) else file
    return file


def split_into_batches(files: Iterator[tuple[str, Path | bytes]]) -> Iterator[list[tuple[str, Path | bytes]]]:
    while batch := list(islice(files, BATCH_SIZE)):
        yield batch


def format_table(file: str, prediction: dict) -> str:
    mark = name_mark(prediction)
    head = f"{file}: {prediction['name']}, {prediction['probability']:.1%}{f' ({mark})' if mark else ''}"
    return "\n".join(
        [head, *(f"  {row['probability']:>7.2%}  {row['class_id']:>2}  {row['name']}" for row in prediction["top"])]
    )


if __name__ == "__main__":
    run(main)
