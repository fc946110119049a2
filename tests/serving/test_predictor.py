"""An exported network with its metadata: which files are refused, and what becomes of a picture and its box."""

import numpy as np
import onnx
import pytest
from conftest import ROOT
from small_models import save_model

from gtsrb.config.params import load
from gtsrb.errors import InputError
from gtsrb.preprocessing.crop import Box
from gtsrb.serving import predictor

RNG = np.random.default_rng(0)
VARIANT = load(ROOT / "params.yaml").preprocess["equalized"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "a.onnx"
    save_model(path, VARIANT, ["a", "b", "c"])
    return predictor.load(path)


def test_a_box_outside_the_picture_is_one_line_and_one_across_its_edge_is_clipped(model):
    picture = RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    with pytest.raises(InputError, match=r"^the box starts at 50,10, outside the picture of 50 x 40 pixels; "):
        model.predict(picture, Box(50, 10, 60, 20))
    across, clipped = (model.predict(picture, Box(30, 10, *edge)).network_input for edge in ((90, 90), (49, 39)))
    assert (across == clipped).all()


def test_pixels_outside_the_box_and_its_border_do_not_matter(model):
    picture = RNG.integers(0, 256, (300, 400, 3), dtype=np.uint8)
    other = np.zeros_like(picture)
    other[39:141, 89:211] = picture[39:141, 89:211]
    box = Box(100, 50, 199, 129)
    assert (model.predict(picture, box).network_input == model.predict(other, box).network_input).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (7, 300)])
def test_a_picture_too_small_to_show_a_sign_is_one_line(model, shape):
    with pytest.raises(
        InputError, match=f"^{shape[1]} x {shape[0]} pixels, too small to show a sign; expected at least 8 x 8$"
    ):
        model.predict(np.zeros((*shape, 3), np.uint8))


@pytest.mark.parametrize(
    ("key", "content", "reason"),
    [
        ("names", None, "'names'"),
        ("names", '["stop"]', "1 class names for 3 outputs"),
        ("unknown_below", None, "'unknown_below'"),
        ("unsure_below", "often", "could not convert string to float: 'often'"),
    ],
)
def test_a_model_of_another_version_is_one_line(tmp_path, key, content, reason):
    path = tmp_path / "old.onnx"
    save_model(path, VARIANT, ["a", "b", "c"])
    assert predictor.load(path).names == ["a", "b", "c"]
    old = onnx.load(path)
    properties = {entry.key: entry.value for entry in old.metadata_props} | {key: content}
    onnx.helper.set_model_props(old, {key: value for key, value in properties.items() if value is not None})
    with pytest.raises(InputError, match=rf"^the model: a model of another version of this project \(.*{reason}.*again$"):
        predictor.load(old.SerializeToString())


def test_a_model_of_prepared_images_is_one_line(tmp_path):
    save_model(tmp_path / "prepared.onnx", VARIANT, ["a", "b", "c"], prepared=True)
    expected = r"prepared.onnx: a model that takes prepared images; picture.onnx, beside it, takes pictures: use that one$"
    with pytest.raises(InputError, match=expected):
        predictor.load(tmp_path / "prepared.onnx")


def test_an_unknown_model_is_one_line():
    with pytest.raises(InputError, match=r"^no model at pretrained/nobody.onnx; pretrained/ has "):
        predictor.find("nobody")


def test_a_file_that_is_not_a_model_is_one_line(tmp_path):
    (tmp_path / "broken.onnx").write_text("no model")
    with pytest.raises(InputError, match=r"broken.onnx: not a model that ONNX Runtime can read"):
        predictor.load(tmp_path / "broken.onnx")


@pytest.mark.parametrize(
    ("probability", "marks", "words"),
    [
        (0.95, (False, False), ""),
        (0.8, (True, False), "unsure: below 90%"),
        (0.35, (True, True), "unknown: none of the signs that this network knows"),
    ],
)
def test_an_answer_below_a_threshold_is_marked(tmp_path, probability, marks, words):
    save_model(tmp_path / "model.onnx", VARIANT, ["a", "b", "c"])  # with thresholds of 0.9 and 0.4
    model = predictor.load(tmp_path / "model.onnx")
    prediction = predictor.describe_prediction(np.array([probability, (1 - probability) / 2, (1 - probability) / 2]), model, 2)
    assert (prediction["unsure"], prediction["unknown"]) == marks
    assert predictor.describe_marks(model).get(predictor.name_mark(prediction), "") == words
