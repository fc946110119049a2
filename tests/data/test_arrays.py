"""Arrays and class names are read as the earlier stages wrote them."""

from pathlib import Path

import numpy as np
import pytest

from gtsrb.data.arrays import Joined, Rows, load, read_class_names
from gtsrb.errors import InputError


def test_arrays_are_memory_mapped(tmp_path: Path) -> None:
    written = {"images": np.zeros((2, 4, 4, 3), np.uint8), "labels": np.array([1, 0]), "tracks": np.array([5, 6], np.int32)}
    for name, array in written.items():
        np.save(tmp_path / f"{name}.npy", array)
    arrays = load(tmp_path)
    assert isinstance(arrays.images, np.memmap)
    assert all((getattr(arrays, name) == array).all() for name, array in written.items())


@pytest.mark.parametrize("index", [np.array([3, 0, 4, 2]), np.s_[1:4], np.s_[:0], np.array([1, 1]), np.array([4])])
def test_joined_arrays_are_indexed_like_their_concatenation(index) -> None:
    first, second = Rows(np.arange(40).reshape(10, 2, 2), np.array([7, 1])), np.arange(100, 112).reshape(3, 2, 2)
    joined, expected = Joined(first, second), np.concatenate([first[np.s_[:]], second])
    assert joined.shape == expected.shape and joined.dtype == expected.dtype and len(joined) == 5
    assert (joined[index] == expected[index]).all() and joined[index].shape == expected[index].shape


def test_missing_arrays_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"plain/train/images.npy not found; run `dvc repro preprocess@plain`$"):
        load(tmp_path / "plain/train")


def test_class_names_are_strings(tmp_path: Path) -> None:
    (tmp_path / "classes.csv").write_text("class_id,name\n0,13\n1,NA\n2,stop\n")
    assert read_class_names(tmp_path / "classes.csv") == ["13", "NA", "stop"]
