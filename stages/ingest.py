"""Raw images from any source -> one table per split:  python -m stages.ingest

Reads   source: gtsrb      the folder in the environment variable GTSRB_DIR, or the official download
        source: own        data/own/
        source: synthetic  nothing
Writes  data/raw/{train,test}.parquet (see gtsrb/data/tables.py), data/raw/classes.csv (class_id, name),
        metrics/dataset.json, metrics/class_counts.csv
"""

import os
from pathlib import Path

import pandas as pd
import pyarrow as pa

from gtsrb import outputs
from gtsrb.command_line import run_stage
from gtsrb.config.ingest import Gtsrb, Ingest
from gtsrb.config.load import load_section
from gtsrb.data import gtsrb_reader, gtsrb_source, own_reader, tables
from gtsrb.data.sign_names import SIGN_NAMES
from gtsrb.errors import InputError
from gtsrb.synthetic import scenes

OWN_FOLDER = Path("data/own")


def main() -> str:
    ingest = load_section(Ingest, "ingest")
    names = list(SIGN_NAMES)
    if ingest.source == "gtsrb":
        train, test = read_gtsrb(ingest.gtsrb)
    elif ingest.source == "synthetic":
        train, test = map(tables.to_canonical_table, scenes.render(ingest.synthetic))
    else:
        *splits, names = own_reader.read(OWN_FOLDER, ingest.own)
        train, test = map(tables.to_canonical_table, splits)
    dataset = {"source": ingest.source} | summarize(train, test) | {"sha256": tables.content_sha256(train, test)}
    counts = count_classes(train, test, names)

    tables.write(Path("data/raw/train.parquet"), train)
    tables.write(Path("data/raw/test.parquet"), test)
    outputs.write_csv(Path("data/raw/classes.csv"), counts[["class_id", "name"]])
    outputs.write_json(Path("metrics/dataset.json"), dataset)
    outputs.write_csv(Path("metrics/class_counts.csv"), counts)
    return (
        f"{dataset['train_images']:,} training images of {dataset['train_tracks']:,} signs and "
        f"{dataset['test_images']:,} test images, of {dataset['classes']} classes"
    )


def read_gtsrb(expected: Gtsrb) -> tuple[pa.Table, pa.Table]:
    """The benchmark's training and test tables. Raises `InputError` if they are not as `expected`."""
    folder = os.environ.get("GTSRB_DIR")
    source = gtsrb_source.locate(Path(folder).expanduser()) if folder else gtsrb_source.download()
    train, test = map(tables.to_canonical_table, gtsrb_reader.read(source, expected))
    sha256 = tables.content_sha256(train, test)
    if sha256 != expected.sha256:
        raise InputError(
            f"{source.origin}: sha256 of annotations and pixels is {sha256}, expected {expected.sha256} "
            "(params.yaml, ingest.gtsrb.sha256); nothing was written. Use an unaltered copy of the benchmark, "
            "or, if you want to use this data, put its sha256 into params.yaml"
        )
    return train, test


def summarize(train: pa.Table, test: pa.Table) -> dict[str, int]:
    """The numbers of images, classes and tracks."""
    tracks = train.select(["class_id", "track"]).group_by(["class_id", "track"]).aggregate([])
    classes = tracks["class_id"].unique()
    return {"train_images": len(train), "test_images": len(test), "classes": len(classes), "train_tracks": len(tracks)}


def count_classes(train: pa.Table, test: pa.Table, names: list[str]) -> pd.DataFrame:
    """The number of images per class: columns class_id, name, train, test."""
    counts = pd.DataFrame({"class_id": range(len(names)), "name": names})
    for split, table in (("train", train), ("test", test)):
        counts[split] = table["class_id"].to_pandas().value_counts().reindex(counts.index, fill_value=0)
    return counts


if __name__ == "__main__":
    run_stage(main)
