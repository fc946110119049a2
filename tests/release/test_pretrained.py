"""The published models: the very files that the committed metrics are of, with cards that say what these say."""

import hashlib

import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import ROOT
from onnx import numpy_helper
from onnx.utils import Extractor
from PIL import Image
from raw_tables import draw_signs
from release.committed import read

from gtsrb.config.params import load
from gtsrb.data import picture_files
from gtsrb.data.sign_names import SIGN_NAMES
from gtsrb.data.tables import ROI, decode_ppm, to_frame
from gtsrb.serving import export, model_card, parity, predictor

PARAMS = load(ROOT / "params.yaml")
MODELS = sorted((ROOT / "pretrained").glob("*.onnx"))
RECIPES = sorted(path.stem for path in (ROOT / "pretrained").glob("*.md"))


def test_all_together_are_small():
    assert sum(path.stat().st_size for path in MODELS) <= 18e6
    assert {path.stem.removesuffix("_int8") for path in MODELS} <= set(PARAMS.train)


@pytest.mark.parametrize("recipe", PARAMS.train)
def test_each_recipe_has_its_model(recipe):
    if recipe not in RECIPES:
        pytest.skip(f"{recipe} is not published: python -m scripts.publish {recipe}")
    assert (ROOT / f"pretrained/{recipe}.onnx").is_file()


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_file_is_the_one_that_was_measured(recipe):
    figures = read(f"{recipe}/export")
    for file, suffix in model_card.PUBLISHED.items():
        content = (ROOT / f"pretrained/{recipe}{suffix}").read_bytes()
        assert hashlib.md5(content).hexdigest() == figures["files"][file]["md5"]
        assert len(content) == figures["files"][file]["bytes"] <= 6e6
    path = ROOT / f"pretrained/{recipe}.onnx"
    weights = (numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer)
    assert {str(array.dtype) for array in weights if array.size >= export.LARGE} == {figures["weights_precision"]}
    assert (figures["weights_precision"] == "float16") == (figures["changed_by_float16"] == 0)
    assert figures["parity"]["keras_max_abs_difference"] < 1e-2  # weights in float16, logits divided by a temperature of 0.5
    assert figures["parity"]["input_max_difference"] <= 1 and figures["parity"]["top_class_changes"] <= 5


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_card_says_what_the_metrics_say(recipe):
    figures = {"dataset": read("dataset"), "training": read(f"{recipe}/training"), "export": read(f"{recipe}/export")}
    settings = PARAMS.train[recipe]
    expected = model_card.render(recipe, settings, PARAMS.preprocess[settings.images], **figures)
    assert (ROOT / f"pretrained/{recipe}.md").read_text() == expected


def test_the_table_of_published_files_says_what_the_metrics_say():
    exports = {recipe: read(f"{recipe}/export") for recipe in PARAMS.train if recipe in RECIPES}
    assert (ROOT / "docs/published.md").read_text() == model_card.render_table(exports, read("dataset"))


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_model_knows_synthetic_signs(path):
    """The very file on signs that the project draws, not what it was trained on: far more right than chance's 1 in 43."""
    test = to_frame(draw_signs(tracks_per_class=2, frames_per_track=1, test_images_per_class=2)[1])
    rows = test[["image", *ROI]].itertuples(index=False, name=None)
    right = parity.predict_rows(list(rows), path, boxes=True).argmax(axis=1) == test["class_id"]
    assert right.mean() > 0.5


@pytest.mark.parametrize("path", [path for path in MODELS if path.stem == predictor.BEST], ids=lambda path: path.stem)
def test_a_model_prepares_500_pictures_of_all_sizes_as_the_pipeline_does(path):
    """Within one level, and with the same top class as on the pipeline's input wherever the margin is above 0.02."""
    rng, model = np.random.default_rng(0), predictor.load(path)
    variant = PARAMS.preprocess[PARAMS.train[path.stem].images]
    _, test = draw_signs(tracks_per_class=2, frames_per_track=1, test_images_per_class=12)
    network = Extractor(onnx.load(path)).extract_model(["network_input"], ["probabilities"])
    session = onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])
    differences, changes = [], 0
    for row in list(test)[:500]:
        size = np.exp(rng.uniform(np.log(8), np.log(700), 2)).astype(int)
        picture = np.asarray(Image.fromarray(decode_ppm(row[-1])).resize(size, Image.Resampling.BICUBIC))
        probabilities, network_input = model.predict(picture)
        expected = parity.prepare(picture, None, variant)
        differences.append(np.abs(network_input - expected.astype(float)).max())
        (of_expected,) = session.run(None, {"network_input": expected[None]})[0]
        second, first = np.sort(of_expected)[-2:]
        changes += first - second > 0.02 and probabilities.argmax() != of_expected.argmax()
    assert len(differences) == 500 and max(differences) <= 1
    assert changes == 0


@pytest.mark.parametrize("path", sorted((ROOT / "app/static").glob("*.png")), ids=lambda path: SIGN_NAMES[int(path.stem)])
def test_the_best_recognises_every_example_of_the_page(path):
    model = predictor.load(ROOT / f"pretrained/{predictor.BEST}.onnx")
    prediction = model.predict(picture_files.read(path.read_bytes()))
    assert model.names[prediction.probabilities.argmax()] == SIGN_NAMES[int(path.stem)]
