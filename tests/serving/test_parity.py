"""Raw images by an exported file: with boxes and without, and against the pipeline's preprocessing."""

import numpy as np
import pytest
from conftest import ROOT
from raw_tables import draw_signs
from small_models import save_model

from gtsrb.config.params import load
from gtsrb.data.tables import decode_ppm
from gtsrb.preprocessing.crop import Box
from gtsrb.preprocessing.preprocess import preprocess
from gtsrb.serving import parity, predictor

VARIANT = load(ROOT / "params.yaml").preprocess["plain"].model_copy(update={"crop": "roi", "margin": 0.1})


@pytest.fixture
def rows():
    _, test = draw_signs(tracks_per_class=2, frames_per_track=1, test_images_per_class=1)
    return [(row[-1], *row[6:10]) for row in list(test)[::8]]


@pytest.fixture
def model(tmp_path):
    save_model(tmp_path / "a.onnx", VARIANT, ["a", "b", "c"])
    return (tmp_path / "a.onnx").read_bytes()


def test_rows_are_predicted_with_their_boxes_and_as_files(rows, model):
    with_boxes, as_files = (parity.predict_rows(rows, model, boxes=boxes) for boxes in (True, False))
    exported = predictor.load(model)
    for (image, *box), of_box, of_file in zip(rows, with_boxes, as_files, strict=True):
        assert (exported.predict(decode_ppm(image), Box(*box)).probabilities == of_box).all()
        assert (exported.predict(decode_ppm(image)).probabilities == of_file).all()
    assert (with_boxes != as_files).any()


def test_the_difference_is_that_of_another_preprocessing(rows, model):
    assert parity.input_difference(rows, model, VARIANT) <= 1
    assert parity.input_difference(rows, model, VARIANT.model_copy(update={"margin": 0.0})) > 20


def test_a_box_is_prepared_with_its_border_and_a_whole_picture_as_it_is():
    picture = np.random.default_rng(0).integers(0, 256, (100, 120, 3), dtype=np.uint8)
    assert (parity.prepare(picture, None, VARIANT) == preprocess(picture, Box(0, 0, 119, 99), VARIANT)).all()
    bordered = preprocess(picture[25:85, 35:85], Box(5, 5, 44, 54), VARIANT)
    assert (parity.prepare(picture, Box(40, 30, 79, 79), VARIANT) == bordered).all()
