"""Raw images from any source -> one table per split:  python -m stages.ingest

Reads   source: gtsrb      the folder in the environment variable GTSRB_DIR, or the official download
        source: own        data/own/
        source: synthetic  nothing
Writes  data/raw/{train,test}.parquet (see gtsrb/data/tables.py), data/raw/classes.csv (class_id, name),
        metrics/dataset.json, metrics/class_counts.csv
"""

import hashlib
import os
from contextlib import ExitStack
from pathlib import Path

import pandas as pd

from gtsrb import outputs, parallel
from gtsrb.command_line import run_stage
from gtsrb.config.camera import Camera
from gtsrb.config.ingest import Ingest
from gtsrb.config.load import load_section
from gtsrb.data import gtsrb_reader, gtsrb_source, own_reader, tables
from gtsrb.data.gtsrb_source import Source
from gtsrb.data.sign_names import SIGN_NAMES
from gtsrb.errors import InputError, raise_problems
from gtsrb.synthetic.render import render_test, render_train

OWN_FOLDER = Path("data/own")
TRAIN, TEST = Path("data/raw/train.parquet"), Path("data/raw/test.parquet")


def main() -> str:
    ingest = load_section(Ingest, "ingest")
    names, origin = list(SIGN_NAMES), str(OWN_FOLDER)
    problems, digest = list[str](), hashlib.sha256()
    with ExitStack() as stack:  # the tables are there once it ends without an error
        if ingest.source == "gtsrb":
            source = find_benchmark()
            origin = source.origin
            train, test = gtsrb_reader.read(source, ingest.gtsrb, problems)
        elif ingest.source == "synthetic":
            workers = stack.enter_context(parallel.open_workers(len(names)))
            drawn, camera = ingest.synthetic, load_section(Camera, "camera")
            train = render_train(drawn.tracks_per_class, drawn.frames_per_track, drawn.seed, camera, workers)
            test = render_test(drawn.test_images_per_class, drawn.seed, camera, workers)
        else:
            train, test, names = own_reader.read(OWN_FOLDER, ingest.own, problems)
        for path, rows in ((TRAIN, train), (TEST, test)):
            stack.enter_context(tables.writing(path, tables.hashing(rows, digest)))
        raise_problems(problems, origin)
        if ingest.source == "gtsrb":
            check_sha256(digest.hexdigest(), ingest.gtsrb.sha256, origin)

    train_signs, test_signs = (tables.read(path, ["class_id", "track"]) for path in (TRAIN, TEST))
    dataset = {"source": ingest.source} | summarize(train_signs, test_signs) | {"sha256": digest.hexdigest()}
    counts = count_classes(train_signs, test_signs, names)
    outputs.write_csv(Path("data/raw/classes.csv"), counts[["class_id", "name"]])
    outputs.write_json(Path("metrics/dataset.json"), dataset)
    outputs.write_csv(Path("metrics/class_counts.csv"), counts)
    return (
        f"{dataset['train_images']:,} training images of {dataset['train_tracks']:,} signs and "
        f"{dataset['test_images']:,} test images, of {dataset['classes']} classes"
    )


def find_benchmark() -> Source:
    folder = os.environ.get("GTSRB_DIR")
    return gtsrb_source.locate(Path(folder).expanduser()) if folder else gtsrb_source.download()


def check_sha256(found: str, expected: str, origin: str) -> None:
    """Raises `InputError` if annotations and pixels are not those of the benchmark."""
    if found != expected:
        raise InputError(
            f"{origin}: sha256 of annotations and pixels is {found}, expected {expected} "
            "(params.yaml, ingest.gtsrb.sha256); nothing was written. Use an unaltered copy of the benchmark, "
            "or, if you want to use this data, put its sha256 into params.yaml"
        )


def summarize(train: pd.DataFrame, test: pd.DataFrame) -> dict[str, int]:
    """The numbers of images, classes and tracks."""
    tracks = train[["class_id", "track"]].drop_duplicates()
    return {
        "train_images": len(train),
        "test_images": len(test),
        "classes": tracks["class_id"].nunique(),
        "train_tracks": len(tracks),
    }


def count_classes(train: pd.DataFrame, test: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """The number of images per class: columns class_id, name, train, test."""
    counts = pd.DataFrame({"class_id": range(len(names)), "name": names})
    for split, table in (("train", train), ("test", test)):
        counts[split] = table["class_id"].value_counts().reindex(counts.index, fill_value=0)
    return counts


if __name__ == "__main__":
    run_stage(main)
