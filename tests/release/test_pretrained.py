"""The published models: the very files that the committed metrics are of, with cards that say what these say."""

import hashlib
import re

import numpy as np
import onnx
import pytest
from conftest import ROOT
from onnx import numpy_helper
from raw_tables import draw_signs
from release.committed import read

from app import picture_view
from gtsrb.config.params import load
from gtsrb.data import picture_files
from gtsrb.data.sign_names import SIGN_NAMES
from gtsrb.data.tables import ROI, decode_ppm, to_frame
from gtsrb.preprocessing.crop import Box
from gtsrb.preprocessing.preprocess import preprocess
from gtsrb.serving import export, model_card, predictor

PARAMS = load(ROOT / "params.yaml")
MODELS = sorted((ROOT / "pretrained").glob("*.onnx"))


def test_all_together_are_small():
    assert sum(path.stat().st_size for path in MODELS) <= 12e6
    assert {path.stem for path in MODELS} <= set(PARAMS.train)


@pytest.mark.parametrize("recipe", PARAMS.train)
def test_each_recipe_has_its_model(recipe):
    if ROOT / f"pretrained/{recipe}.onnx" not in MODELS:
        pytest.skip(f"{recipe} is not published: python -m scripts.publish {recipe}")
    assert (ROOT / f"pretrained/{recipe}.md").is_file()


@pytest.mark.parametrize("recipe", [path.stem for path in MODELS])
def test_a_file_is_the_one_that_was_measured(recipe):
    path, figures = ROOT / f"pretrained/{recipe}.onnx", read(f"{recipe}/export")
    assert hashlib.md5(path.read_bytes()).hexdigest() == figures["onnx_md5"]
    assert path.stat().st_size == figures["onnx_bytes"] <= 6e6
    weights = (numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer)
    assert {str(array.dtype) for array in weights if array.size >= export.LARGE} == {figures["weights_precision"]}
    assert (figures["weights_precision"] == "float16") == (figures["changed_by_float16"] == 0)
    if "max_abs_difference" not in figures:
        pytest.skip(f"metrics/{recipe}/export.json is of a run before this was called max_abs_difference")
    assert figures["max_abs_difference"] < 5e-3


@pytest.mark.parametrize("recipe", [path.stem for path in MODELS])
def test_a_card_says_what_the_metrics_say(recipe):
    figures = {"dataset": read("dataset"), "training": read(f"{recipe}/training"), "export": read(f"{recipe}/export")}
    if "as_files" not in figures["export"]:
        pytest.skip(f"metrics/{recipe}/export.json is of a run before accuracy as files was measured")
    published = (ROOT / f"pretrained/{recipe}.md").read_text()
    latency, device = re.search(r"\| latency \| ([0-9.]+) ms .* \((.*)\) \|", published).groups()
    settings = PARAMS.train[recipe]
    expected = model_card.render(
        recipe, settings, PARAMS.preprocess[settings.images], **figures, latency_ms=float(latency), device=device
    )
    assert published == expected


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_model_knows_synthetic_signs(path):
    """The very file on signs that the project draws, not what it was trained on: far more right than chance's 1 in 43."""
    test = to_frame(draw_signs(tracks_per_class=2, frames_per_track=1, test_images_per_class=2)[1])
    model = predictor.load(str(path))
    prepared = [
        preprocess(decode_ppm(row["image"]), Box(*(row[key] for key in ROI)), model.variant) for _, row in test.iterrows()
    ]
    right = model.predict(np.stack(prepared)).argmax(axis=1) == test["class_id"]
    assert right.mean() > 0.5


@pytest.mark.parametrize("path", sorted((ROOT / "app/static").glob("*.png")), ids=lambda path: SIGN_NAMES[int(path.stem)])
def test_the_best_recognises_every_example_of_the_page(path):
    model = predictor.load(str(ROOT / f"pretrained/{predictor.BEST}.onnx"))
    prediction = picture_view.predict(picture_files.read(path.read_bytes()), None, model)
    assert model.names[prediction.probabilities.argmax()] == SIGN_NAMES[int(path.stem)]
