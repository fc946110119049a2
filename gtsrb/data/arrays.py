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


class Sources(NamedTuple):
    """What a recipe trains on: the arrays of each kind of images, or the folder that has them."""

    photographs: Path | Arrays
    synthetic: Path | Arrays


class Rows:
    """Some rows of an array on disk, read when they are asked for: indexed like `array[rows]`, without its memory."""

    def __init__(self, array: np.ndarray, rows: np.ndarray):
        self.array, self.rows = array, rows
        self.shape, self.dtype = (len(rows), *array.shape[1:]), array.dtype

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: slice | np.ndarray) -> np.ndarray:
        return self.array[self.rows[index]]


class Joined:
    """Two of them, one after the other: indexed like `np.concatenate([first, second])[index]`, without its memory."""

    def __init__(self, first: "Images", second: "Images"):
        self.first, self.second = first, second
        self.shape: tuple[int, ...] = (len(first) + len(second), *first.shape[1:])
        self.dtype: np.dtype = first.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: slice | np.ndarray) -> np.ndarray:
        rows = np.arange(len(self))[index] if isinstance(index, slice) else index
        is_first = rows < len(self.first)
        values = np.empty((len(rows), *self.shape[1:]), self.dtype)
        values[is_first] = self.first[rows[is_first]]
        values[~is_first] = self.second[rows[~is_first] - len(self.first)]
        return values


Images = np.ndarray | Rows | Joined


def load(folder: Path) -> Arrays:
    """The three arrays of a `folder`, data/processed/VARIANT/{train,test,none,SET}, memory-mapped.

    Raises `InputError` if there are none.
    """
    try:
        return Arrays(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in Arrays._fields))
    except FileNotFoundError as error:
        is_set = folder.name not in ("train", "test", "none")
        stage = f"preprocess_synthetic@{folder.name}" if is_set else f"preprocess@{folder.parent.name}"
        raise InputError(f"{error.filename} not found; run `dvc repro {stage}`") from None


def read(folder: Path) -> Arrays:
    """The same in memory, to be sent to other machines."""
    return Arrays(*map(np.array, load(folder)))


def open_shared(source: Path | Arrays) -> Arrays:
    """The arrays, in a process that was given their folder or, by a cluster, themselves."""
    return source if isinstance(source, Arrays) else load(source)


def read_class_names(path: Path = Path("data/raw/classes.csv")) -> list[str]:
    """The names in the order of the class numbers, always as strings, even "13" and "NA". Raises `InputError` without them."""
    try:
        return pd.read_csv(path, dtype={"name": str}, keep_default_na=False)["name"].tolist()
    except FileNotFoundError:
        raise InputError(f"{path} not found; run `dvc repro ingest`") from None
