"""Reads what later stages train and test on: the preprocessed arrays of a split, and the names of the classes."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from gtsrb.errors import InputError


class Arrays(NamedTuple):
    images: np.ndarray  # (n, size, size, channels) uint8, or float32 in [0, 1]
    labels: np.ndarray  # (n,) int64 class numbers
    tracks: np.ndarray  # (n,) int32 number of the physical sign; -1 if unknown, as in the test split


class Rows:
    """Some rows of an array on disk, read when they are asked for: indexed like `array[rows]`, without its memory."""

    def __init__(self, array: np.ndarray, rows: np.ndarray):
        self.array, self.rows = array, rows
        self.shape, self.dtype = (len(rows), *array.shape[1:]), array.dtype

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: slice | np.ndarray) -> np.ndarray:
        return self.array[self.rows[index]]


def load(folder: Path) -> Arrays:
    """The three arrays of a split's `folder`, data/processed/VARIANT/{train,test}, memory-mapped.

    Raises `InputError` if there are none.
    """
    try:
        return Arrays(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in Arrays._fields))
    except FileNotFoundError as error:
        raise InputError(f"{error.filename} not found; run `dvc repro preprocess@{folder.parent.name}`") from None


def read(folder: Path) -> Arrays:
    """The same in memory, to be sent to other machines."""
    return Arrays(*map(np.array, load(folder)))


def open_shared(source: Path | Arrays) -> Arrays:
    """The arrays, in a process that was given their folder or, by a cluster, themselves."""
    return source if isinstance(source, Arrays) else load(source)


def read_class_names(path: Path = Path("data/raw/classes.csv")) -> list[str]:
    """The names in the order of the class numbers, always as strings, even "13" and "NA"."""
    return pd.read_csv(path, dtype={"name": str}, keep_default_na=False)["name"].tolist()
