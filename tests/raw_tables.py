"""Rows and tables of raw images as ingest writes them, for tests in which the content of images does not matter."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from gtsrb.config.camera import Camera
from gtsrb.config.load import load_section
from gtsrb.data import tables
from gtsrb.data.tables import Row
from gtsrb.parallel import IN_PROCESS, Workers
from gtsrb.synthetic.render import render_test, render_train

PARAMS = Path(__file__).parent.parent / "params.yaml"


def make_noise_rows(n: int) -> list[Row]:
    """Images of noise, 15 to 40 pixels per side, in two classes, each image a track by itself."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(n):
        width, height = map(int, rng.integers(15, 41, 2))
        ppm = tables.encode_ppm(rng.integers(0, 256, (height, width, 3), np.uint8))
        rows.append((f"{i:05d}.ppm", i % 2, i // 2, 0, width, height, 1, 2, width - 2, height - 1, ppm))
    return sorted(rows, key=lambda row: row[1:3])


def draw_signs(
    *, tracks_per_class: int, frames_per_track: int, test_images_per_class: int, seed: int = 0, workers: Workers = IN_PROCESS
) -> tuple[Iterator[Row], Iterator[Row]]:
    """Rows of the training and the test table of a synthetic data set."""
    camera = load_section(Camera, "camera", path=PARAMS)
    train = render_train(tracks_per_class, frames_per_track, seed, camera, workers)
    return train, render_test(test_images_per_class, seed, camera, workers)


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
