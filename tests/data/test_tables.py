"""Parquet tables of raw images: independent of the order of rows, and in row groups of bounded size."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from noise_rows import make_noise_rows

from gtsrb.data import tables


def test_a_ppm_is_decoded_to_the_encoded_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    pixels[0, 0] = ord("\n")  # pixels may look like the header's line breaks
    assert (tables.decode_ppm(tables.encode_ppm(pixels)) == pixels).all()


def test_a_table_does_not_depend_on_the_order_of_its_rows() -> None:
    rows = make_noise_rows(20)
    shuffled = rows.sample(frac=1, random_state=0)
    assert not shuffled.equals(rows)
    assert tables.to_canonical_table(shuffled).equals(tables.to_canonical_table(rows))


def test_the_hash_changes_with_a_pixel_and_with_an_annotation() -> None:
    train, test = make_noise_rows(4), make_noise_rows(2)
    *images, last = train["image"]
    pixel = train.assign(image=[*images, last[:-1] + bytes([last[-1] ^ 1])])
    annotation = train.assign(roi_x1=[1, 1, 1, 2])
    hashes = {
        tables.content_sha256(tables.to_canonical_table(rows), tables.to_canonical_table(test))
        for rows in (train, pixel, annotation)
    }
    assert len(hashes) == 3


def test_row_groups_of_large_images_have_few_rows(tmp_path: Path) -> None:
    large, small = make_noise_rows(3).assign(image=[bytes(12_000_000)] * 3), make_noise_rows(1030)
    for rows, expected in ((large, [2, 1]), (small, [1024, 6])):
        tables.write(tmp_path / "table.parquet", tables.to_canonical_table(rows))
        metadata = pq.read_metadata(tmp_path / "table.parquet")
        assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == expected
