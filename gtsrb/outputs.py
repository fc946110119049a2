"""Files that the stages write: whole or not at all. A full disk is one line that says what was needed and what is free."""

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

from gtsrb.errors import DISK_FULL, megabytes, no_room


@contextmanager
def atomic_write(path: Path, *, size: int | None = None) -> Iterator[Path]:
    """Gives a path beside `path` to write to, and renames it to `path` if the block ends well.

    Raises `InputError` if the disk is full; before the block, where its `size` in bytes is given and is more than what is free.
    """
    beside = path.with_name(f"unfinished.{path.name}")
    needed = megabytes(size) if size else ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if size and size > shutil.disk_usage(path.parent).free:
            raise OSError(errno.ENOSPC, "not even begun")
        try:
            yield beside
            beside.replace(path)
        finally:
            if beside.exists():
                needed = needed or f"more than {megabytes(beside.stat().st_size)}"
                beside.unlink()
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise no_room(path, error, needed) from None


def write_json(path: Path, content: Mapping) -> None:
    """Keys in the order given; floats to six decimals, which `dvc metrics diff` compares, tiny ones to three digits."""
    with atomic_write(path) as beside:
        beside.write_text(json.dumps(_rounded(content), indent=2) + "\n")


def write_csv(path: Path, rows: pd.DataFrame) -> None:
    with atomic_write(path) as beside:
        rows.to_csv(beside, index=False, float_format="%.9g")


def write_array(path: Path, array: np.ndarray) -> str:
    """Writes what `np.save` does; returns the md5 of the array's bytes."""
    return write_rows(path, [array], shape=array.shape, dtype=array.dtype)


def write_rows(path: Path, parts: Iterable[np.ndarray], *, shape: tuple[int, ...], dtype: np.dtype) -> str:
    """Writes the array of this shape whose rows come in `parts`, one after the other; returns the md5 of its bytes."""
    digest = hashlib.md5()
    with atomic_write(path, size=math.prod(shape) * dtype.itemsize) as beside, beside.open("wb") as file:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for part in parts:
            data = np.ascontiguousarray(part).data
            file.write(data)  # `part.tofile` does not say why it fails
            digest.update(data)
    return digest.hexdigest()


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, float):
        return round(value, 6) if abs(value) >= 1e-4 else float(f"{value:.3g}")
    return value
