"""The page's functions, without a browser: predictions for every kind of picture, and a recipe's results as HTML."""

import io
import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from PIL import Image

from app import markup, picture_view, recipe_results
from gtsrb.data import picture_files
from gtsrb.data.sign_names import SIGN_NAMES
from gtsrb.data.tables import encode_ppm
from gtsrb.errors import InputError
from gtsrb.preprocessing.crop import Box
from gtsrb.reporting.html_images import data_url
from gtsrb.serving import predictor

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def model():
    model = predictor.load(ROOT / f"pretrained/{predictor.BEST}.onnx")
    if model.names != list(SIGN_NAMES):
        pytest.skip("the published model is not for the signs of the benchmark")
    return model


def encode(image: Image.Image, file_format: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


@pytest.mark.seconds
def test_the_page_needs_no_tensorflow_and_sends_no_telemetry(tmp_path):
    """ONNX Runtime's telemetry, if it is on, writes an id of this machine to the user's cache; in CI it is off."""
    code = (
        "import sys, app.recipe_results, app.markup, app.picture_view; from gtsrb.serving import predictor;"
        "predictor.load(predictor.find(predictor.BEST)); sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    hidden = ("CI", "XDG_CACHE_HOME", "ORT_DISABLE_TELEMETRY")
    environment = {key: value for key, value in os.environ.items() if key not in hidden} | {"HOME": str(tmp_path)}
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=False).returncode == 0
    assert not list(tmp_path.rglob("*"))


def test_the_occlusion_map_is_of_the_sign_and_its_border(model):
    """A sign of 40 pixels in a corner of a large picture: covering it matters, covering the grey around it does not."""
    picture = np.full((300, 400, 3), 120, np.uint8)
    sign = Image.open(ROOT / "app/static/4.png").convert("RGB").resize((40, 40))
    picture[240:280, 20:60] = np.asarray(sign)
    crop, box = picture_view.cut_out(picture, Box(20, 240, 59, 279))
    drop = picture_view.occlusion_map(crop, box, model, 4)
    assert (crop == picture[234:286, 14:66]).all() and drop.shape == crop.shape[:2]
    assert drop[16:36, 16:36].max() > 3 * np.abs(drop[[0, -1], :]).mean()


def test_a_large_picture_is_reduced_before_it_is_covered(model):
    crop, box = picture_view.cut_out(RNG.integers(0, 256, (500, 900, 3), dtype=np.uint8), None)
    assert crop.shape == (50, 90, 3) and box == Box(0, 0, 89, 49)
    assert picture_view.occlusion_map(crop, box, model, 0).shape == (50, 90)


def test_a_flat_box_is_not_reduced_below_what_a_model_takes(model):
    picture = RNG.integers(0, 256, (1000, 4000, 3), dtype=np.uint8)
    crop, box = picture_view.cut_out(picture, Box(0, 500, 3999, 599))
    assert crop.shape == (75, 333, 3) and box.sides == (333, 9)
    assert picture_view.occlusion_map(crop, box, model, 0).shape == crop.shape[:2]
    _, box = picture_view.cut_out(picture, Box(0, 500, 3999, 507))
    assert box.sides == (4000, 8)


@pytest.mark.parametrize("kind", ["cmyk", "16_bit", "animated"])
def test_unusual_pictures_are_predicted(kind, model):
    sign = Image.open(ROOT / "app/static/4.png")
    data = {
        "cmyk": lambda: encode(sign.convert("CMYK"), "jpeg", quality=95),
        "16_bit": lambda: encode(Image.fromarray(np.asarray(sign.convert("L")).astype(np.uint16) * 257), "png"),
        "animated": lambda: encode(sign, "gif", save_all=True, append_images=[Image.new("RGB", sign.size)]),
    }[kind]()
    assert model.predict(picture_files.read(data)).probabilities.argmax() == 4


def test_a_pictogram_is_drawn_or_a_training_image_or_absent(tmp_path):
    assert picture_view.pictogram("stop", tmp_path).startswith("data:image/png;base64,")
    assert picture_view.pictogram("llama", tmp_path) is None
    images = [np.full((side, side, 3), level, np.uint8) for side, level in ((20, 10), (40, 200), (60, 90))]
    boxes = [(2, 2, 17, 17), (5, 5, 34, 34), (0, 0, 59, 59)]
    rows = pd.DataFrame(boxes, columns=["roi_x1", "roi_y1", "roi_x2", "roi_y2"]).assign(
        filename=["a", "b", "c"], class_id=[0, 0, 1], width=[20, 40, 60], image=[encode_ppm(image) for image in images]
    )
    rows.to_parquet(tmp_path / "train.parquet")
    (tmp_path / "classes.csv").write_text("class_id,name\n0,llama\n1,007\n")
    assert picture_view.pictogram("llama", tmp_path) == data_url(images[1][5:35, 5:35])
    assert picture_view.pictogram("007", tmp_path) == data_url(images[2])
    assert picture_view.pictogram("guanaco", tmp_path) is None


@pytest.fixture
def results(tmp_path):
    """The outputs of a recipe `small` on five test images of three classes, two of them misclassified."""
    for folder in ("metrics/small", "data/raw", "data/predictions"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "data/raw/classes.csv").write_text("class_id,name\n0,stop\n1,yield\n2,<b>odd</b>\n")
    rows = {"filename": list("abcde"), "class_id": [0, 0, 1, 1, 2], "image": [encode_ppm(PIXELS)] * 5}
    pd.DataFrame(rows).to_parquet(tmp_path / "data/raw/test.parquet")
    probabilities = np.array([[9, 1, 0], [3, 7, 0], [0, 9, 1], [0, 8, 2], [9, 0, 1]], np.float32) / 10
    np.save(tmp_path / "data/predictions/small.npy", probabilities)
    (tmp_path / "metrics/small.json").write_text(json.dumps({"accuracy": 0.6, "errors": 2}))
    counts = "stop,stop,1\nstop,yield,1\nyield,yield,2\n<b>odd</b>,stop,1\n"
    (tmp_path / "metrics/small/confusion.csv").write_text("truth,prediction,images\n" + counts)
    return tmp_path


def test_mistakes_are_sorted_by_confidence_and_filtered_by_class(results):
    assert recipe_results.evaluated_recipes(results) == ["small"]
    mistakes = recipe_results.load_mistakes(results, "small")
    assert mistakes[["filename", "truth", "prediction"]].to_numpy().tolist() == [
        ["e", "<b>odd</b>", "stop"],
        ["b", "stop", "yield"],
    ]
    assert mistakes["confidence"].tolist() == pytest.approx([0.9, 0.7])
    assert recipe_results.filter_by_class(mistakes, "yield")["filename"].tolist() == ["b"]
    assert recipe_results.filter_by_class(mistakes, "stop")["filename"].tolist() == ["e", "b"]  # as truth or as prediction
    assert len(recipe_results.filter_by_class(mistakes, None)) == 2


def test_confusions_leave_out_correct_predictions(results):
    confusions = recipe_results.load_confusions(results, "small")
    assert confusions.to_numpy().tolist() == [["<b>odd</b>", "stop", 1, 1.0], ["stop", "yield", 1, 0.5]]


def test_a_broken_file_is_named(results):
    (results / "metrics/small.json").write_text("<<<<<<< HEAD")
    with pytest.raises(InputError, match=r"small.json: cannot be read .* run `dvc repro evaluate@small` to write it again"):
        recipe_results.load_metrics(results, "small")


def test_classes_may_be_named_by_numbers(results, tmp_path):
    (results / "metrics/small/confusion.csv").write_text("truth,prediction,images\n00013,NA,1\n")
    assert recipe_results.load_confusions(results, "small").iloc[0][["truth", "prediction"]].tolist() == ["00013", "NA"]


def test_predictions_of_another_test_split_are_one_line(results):
    np.save(results / "data/predictions/small.npy", np.zeros((4, 3), np.float32))
    with pytest.raises(InputError, match=r"small.npy has 4 x 3 .* expected 5 images x 3 classes .* `dvc repro evaluate@small`"):
        recipe_results.load_mistakes(results, "small")


def test_a_clone_has_confusions_but_no_predictions(results):
    assert recipe_results.has_predictions(results, "small")
    (results / "data/raw/test.parquet").unlink()
    assert not recipe_results.has_predictions(results, "small")
    assert len(recipe_results.load_confusions(results, "small")) == 2


def test_names_are_escaped(results):
    def no_pictogram(name):
        return None

    prediction = {"top": [{"name": "<b>odd</b>", "probability": 0.3}]}
    parts = [
        markup.mistakes(recipe_results.load_mistakes(results, "small"), no_pictogram),
        markup.confusion_matrix(recipe_results.load_confusions(results, "small"), no_pictogram),
        markup.top_classes(prediction, "unsure: <i>below</i> 98.76%", no_pictogram),
    ]
    for html in parts:
        assert "&lt;b&gt;odd&lt;/b&gt;" in html
        assert "<b>odd" not in html
    assert "unsure: &lt;i&gt;below&lt;/i&gt; 98.76%" in parts[2]
    assert markup.escape_markdown("![a](x) $1$ :b: \u201cc\u201d") == "\\!\\[a\\]\\(x\\) \\$1\\$ \\:b\\: \u201cc\u201d"


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0.0%"), (1e-6, "&lt; 0.1%"), (0.0005, "0.1%"), (0.5, "50.0%"), (0.9996, "&gt; 99.9%"), (1, "100.0%")],
)
def test_shares_between_0_and_1_are_not_rounded_to_them(share, text):
    assert markup.percent(share) == text
