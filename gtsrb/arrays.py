"""The preprocessed images of one part of the data set, as they lie on disk."""

from pathlib import Path
from typing import NamedTuple

import numpy as np


class Arrays(NamedTuple):
    images: np.ndarray  # (n, size, size, 3) uint8, or float32 in [0, 1]; memory-mapped
    labels: np.ndarray  # (n,) int64 class numbers
    tracks: np.ndarray  # (n,) int32 number of the physical sign; -1 where it is not known, in the test part


def load(folder: Path) -> Arrays:
    """data/processed/VARIANT/{train,test} -> its three arrays."""
    return Arrays(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in Arrays._fields))
