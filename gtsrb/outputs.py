"""Files that the stages write: whole or not at all."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Gives a path beside `path` to write to, and renames it to `path` if the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"unfinished.{path.name}")
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_json(path: Path, content: Mapping) -> None:
    """Keys in the order given; floats to six decimals, which `dvc metrics diff` compares, tiny ones to three digits."""
    with whole(path) as beside:
        beside.write_text(json.dumps(_rounded(content), indent=2) + "\n")


def write_csv(path: Path, rows: pd.DataFrame) -> None:
    with whole(path) as beside:
        rows.to_csv(beside, index=False, float_format="%.9g")


def write_array(path: Path, array: np.ndarray) -> None:
    with whole(path) as beside:
        np.save(beside, array)


def _rounded(value):
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, float):
        return round(value, 6) if abs(value) >= 1e-4 else float(f"{value:.3g}")
    return value
