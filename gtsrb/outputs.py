"""Writes files atomically: the complete file or none. A full disk is one line: how much space was needed and is free."""

import errno
import hashlib
import json
import math
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gtsrb.errors import DISK_FULL, disk_full_error, format_megabytes


@contextmanager
def atomic_write(path: Path, *, size: int | None = None) -> Iterator[Path]:
    """Yields a temporary path in the same folder to write to, and renames it to `path` if the block succeeds.

    Raises `InputError` if the disk is full: before the block runs, if `size` (bytes) is given and exceeds the free space.
    """
    temporary_path = path.with_name(f"unfinished.{path.name}")
    needed = format_megabytes(size) if size else ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if size and size > shutil.disk_usage(path.parent).free:
            raise OSError(errno.ENOSPC, "too large for the free space")
        try:
            yield temporary_path
            temporary_path.replace(path)
        finally:
            if temporary_path.exists():
                needed = needed or f"more than {format_megabytes(temporary_path.stat().st_size)}"
                temporary_path.unlink()
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise disk_full_error(path, error, needed) from None


def write_json(path: Path, content: Mapping) -> None:
    """Keeps the order of the keys. Rounds floats to six decimals, those below 1e-4 to three digits, for `dvc metrics diff`."""
    with atomic_write(path) as temporary_path:
        temporary_path.write_text(json.dumps(_round_floats(content), indent=2) + "\n")


def write_csv(path: Path, rows: pd.DataFrame) -> None:
    """Floats have nine significant digits, enough for float32; no index column."""
    with atomic_write(path) as temporary_path:
        rows.to_csv(temporary_path, index=False, float_format="%.9g")


def write_array(path: Path, array: np.ndarray) -> str:
    """Writes the same .npy file as `np.save`; returns the md5 of the array's bytes."""
    return write_rows(path, [array], shape=array.shape, dtype=array.dtype)


def write_rows(path: Path, chunks: Iterable[np.ndarray], *, shape: tuple[int, ...], dtype: np.dtype) -> str:
    """Writes a .npy file of this shape from `chunks` of its rows, in order; returns the md5 of the array's bytes."""
    digest = hashlib.md5()
    with atomic_write(path, size=math.prod(shape) * dtype.itemsize) as temporary_path, temporary_path.open("wb") as file:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for chunk in chunks:
            data = np.ascontiguousarray(chunk).data
            file.write(data)  # `chunk.tofile` does not say why it fails
            digest.update(data)
    return digest.hexdigest()


def _round_floats(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _round_floats(item) for key, item in value.items()}
    if isinstance(value, float):
        return round(value, 6) if abs(value) >= 1e-4 else float(f"{value:.3g}")
    return value
