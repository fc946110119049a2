"""An exported network with its metadata: which files are refused, and what becomes of a picture and its box."""

import numpy as np
import onnx
import pytest
from conftest import ROOT
from small_models import save_model

from gtsrb.config.params import load
from gtsrb.errors import InputError
from gtsrb.preprocessing.crop import Box
from gtsrb.preprocessing.preprocess import preprocess
from gtsrb.serving import predictor

RNG = np.random.default_rng(0)
VARIANT = load(ROOT / "params.yaml").preprocess["equalized"]


def test_a_box_outside_the_picture_is_one_line_and_one_across_its_edge_is_clipped():
    picture = RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    with pytest.raises(InputError, match=r"^the box starts at 50,10, outside the picture of 50 x 40 pixels; "):
        predictor.prepare_picture(picture, Box(50, 10, 60, 20), VARIANT)
    across, clipped = (predictor.prepare_picture(picture, Box(30, 10, *edge), VARIANT) for edge in ((90, 90), (49, 39)))
    assert (across == clipped).all()


def test_pixels_outside_the_box_and_its_border_do_not_matter():
    picture = RNG.integers(0, 256, (300, 400, 3), dtype=np.uint8)
    other = np.zeros_like(picture)
    other[40:140, 90:210] = picture[40:140, 90:210]
    box = Box(100, 50, 199, 129)
    assert (predictor.prepare_picture(picture, box, VARIANT) == predictor.prepare_picture(other, box, VARIANT)).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (7, 300)])
def test_a_picture_too_small_to_show_a_sign_is_one_line(shape):
    with pytest.raises(
        InputError, match=f"^{shape[1]} x {shape[0]} pixels, too small to show a sign; expected at least 8 x 8$"
    ):
        predictor.prepare_picture(np.zeros((*shape, 3), np.uint8), None, VARIANT)


@pytest.mark.seconds
@pytest.mark.parametrize("variant", ["equalized", "roi_both"])
@pytest.mark.parametrize("box", [None, Box(300, 500, 1399, 1299), Box(200, 300, 239, 344)], ids=["none", "large", "small"])
def test_a_large_picture_is_predicted_as_it_is_preprocessed(params, variant, box):
    """A small sign keeps its pixels: the picture is cropped before it is reduced to 512 pixels, and what is left is smaller."""
    picture = RNG.integers(0, 256, (1500, 2000, 3), dtype=np.uint8)
    variant = params.preprocess[variant]
    prepared = predictor.prepare_picture(picture, box, variant)
    assert (prepared == preprocess(picture, box or Box(0, 0, 1999, 1499), variant)).all()
    if box == Box(200, 300, 239, 344):
        assert (prepared == preprocess(picture[295:350, 195:245], Box(5, 5, 44, 49), variant)).all()


@pytest.mark.parametrize(
    ("key", "content", "reason"),
    [
        ("names", None, "'names'"),
        ("names", '["stop"]', "1 class names for 3 outputs"),
        ("unsure_below", "often", "could not convert string to float: 'often'"),
        ("variant", VARIANT.model_dump_json().replace('"size"', '"side"'), "validation errors? for Variant"),
        ("variant", VARIANT.model_copy(update={"keep_original": True}).model_dump_json(), "Got invalid dimensions for input"),
        ("variant", VARIANT.model_copy(update={"dtype": "float32"}).model_dump_json(), "Unexpected input data type"),
    ],
)
def test_a_model_of_another_version_is_one_line(tmp_path, key, content, reason):
    path = tmp_path / "old.onnx"
    save_model(path, VARIANT, ["a", "b", "c"])
    assert predictor.load(str(path)).names == ["a", "b", "c"]
    old = onnx.load(path)
    properties = {entry.key: entry.value for entry in old.metadata_props} | {key: content}
    onnx.helper.set_model_props(old, {key: value for key, value in properties.items() if value is not None})
    onnx.save(old, path)
    with pytest.raises(InputError, match=rf"^\S+/old.onnx: a model of another version of this project \(.*{reason}.*again$"):
        predictor.load(str(path))


def test_an_unknown_model_is_one_line():
    with pytest.raises(InputError, match=r"^no model at pretrained/nobody.onnx; pretrained/ has "):
        predictor.load("nobody")


def test_a_file_that_is_not_a_model_is_one_line(tmp_path):
    (tmp_path / "broken.onnx").write_text("no model")
    with pytest.raises(InputError, match=r"broken.onnx: not a model that ONNX Runtime can read"):
        predictor.load(str(tmp_path / "broken.onnx"))
