"""The raw data set as two Parquet tables, train and test: one row per image, the image as a binary PPM like the benchmark's.

The same images and annotations give the same bytes, whatever their source: fixed schema, sorted rows.
"""

import hashlib
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gtsrb.outputs import atomic_write

SCHEMA = pa.schema(
    [
        ("filename", pa.string()),  # GTSRB's: TTTTT_FFFFF.ppm (training, unique within a class), NNNNN.ppm (test); or a path
        ("class_id", pa.int16()),
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
ROW_GROUP_BYTES = 2**25  # approximate size of a row group
ROI = ["roi_x1", "roi_y1", "roi_x2", "roi_y2"]


def encode_ppm(pixels: np.ndarray) -> bytes:
    """(height, width, 3) uint8 RGB -> a binary PPM, with the benchmark's header."""
    height, width, _ = pixels.shape
    return b"P6\n%d %d\n255\n" % (width, height) + pixels.tobytes()


def decode_ppm(data: bytes) -> np.ndarray:
    """A PPM written by `encode_ppm` -> (height, width, 3) uint8 RGB, a read-only view."""
    _, size, _, pixels = data.split(b"\n", 3)
    width, height = map(int, size.split())
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)


def to_canonical_table(rows: pd.DataFrame) -> pa.Table:
    """Rows with the columns of SCHEMA -> a table sorted by class, track and frame, or by filename if there are no tracks."""
    rows = rows.sort_values(["class_id", "track", "frame", "filename"] if rows["track"].notna().any() else ["filename"])
    return pa.Table.from_pandas(rows, SCHEMA, preserve_index=False).replace_schema_metadata(None)


def content_sha256(train: pa.Table, test: pa.Table) -> str:
    """SHA-256 over all annotations and decoded pixels of both tables, row by row; independent of the Parquet encoding."""
    digest = hashlib.sha256()
    for table in (train, test):
        *annotations, images = (table[name].to_pylist() for name in SCHEMA.names)
        for row, image in zip(zip(*annotations, strict=True), images, strict=True):
            digest.update(repr(row).encode())
            digest.update(decode_ppm(image).data)
    return digest.hexdigest()


def write(path: Path, table: pa.Table) -> None:
    """Writes the table atomically, in row groups of 1024 rows, or fewer if images are large: readers load a group at a time."""
    group_size = max(1, min(1024, ROW_GROUP_BYTES * len(table) // max(1, table.nbytes)))
    with atomic_write(path) as temporary_path:
        pq.write_table(table, temporary_path, compression="zstd", row_group_size=group_size)


def read_labels_and_tracks(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The class of each image, (n,) int64, and the number of its physical sign, (n,) int32, which is -1 in the test split."""
    rows = read(path, ["class_id", "track"])
    tracks = rows.groupby(["class_id", "track"]).ngroup().fillna(-1)
    return rows["class_id"].to_numpy(np.int64), tracks.to_numpy(np.int32)


def read(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """A table as a data frame; name `columns` to skip loading the images."""
    return pd.read_parquet(path, columns=columns)


@lru_cache(maxsize=1)
def read_row_group(path: Path, group: int) -> list[tuple[bytes, int, int, int, int]]:
    """(image, x1, y1, x2, y2) of each row of a row group. The last group is cached, since it may be read in several chunks."""
    columns = pq.ParquetFile(path).read_row_group(group, ["image", *ROI]).to_pydict()
    return list(zip(*columns.values(), strict=True))
