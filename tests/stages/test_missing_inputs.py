"""Stages that are run by hand before those that write what they read: one line that names the stage to run."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from raw_tables import make_noise_rows, write_table

from gtsrb.config.load import load_section, section_names
from gtsrb.config.train import Recipe
from gtsrb.errors import InputError
from gtsrb.outputs import write_array, write_csv, write_json
from stages import export, out_of_fold, preprocess, preprocess_synthetic, robustness

RAW = [(preprocess, "preprocess", "train"), (robustness, "train", "test"), (out_of_fold, "crossvalidate", "train")]


@pytest.fixture(autouse=True)
def clone(tmp_path, monkeypatch) -> None:
    """A project in which nothing has been run."""
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(ROOT / "params.yaml", "params.yaml")


def error_of(stage, name: str, monkeypatch) -> str:
    monkeypatch.setattr(sys, "argv", ["stage", name])
    with pytest.raises(InputError) as error:
        stage.main()
    return str(error.value)


@pytest.mark.parametrize(("stage", "section", "split"), RAW)
def test_a_table_of_ingest(stage, section, split, monkeypatch):
    name = section_names(section)[0]
    assert error_of(stage, name, monkeypatch) == f"data/raw/{split}.parquet not found; run `dvc repro ingest`"


def test_a_table_of_drawings(monkeypatch):
    name = section_names("render")[0]
    expected = f"data/synthetic/{name}/train.parquet not found; run `dvc repro render@{name}`"
    assert error_of(preprocess_synthetic, name, monkeypatch) == expected


def test_out_of_fold_predictions(monkeypatch):
    name = section_names("crossvalidate")[0]
    write_table(Path("data/raw/train.parquet"), make_noise_rows(4))
    expected = f"data/crossvalidation/{name}/probabilities.npy not found; run `dvc repro crossvalidate@{name}`"
    assert error_of(out_of_fold, name, monkeypatch) == expected


@pytest.mark.parametrize("stage", [robustness, export])
def test_weights(stage, monkeypatch):
    name = section_names("train")[0]
    write_table(Path("data/raw/test.parquet"), make_noise_rows(4))
    write_csv(Path("data/raw/classes.csv"), pd.DataFrame({"class_id": range(2), "name": ["a", "b"]}))
    for split in ("train", "test"):
        for array in ("images", "labels", "tracks"):
            folder = f"data/processed/{load_section(Recipe, 'train', name).images}/{split}"
            write_array(Path(f"{folder}/{array}.npy"), np.zeros(4, np.int64))
    for recipe in section_names("crossvalidate"):
        thresholds = {"temperature": 1.0, "unsure_below": 0.9, "unknown_below": 0.3}
        write_json(Path(f"metrics/{recipe}/out_of_fold.json"), thresholds)
    expected = rf"models/{name}/member0/(last|best).weights.h5 not found; run `dvc repro train@{name}`"
    monkeypatch.setattr(sys, "argv", ["stage", name])
    with pytest.raises(InputError, match=f"^{expected}$"):
        stage.main()
