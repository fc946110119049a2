"""Rows and tables of raw images as ingest writes them, for tests in which the content of images does not matter."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from gtsrb.data import tables
from gtsrb.data.tables import Row


def make_noise_rows(n: int) -> list[Row]:
    """Images of noise, 15 to 40 pixels per side, in two classes, each image a track by itself."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(n):
        width, height = map(int, rng.integers(15, 41, 2))
        ppm = tables.encode_ppm(rng.integers(0, 256, (height, width, 3), np.uint8))
        rows.append((f"{i:05d}.ppm", i % 2, i // 2, 0, width, height, 1, 2, width - 2, height - 1, ppm))
    return sorted(rows, key=lambda row: row[1:3])


def write_table(path: Path, rows: Iterable[Row]) -> None:
    with tables.writing(path, rows):
        pass


def sha256(*splits: Iterable[Row]) -> str:
    """The hash of a data set's content, as in metrics/dataset.json."""
    digest = hashlib.sha256()
    for rows in splits:
        for _ in tables.hashing(rows, digest):
            pass
    return digest.hexdigest()
