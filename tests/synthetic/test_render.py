"""The synthetic data set: its tables, its tracks, and that its params and seed decide every byte."""

import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from PIL import Image
from raw_tables import PARAMS, draw_signs, sha256

from gtsrb.config.camera import Camera
from gtsrb.config.load import load_section
from gtsrb.data import tables
from gtsrb.data.labels import WITHOUT_SIGN
from gtsrb.parallel import IN_PROCESS
from gtsrb.synthetic import render as module
from gtsrb.synthetic.render import render_train
from gtsrb.synthetic.scenes import _find_outline, _project, _sample_pose
from gtsrb.synthetic.signs import BESIDE, COLLAGE, OTHER, Sign, sample_without_sign
from gtsrb.synthetic.textures import draw_collage

CLASSES = range(43)
PRINT_SHA256 = """
from gtsrb.parallel import open_workers
from raw_tables import PARAMS, draw_signs, sha256
with open_workers(43) as workers:
    assert workers.count == 2
    print(sha256(*draw_signs(tracks_per_class=2, frames_per_track=3, test_images_per_class=2, workers=workers)))
"""


def render(*, seed: int = 0, test_images: int = 2) -> tuple[pd.DataFrame, pd.DataFrame]:
    splits = draw_signs(tracks_per_class=2, frames_per_track=3, test_images_per_class=test_images, seed=seed)
    return tuple(map(tables.to_frame, splits))


@pytest.fixture(scope="module")
def synthetic_rows() -> tuple[pd.DataFrame, pd.DataFrame]:
    return render()


def thumbnail(image: bytes) -> np.ndarray:
    """(8, 8, 3) levels, so small that the noise averages out."""
    return np.asarray(Image.fromarray(tables.decode_ppm(image)).resize((8, 8), Image.Resampling.BOX), float)


def test_tables_have_the_schema_and_sizes_of_the_benchmark(synthetic_rows):
    train, test = synthetic_rows
    assert len(train) == 43 * 2 * 3 and len(test) == 43 * 2
    assert train.groupby(["class_id", "track"]).size().eq(3).all() and set(train["class_id"]) == set(CLASSES)
    assert test["class_id"].value_counts().eq(2).all() and test[["track", "frame"]].isna().all(axis=None)
    assert train["filename"][4] == "00001_00001.ppm" and test["filename"][85] == "00085.ppm"
    assert not test["class_id"].is_monotonic_increasing
    for rows in synthetic_rows:
        assert list(rows) == tables.SCHEMA.names
        for row in rows.itertuples():
            assert tables.decode_ppm(row.image).shape == (row.height, row.width, 3)
            assert 18 <= row.width <= 260 and 18 <= row.height <= 260
            assert 5 <= row.roi_x1 < row.roi_x2 < row.width - 1 and 5 <= row.roi_y1 < row.roi_y2 < row.height - 1
            assert max(row.roi_x2 - row.roi_x1, row.roi_y2 - row.roi_y1) >= 15


def test_the_sign_grows_from_frame_to_frame(synthetic_rows):
    for _, track in synthetic_rows[0].groupby(["class_id", "track"]):
        assert track["width"].is_monotonic_increasing and track["width"].iloc[-1] > track["width"].iloc[0]


def test_signs_of_a_class_differ_more_than_frames_of_a_sign(synthetic_rows):
    train = synthetic_rows[0].sort_values(["class_id", "track", "frame"])
    thumbnails = np.array([thumbnail(image) for image in train["image"]]).reshape(43, 2, 3, -1)
    between_signs = abs(thumbnails[:, 0] - thumbnails[:, 1]).mean(axis=(1, 2))
    between_frames = abs(thumbnails[:, :, 0] - thumbnails[:, :, 2]).mean(axis=(1, 2))
    assert between_signs.min() > 5 and np.median(between_signs) > 1.5 * np.median(between_frames)


@pytest.mark.seconds
def test_the_same_params_give_the_same_bytes_in_two_other_processes(synthetic_rows):
    expected = sha256(*(rows.itertuples(index=False, name=None) for rows in synthetic_rows))
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    environment = os.environ | {"PYTHONPATH": paths, "GTSRB_JOBS": "2"}
    command = [sys.executable, "-c", PRINT_SHA256]
    printed = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
    assert printed.strip() == expected


def test_places_without_a_sign_come_last_and_change_no_sign(synthetic_rows):
    camera = load_section(Camera, "camera", path=PARAMS)
    rows = tables.to_frame(render_train(2, 3, 0, camera, IN_PROCESS, without_sign=60))
    pd.testing.assert_frame_equal(rows[:-180], synthetic_rows[0])
    places = rows[-180:]
    assert places["class_id"].eq(WITHOUT_SIGN).all() and places["track"].tolist() == [*np.repeat(range(60), 3)]
    alone = tables.to_frame(render_train(0, 3, 0, camera, IN_PROCESS, without_sign=60))
    pd.testing.assert_frame_equal(alone, places.reset_index(drop=True))


def kind_of(place: Sign) -> str:
    if place.offset != (0, 0):
        return "beside"
    return "other" if place.variant else "collage" if place.background.draw is draw_collage else "scenery"


def test_a_sign_without_which_a_place_is_drawn_is_not_in_its_box():
    """The sign beside the box has less than 60 % of its outline in it."""
    camera, rng = load_section(Camera, "camera", path=PARAMS), np.random.default_rng(0)
    places = [sample_without_sign(camera, np.random.default_rng([0, seed])) for seed in range(300)]
    shares = {"beside": BESIDE, "other": OTHER, "collage": COLLAGE, "scenery": 1 - BESIDE - OTHER - COLLAGE}
    kinds = Counter(map(kind_of, places))
    assert {kind: count / 300 for kind, count in kinds.items()} == pytest.approx(shares, abs=0.07)
    for place in places:
        if place.offset == (0, 0):
            continue
        assert max(map(abs, place.offset)) >= 0.7
        sign_to_image, width, height = _sample_pose(place, 60, 7, camera, rng)
        outline = _project(sign_to_image, _find_outline(place.class_id, 0)) - 7
        inside = ((outline > 0.1) & (outline < (0.9 * width, 0.9 * height))).all(axis=1)
        assert inside.mean() < 0.6


def test_no_sign_of_the_test_table_is_in_the_training_table(monkeypatch):
    states, sample = [], module.sample_sign

    def note(class_id: int, camera: Camera, rng: np.random.Generator) -> Sign:
        states.append(rng.bit_generator.state["state"]["state"])
        return sample(class_id, camera, rng)

    monkeypatch.setattr(module, "sample_sign", note)
    for rows in draw_signs(tracks_per_class=1, frames_per_track=1, test_images_per_class=1):
        assert len(list(rows)) == 43
    assert len(set(states)) == len(states) == 86


def test_sets_to_train_on_have_other_signs_than_a_synthetic_data_set(params):
    assert params.ingest.synthetic.seed not in {drawn.seed for drawn in params.render.values()}


def test_the_number_of_test_images_does_not_change_training_images(synthetic_rows):
    fewer, _ = render(test_images=1)
    assert fewer.equals(synthetic_rows[0])


def test_another_seed_gives_different_signs(synthetic_rows):
    train, test = render(seed=1)
    differences = [
        abs(thumbnail(image) - thumbnail(other)).mean()
        for image, other in zip(train["image"], synthetic_rows[0]["image"], strict=True)
    ]
    assert min(differences) > 0 and np.median(differences) > 20
    assert list(test["class_id"]) != list(synthetic_rows[1]["class_id"])
