"""The faces of the signs, and the photographs of them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from gtsrb.config.ingest import Synthetic
from gtsrb.data import tables
from gtsrb.synthetic.faces import BLUE, FACES, RED, WHITE, YELLOW, draw_sign
from gtsrb.synthetic.scenes import render

CLASSES = range(43)
PARAMS = Synthetic(tracks_per_class=2, frames_per_track=3, test_images_per_class=2, seed=0)
SHA256 = """
from gtsrb import rendering, sections, tables
rows = rendering.render(sections.Synthetic(tracks_per_class=2, frames_per_track=3, test_images_per_class=2, seed=0))
print(tables.content_sha256(*map(tables.canonical, rows)))
"""


@pytest.fixture(scope="module")
def rendered() -> tuple[pd.DataFrame, pd.DataFrame]:
    return render(PARAMS)


def grey(class_id: int, size: int = 48) -> np.ndarray:
    """(size, size) levels of the face over mid-grey."""
    face = draw_sign(class_id, size).astype(float)
    opacity = face[..., 3] / 255
    return face[..., :3].mean(axis=-1) * opacity + 128 * (1 - opacity)


def share(class_id: int, colour: tuple[int, int, int]) -> float:
    """Share of the face that has this colour, to 10 levels."""
    face = draw_sign(class_id, 96).astype(int)
    inside = face[face[..., 3] == 255][:, :3]
    return float((abs(inside - colour) <= 10).all(axis=1).mean())


def thumbnail(image: bytes) -> np.ndarray:
    """(8, 8, 3) levels, so small that the noise is gone."""
    return np.asarray(Image.fromarray(tables.decode_ppm(image)).resize((8, 8), Image.Resampling.BOX), float)


@pytest.mark.parametrize("size", [15, 48, 100])
def test_faces_have_the_size_asked_for_and_are_transparent_outside(size):
    for class_id in CLASSES:
        face = draw_sign(class_id, size)
        assert face.shape == (size, size, 4) and face.dtype == np.uint8
        assert face[size // 2, size // 2, 3] == 255 and (face[[0, 0, -1, -1], [0, -1, 0, -1], 3] < 128).sum() >= 2


def test_there_is_a_face_for_each_class_and_no_two_are_alike():
    assert len(FACES) == len(CLASSES)
    faces = [grey(class_id) for class_id in CLASSES]
    differences = {(a, b): abs(faces[a] - faces[b]).mean() for a in CLASSES for b in range(a)}
    assert min(differences.values()) > 2, min(differences, key=differences.get)


def test_colours():
    for class_id in (14, 17):
        assert share(class_id, RED) > 0.5
    for class_id in range(33, 41):
        assert share(class_id, BLUE) > 0.5 and share(class_id, RED) == 0
    assert share(12, YELLOW) > 0.3 and share(12, RED) == 0
    for class_id in (*range(6), *range(7, 12), 13, 15, 16, *range(18, 32)):
        assert share(class_id, RED) > 0.3 and share(class_id, WHITE) > 0.1
    for class_id in (6, 32, 41, 42):
        assert share(class_id, WHITE) > 0.4 and share(class_id, RED) == 0


@pytest.mark.parametrize(
    ("left", "right", "tip"),
    [(19, 20, (42, 51)), (34, 33, (22, 48)), (37, 36, (22, 55)), (39, 38, (32, 68))],
)
def test_left_and_right(left, right, tip):
    """`tip` is in the head of the left one's arrow, x and y in hundredths; its mirror image is no part of the arrow."""
    assert abs(grey(left) - grey(right)[:, ::-1]).mean() < 2
    x, y = tip
    for class_id, sides in ((left, (x, 99 - x)), (right, (99 - x, x))):
        arrow, plate = (grey(class_id, 100)[y, side] for side in sides)
        assert arrow < 60 and plate > 200 if class_id < 33 else arrow > 200 and plate < 120


def test_tables_are_as_the_benchmark_is(rendered):
    train, test = rendered
    assert len(train) == 43 * 2 * 3 and len(test) == 43 * 2
    assert train.groupby(["class_id", "track"]).size().eq(3).all() and set(train["class_id"]) == set(CLASSES)
    assert test["class_id"].value_counts().eq(2).all() and test[["track", "frame"]].isna().all(axis=None)
    assert train["filename"][4] == "00001_00001.ppm" and test["filename"][85] == "00085.ppm"
    assert not test["class_id"].is_monotonic_increasing
    for rows in rendered:
        assert list(rows) == tables.SCHEMA.names
        assert tables.to_canonical_table(rows).schema.equals(tables.SCHEMA)
        for row in rows.itertuples():
            assert tables.decode_ppm(row.image).shape == (row.height, row.width, 3)
            assert 15 <= row.width <= 100 and 15 <= row.height <= 100
            assert 5 <= row.roi_x1 < row.roi_x2 < row.width - 1 and 5 <= row.roi_y1 < row.roi_y2 < row.height - 1
            assert max(row.roi_x2 - row.roi_x1, row.roi_y2 - row.roi_y1) >= 14


def test_a_car_nears_the_sign(rendered):
    for _, track in rendered[0].groupby(["class_id", "track"]):
        assert track["width"].is_monotonic_increasing and track["width"].iloc[-1] > track["width"].iloc[0]


def test_signs_of_a_class_differ_more_than_frames_of_a_sign(rendered):
    train = rendered[0].sort_values(["class_id", "track", "frame"])
    small = np.array([thumbnail(image) for image in train["image"]]).reshape(43, 2, 3, -1)
    between_signs = abs(small[:, 0] - small[:, 1]).mean(axis=(1, 2))
    between_frames = abs(small[:, :, 0] - small[:, :, 2]).mean(axis=(1, 2))
    assert between_signs.min() > 5 and np.median(between_signs) > 1.5 * np.median(between_frames)


@pytest.mark.seconds
def test_the_same_params_give_the_same_bytes_in_another_process(rendered):
    expected = tables.content_sha256(*map(tables.to_canonical_table, rendered))
    root = Path(__file__).parents[2]
    printed = subprocess.run([sys.executable, "-c", SHA256], cwd=root, check=True, capture_output=True, text=True).stdout
    assert printed.strip() == expected


def test_fewer_signs_are_the_same_signs(rendered):
    fewer, _ = render(PARAMS.model_copy(update={"test_images_per_class": 1}))
    assert fewer.equals(rendered[0])


def test_another_seed_gives_other_signs(rendered):
    train, test = render(PARAMS.model_copy(update={"seed": 1}))
    for image, other in zip(train["image"], rendered[0]["image"], strict=True):
        assert abs(thumbnail(image) - thumbnail(other)).mean() > 3
    assert list(test["class_id"]) != list(rendered[1]["class_id"])
