"""Parquet tables of raw images: a hash of their content, row groups of bounded size, rows that come one by one."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from raw_tables import make_noise_rows, sha256, write_table

from gtsrb.data import tables
from gtsrb.errors import InputError

STORED = {"class_id": "int16"} | dict.fromkeys(["track", "frame", "width", "height", *tables.ROI], "int32")


def test_a_ppm_is_decoded_to_the_encoded_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    pixels[0, 0] = ord("\n")  # pixels may look like the header's line breaks
    assert (tables.decode_ppm(tables.encode_ppm(pixels)) == pixels).all()


def test_the_hash_changes_with_a_pixel_and_with_an_annotation() -> None:
    train, test = make_noise_rows(4), make_noise_rows(2)
    *first, (*annotations, image) = train
    pixel = [*first, (*annotations, image[:-1] + bytes([image[-1] ^ 1]))]
    box = [*first, (*annotations[:-1], annotations[-1] - 1, image)]
    assert len({sha256(rows, test) for rows in (train, pixel, box)}) == 3
    assert list(tables.hashing(train, hashlib.sha256())) == train


def test_row_groups_of_large_images_have_few_rows(tmp_path: Path) -> None:
    large = [(*annotations, bytes(12_000_000)) for *annotations, _ in make_noise_rows(3)]
    huge = [(*annotations, bytes(40_000_000)) for *annotations, _ in make_noise_rows(2)]
    for rows, expected in ((large, [2, 1]), (huge, [1, 1]), (make_noise_rows(1030), [1024, 6])):
        write_table(tmp_path / "table.parquet", rows)
        metadata = pq.read_metadata(tmp_path / "table.parquet")
        assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == expected
        assert tables.read(tmp_path / "table.parquet").equals(tables.to_frame(rows).astype(STORED))


@pytest.mark.parametrize(
    ("path", "stage"), [("data/raw/train.parquet", "ingest"), ("data/synthetic/drawn/train.parquet", "render@drawn")]
)
@pytest.mark.parametrize("read", [tables.read, tables.count_row_groups, lambda path: next(tables.read_images(path, 1))])
def test_a_missing_table_is_one_line_that_names_its_stage(tmp_path: Path, path: str, stage: str, read: Callable) -> None:
    with pytest.raises(InputError, match=rf"{path} not found; run `dvc repro {stage}`$"):
        read(tmp_path / path)


def test_rows_are_taken_one_group_at_a_time(tmp_path: Path) -> None:
    """And nothing is left if the reader, or the block, fails."""
    taken = []

    def rows() -> Iterator[tables.Row]:
        for row in make_noise_rows(3000):
            taken.append(row)
            yield row

    groups = tables.split_into_groups(rows())
    next(groups)
    assert len(taken) == tables.GROUP_ROWS + 1
    with pytest.raises(ValueError), tables.writing(tmp_path / "table.parquet", rows()):
        raise ValueError
    assert not list(tmp_path.iterdir())
