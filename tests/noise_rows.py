"""Rows of raw images, as a table of ingest has them, for tests in which the content of images does not matter."""

import numpy as np
import pandas as pd

from gtsrb.data import tables


def make_noise_rows(n: int) -> pd.DataFrame:
    """Images of noise, 15 to 40 pixels per side, in two classes, each image a track by itself."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(n):
        width, height = map(int, rng.integers(15, 41, 2))
        ppm = tables.encode_ppm(rng.integers(0, 256, (height, width, 3), np.uint8))
        rows.append((f"{i:05d}.ppm", i % 2, i // 2, 0, width, height, 1, 2, width - 2, height - 1, ppm))
    return pd.DataFrame(rows, columns=tables.SCHEMA.names)
