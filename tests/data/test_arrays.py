"""What a stage reads of preprocessing: arrays and the names of classes."""

from pathlib import Path

import numpy as np
import pytest

from gtsrb.data.arrays import class_names, load
from gtsrb.errors import InputError


def test_three_arrays_are_mapped(tmp_path: Path) -> None:
    written = {"images": np.zeros((2, 4, 4, 3), np.uint8), "labels": np.array([1, 0]), "tracks": np.array([5, 6], np.int32)}
    for name, array in written.items():
        np.save(tmp_path / f"{name}.npy", array)
    found = load(tmp_path)
    assert isinstance(found.images, np.memmap)
    assert all((getattr(found, name) == array).all() for name, array in written.items())


def test_arrays_that_are_not_there_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"plain/train/images.npy not found; run `dvc repro preprocess@plain`$"):
        load(tmp_path / "plain/train")


def test_class_names_are_texts(tmp_path: Path) -> None:
    (tmp_path / "classes.csv").write_text("class_id,name\n0,13\n1,NA\n2,stop\n")
    assert class_names(tmp_path / "classes.csv") == ["13", "NA", "stop"]
