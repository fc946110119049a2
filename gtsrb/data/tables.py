"""The raw data set as two Parquet tables, train and test: one row per image, the image as a binary PPM like the benchmark's.

The same images and annotations give the same bytes, whatever their source: fixed schema, and rows that every reader yields by
class, track and frame, or by file name in the test split. They come one by one, so that memory does not grow with their number.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gtsrb.errors import find_output
from gtsrb.outputs import atomic_write

SCHEMA = pa.schema(
    [
        ("filename", pa.string()),  # GTSRB's: TTTTT_FFFFF.ppm (training, unique within a class), NNNNN.ppm (test); or a path
        ("class_id", pa.int16()),  # or `labels.WITHOUT_SIGN`
        ("track", pa.int32()),  # number of the physical sign within its class; null in the test table
        ("frame", pa.int32()),  # number of the image within its track; null in the test table
        ("width", pa.int32()),  # pixels
        ("height", pa.int32()),
        ("roi_x1", pa.int32()),  # box around the sign, pixels
        ("roi_y1", pa.int32()),
        ("roi_x2", pa.int32()),
        ("roi_y2", pa.int32()),
        ("image", pa.binary()),  # P6, 8 bits per channel
    ]
)
ROI = ["roi_x1", "roi_y1", "roi_x2", "roi_y2"]
GROUP_ROWS, GROUP_BYTES = 1024, 2**25  # at most, of a row group, unless a single image is larger: readers load one at a time

Row = tuple[Any, ...]  # the values of SCHEMA, in its order


def encode_ppm(pixels: np.ndarray) -> bytes:
    """(height, width, 3) uint8 RGB -> a binary PPM, with the benchmark's header."""
    height, width, _ = pixels.shape
    return b"P6\n%d %d\n255\n" % (width, height) + pixels.tobytes()


def decode_ppm(data: bytes) -> np.ndarray:
    """A PPM written by `encode_ppm` -> (height, width, 3) uint8 RGB, a read-only view."""
    _, size, _, pixels = data.split(b"\n", 3)
    width, height = map(int, size.split())
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)


@contextmanager
def writing(path: Path, rows: Iterable[Row]) -> Iterator[None]:
    """Writes `rows` to a table, which is at `path` once the block has succeeded."""
    with atomic_write(path) as temporary_path:
        with pq.ParquetWriter(temporary_path, SCHEMA, compression="zstd") as writer:
            for group in split_into_groups(rows):
                columns = zip(zip(*group, strict=True), SCHEMA.types, strict=True)
                writer.write_table(pa.table([pa.array(values, type) for values, type in columns], SCHEMA))
        yield


def hashing(rows: Iterable[Row], digest: "hashlib._Hash") -> Iterator[Row]:
    """`rows` as they are; updates `digest` with their annotations and decoded pixels, whatever the encoding of the table."""
    for row in rows:
        *annotations, image = row
        digest.update(repr(tuple(annotations)).encode())
        digest.update(decode_ppm(image).data)
        yield row


def split_into_groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows of each row group."""
    group, size = list[Row](), 0
    for row in rows:
        image = row[-1]
        if group and (len(group) == GROUP_ROWS or size + len(image) > GROUP_BYTES):
            yield group
            group, size = [], 0
        group.append(row)
        size += len(image)
    if group:
        yield group


def to_frame(rows: Iterable[Row]) -> pd.DataFrame:
    """All rows, as `read` would give them once they were written."""
    return pd.DataFrame(rows, columns=SCHEMA.names)


def read_labels_and_tracks(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The class of each image, (n,) int64, and the number of its physical sign, (n,) int32, which is -1 in the test split."""
    rows = read(path, ["class_id", "track"])
    tracks = rows.groupby(["class_id", "track"]).ngroup().fillna(-1)
    return rows["class_id"].to_numpy(np.int64), tracks.to_numpy(np.int32)


def find(path: Path) -> Path:
    """`path`, a file of data/raw or data/synthetic/SET. Raises `InputError` if it is not there."""
    return find_output(path, f"render@{path.parent.name}" if path.parent.parent.name == "synthetic" else "ingest")


def read(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """A table as a data frame; name `columns` to skip loading the images. Raises as `find`."""
    return pd.read_parquet(find(path), columns=columns)


def count_row_groups(path: Path) -> int:
    """How many of them a table has. Raises as `find`."""
    return pq.read_metadata(find(path)).num_row_groups


def read_images(path: Path, at_most: int) -> Iterator[list[tuple[bytes, int, int, int, int]]]:
    """Yields (image, x1, y1, x2, y2) of all rows in their order, `at_most` so many at a time; loads one row group at a time.

    Raises as `find`.
    """
    table = pq.ParquetFile(find(path))
    for group in range(table.num_row_groups):
        rows = list(zip(*table.read_row_group(group, ["image", *ROI]).to_pydict().values(), strict=True))
        for start in range(0, len(rows), at_most):
            yield rows[start : start + at_most]
