"""What a complete run of the pipeline writes, on synthetic signs: each file against the others."""

import itertools
import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_project import N_TEST, N_TRAIN, PARAMS, RECIPE, RECIPES_RUN, Project, list_run_stages

from gtsrb.config import params
from gtsrb.data import arrays, tables
from gtsrb.evaluation import binned_accuracy, corruptions
from gtsrb.evaluation.calibration import apply_temperature
from gtsrb.evaluation.photographs import MEASURING
from gtsrb.networks import ensemble, inference
from gtsrb.networks.build import build_network, shape_of
from gtsrb.preprocessing.crop import Box
from gtsrb.preprocessing.preprocess import preprocess
from gtsrb.serving import predictor, runtime
from gtsrb.training.batches import count_synthetic
from stages.robustness import sample_images


def test_the_complete_pipeline(finished):
    small = finished.params()
    recipe_stages = {f"{stage}@{recipe}" for stage in ("train", "evaluate", "robustness", "export") for recipe in RECIPES_RUN}
    assert list_run_stages(finished.output) == {
        "ingest",
        "compare",
        *(f"preprocess@{name}" for name in small["preprocess"]),
        *(f"{stage}@{name}" for stage in ("render", "preprocess_synthetic") for name in small["render"]),
        *recipe_stages,
        *(f"{stage}@{RECIPE}" for stage in ("crossvalidate", "out_of_fold")),
    }
    dataset = finished.read_metrics("dataset.json")
    assert (dataset["source"], dataset["classes"], dataset["train_images"]) == ("synthetic", 43, N_TRAIN)
    assert set(finished.read_metrics("comparison.json")) == {f"{a}_vs_{b}" for a, b in itertools.combinations(RECIPES_RUN, 2)}


@pytest.mark.parametrize("recipe", RECIPES_RUN)
def test_a_recipes_training_loss_falls(recipe, finished):
    """The first recipe's below that of guessing, ln 43 nats for 43 equally frequent classes."""
    loss = pd.read_csv(finished.folder / f"metrics/{recipe}/history.csv")["loss"]
    assert loss.iloc[-1] < loss.iloc[0] - 0.1
    if recipe == RECIPE:
        assert loss.iloc[-1] < 0.8 * np.log(43) < loss.iloc[0]


@pytest.mark.parametrize("recipe", RECIPES_RUN)
def test_metrics_match_the_probabilities(recipe, finished):
    probabilities = np.load(finished.folder / f"data/predictions/{recipe}.npy").astype(float)
    labels = tables.read(finished.folder / "data/raw/test.parquet", ["class_id"])["class_id"].to_numpy()
    is_correct = probabilities.argmax(axis=1) == labels
    metrics = finished.read_metrics(f"{recipe}.json")
    assert metrics["accuracy"] == pytest.approx(is_correct.mean(), abs=1e-6)
    assert metrics["macro_accuracy"] == pytest.approx(np.mean([is_correct[labels == c].mean() for c in range(43)]), abs=1e-6)
    top = np.argsort(probabilities, axis=1)[:, -5:]
    assert metrics["top5_accuracy"] == pytest.approx((top == labels[:, None]).any(axis=1).mean(), abs=1e-6)
    assert metrics["loss"] == pytest.approx(-np.log(probabilities[np.arange(N_TEST), labels]).mean(), rel=1e-4)


def test_out_of_fold_metrics_match_the_probabilities(finished, tmp_path):
    """Of all training images; the signs listed are those with errors, numbered as in the raw table."""
    folder = finished.folder / f"data/crossvalidation/{RECIPE}"
    probabilities, folds = np.load(folder / "probabilities.npy"), np.load(folder / "folds.npy")
    rows = tables.read(finished.folder / "data/raw/train.parquet", ["class_id", "track"])
    assert len(probabilities) == len(folds) == len(rows) == N_TRAIN
    of_fold = [set(rows[folds == fold].itertuples(index=False, name=None)) for fold in (0, 1)]
    assert of_fold[0] and of_fold[1] and not of_fold[0] & of_fold[1]
    is_wrong = probabilities.argmax(axis=1) != rows["class_id"]
    metrics, of_folds = (finished.read_metrics(f"{RECIPE}/{name}.json") for name in ("out_of_fold", "crossvalidation"))
    assert (metrics["images"], metrics["errors"]) == (N_TRAIN, is_wrong.sum())
    for fold in (0, 1):
        assert of_folds["folds"][f"fold{fold}"]["val_accuracy"] == pytest.approx(1 - is_wrong[folds == fold].mean(), abs=1e-6)
    signs = pd.read_csv(finished.folder / f"metrics/{RECIPE}/hard_signs.csv")
    errors = is_wrong.groupby([rows["class_id"], rows["track"]]).sum()
    assert signs.set_index(["class_id", "track"])["errors"].to_dict() == errors[errors > 0].to_dict()
    finished.dvc("plots", "show", f"metrics/{RECIPE}/hard_signs.csv", "--out", str(tmp_path))


def test_exported_networks_have_the_threshold_of_the_out_of_fold_predictions(finished):
    metrics = finished.read_metrics(f"{RECIPE}/out_of_fold.json")
    probabilities = np.load(finished.folder / f"data/crossvalidation/{RECIPE}/probabilities.npy")
    confidences = apply_temperature(probabilities, metrics["temperature"]).max(axis=1)
    assert metrics["unsure_fraction"] == pytest.approx((confidences < metrics["unsure_below"]).mean(), abs=1e-6)
    for recipe in RECIPES_RUN:
        of_file = finished.read_metrics(f"{recipe}/export.json")
        assert of_file["temperature"] == (metrics["temperature"] if recipe == RECIPE else 1)
        exported = predictor.load(finished.folder / f"data/export/{recipe}/picture.onnx")
        for key in ("unsure_below", "unknown_below"):
            assert of_file[key] == getattr(exported, key) == metrics[key]
        metadata = exported.session.get_modelmeta().custom_metadata_map
        assert metadata["license"] == "MIT" and metadata["input"].startswith("picture: RGB, uint8 (height, width, 3); box: ")
    of_keras = np.load(finished.folder / f"data/predictions/{RECIPE}.npy")
    images = np.load(finished.folder / f"data/processed/{PARAMS['train'][RECIPE]['images']}/test/images.npy")
    network = runtime.open_network(finished.folder / f"data/export/{RECIPE}/prepared.onnx")
    np.testing.assert_allclose(network(images), apply_temperature(of_keras, metrics["temperature"]), atol=0.02)


def test_validation_predictions_are_those_of_the_metrics(finished):
    for recipe in RECIPES_RUN:
        folder = finished.folder / f"data/validation/{recipe}"
        rows, probabilities = np.load(folder / "rows.npy"), np.load(folder / "probabilities.npy")
        accuracy = finished.read_metrics(f"{recipe}/training.json")["val_accuracy"]
        assert len(rows) == len(probabilities) and (accuracy is None) == (len(rows) == 0)
        if len(rows):
            labels = np.load(finished.folder / f"data/processed/{PARAMS['train'][recipe]['images']}/train/labels.npy")
            assert (probabilities.argmax(axis=1) == labels[rows]).mean() == pytest.approx(accuracy, abs=1e-6)


def test_robustness_has_every_severity(finished):
    severities = params.load(finished.folder / "params.yaml").robustness.severities
    for recipe in RECIPES_RUN:
        nested = finished.read_metrics(f"{recipe}/robustness.json")
        rows = pd.read_csv(finished.folder / f"metrics/{recipe}/robustness.csv")
        severities_per_corruption = rows.groupby("corruption", sort=False)["severity"].agg(list).to_dict()
        assert severities_per_corruption == {"none": [0], **dict(severities)}
        for row in rows.itertuples():
            assert (row.images, row.accuracy) == (43, pytest.approx(1 - row.errors / 43))
            assert nested[row.corruption][f"{row.severity:g}"] == pytest.approx(row.accuracy, abs=1e-6)


def test_robustness_counts_the_errors_on_corrupted_images(finished, monkeypatch):
    """Checked on `noise`, which is random, at its highest severity: corrupted, preprocessed and predicted here, one by one."""
    all_params = params.load(finished.folder / "params.yaml")
    recipe, settings = all_params.train[RECIPE], all_params.robustness
    variant, severity = all_params.preprocess[recipe.images], settings.severities.noise[-1]
    rows = sample_images(tables.read(finished.folder / "data/raw/test.parquet"), settings)
    images = []
    for i, row in enumerate(rows.itertuples()):
        noisy = corruptions.noise(tables.decode_ppm(row.image), severity, np.random.default_rng([settings.seed, i]))
        images.append(preprocess(noisy, Box(row.roi_x1, row.roi_y1, row.roi_x2, row.roi_y2), variant))
    monkeypatch.chdir(finished.folder)
    model = build_network(recipe.network, size=variant.size, channels=variant.channels, dtype=variant.dtype, classes=43)
    model.load_weights(ensemble.weights_file(RECIPE, 0, all_params.evaluate[RECIPE].weights))
    errors = int((inference.predict(model, np.stack(images)).argmax(axis=1) != rows["class_id"]).sum())
    table = pd.read_csv(f"metrics/{RECIPE}/robustness.csv").set_index(["corruption", "severity"])
    assert table.loc[("noise", severity), "errors"] == errors
    assert table.loc[("none", 0), "errors"] != errors


def test_predict_makes_as_many_errors_as_export_json_says(finished, tmp_path):
    test = tables.read(finished.folder / "data/raw/test.parquet")
    for i, image in enumerate(test["image"]):
        (tmp_path / f"{i:03d}.ppm").write_bytes(image)
    network = finished.folder / f"data/export/{RECIPE}/picture.onnx"
    output = finished.run(sys.executable, "-m", "scripts.predict", "--model", str(network), "--json", str(tmp_path))
    predicted = [json.loads(line)["class_id"] for line in output.splitlines() if line.startswith("{")]
    exported = finished.read_metrics(f"{RECIPE}/export.json")
    assert (np.array(predicted) != test["class_id"]).sum() == exported["as_files"]["errors"]
    in_keras = finished.read_metrics(f"{RECIPE}.json")["errors"]
    assert exported["with_boxes"]["errors"] == pytest.approx(in_keras, abs=1)  # ONNX Runtime rounds differently
    parameters = finished.read_metrics(f"{RECIPE}/training.json")["parameters"]
    sizes = {file.name: file.stat().st_size for file in network.parent.iterdir()}
    assert sizes["prepared_float32.tflite"] > 4 * parameters > 2.5 * sizes["prepared_int8.tflite"]
    assert {file: measured["bytes"] for file, measured in exported["files"].items()} == sizes


def test_pictures_without_a_sign_have_their_shares(finished):
    for recipe in RECIPES_RUN:
        exported = finished.read_metrics(f"{recipe}/export.json")
        photographs = pd.read_csv(finished.folder / f"metrics/{recipe}/without_sign.csv")
        assert photographs["photograph"].tolist() == list(MEASURING)
        of_file = exported["files"]["picture.onnx"]["without_sign"]
        for share in ("confident", "answered"):
            assert of_file[share] == pytest.approx(photographs[share].mean(), abs=1e-6)
        assert 0.4 < of_file["auroc"] <= 1 and of_file["auroc"] == pytest.approx(photographs["auroc"].mean(), abs=1e-6)
        assert exported["files"]["picture.onnx"]["errors_as_file"] == exported["as_files"]["errors"]
        bins = pd.read_csv(finished.folder / f"metrics/{recipe}/export_calibration.csv")
        assert (bins["images"].sum(), bins["errors"].sum()) == (N_TEST, exported["with_boxes"]["errors"])


def test_metrics_files_are_consistent(finished):
    for recipe in RECIPES_RUN:
        metrics, training = finished.read_metrics(f"{recipe}.json"), finished.read_metrics(f"{recipe}/training.json")
        history = pd.read_csv(finished.folder / "metrics" / recipe / "history.csv")
        classes = pd.read_csv(finished.folder / "metrics" / recipe / "classes.csv")
        confusion = pd.read_csv(finished.folder / "metrics" / recipe / "confusion.csv")
        assert metrics["errors"] == classes["errors"].sum()
        predictions = pd.read_csv(finished.folder / f"metrics/{recipe}/predictions.csv")
        test = tables.read(finished.folder / "data/raw/test.parquet", ["filename", "class_id"])
        assert predictions[["filename", "class_id"]].equals(test.astype({"class_id": int}))
        assert (predictions["prediction"] == np.load(finished.folder / f"data/predictions/{recipe}.npy").argmax(axis=1)).all()
        assert metrics["errors"] == (predictions["prediction"] != predictions["class_id"]).sum()
        assert metrics["errors"] == confusion.loc[confusion["truth"] != confusion["prediction"], "images"].sum()
        assert confusion["images"].sum() == classes["images"].sum() == N_TEST
        for name in ("sizes", "brightness", "calibration"):
            bins = pd.read_csv(finished.folder / "metrics" / recipe / f"{name}.csv")
            assert (bins["images"].sum(), bins["errors"].sum()) == (N_TEST, metrics["errors"])
        error = metrics["calibration_error"]
        assert error["error"] == pytest.approx(binned_accuracy.calibration_error(bins), abs=1e-6)
        assert 0 < error["low"] < error["high"] < 1
        assert metrics["accuracy_low"] < metrics["accuracy"] < metrics["accuracy_high"]
        if "members" in training:
            assert set(training["members"]) == set(metrics["one_network_one_view"])
            assert len(training["members"]) == min(PARAMS["train"][recipe]["members"], 2)
        if "validation" not in PARAMS["train"][recipe]:
            assert training["val_accuracy"] is None
        else:
            assert training["val_accuracy"] == pytest.approx(history["val_accuracy"].iloc[-1], abs=1e-6)
            assert training["best_epoch"] == history["val_loss"].idxmin()


@pytest.mark.parametrize("recipe", RECIPES_RUN)
def test_training_prints_device_precision_and_splits(recipe, finished):
    training = finished.read_metrics(f"{recipe}/training.json")
    assert training["train_images"] + training["validation_images"] == N_TRAIN
    lines = finished.output.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"train@{recipe}: "))
    kind = "GPU" if " (GPU)" in lines[start] else "CPU"
    assert lines[start] == f"train@{recipe}: {training['device']} ({kind}), {PARAMS['train'][recipe]['precision']}"
    images = f"{training['train_images']} training and {training['validation_images']} validation images"
    if share := PARAMS["train"][recipe]["synthetic"]["share"]:
        drawn = count_synthetic(training["train_images"], training["synthetic_images"], share)
        images = f"{drawn} of {training['synthetic_images']} synthetic, {images}"
    assert lines[start + 1].endswith(f"; {images}")


def test_the_log_is_readable(finished):
    """Each stage ends with its name, result and time; each progress bar is logged once; TensorFlow logs nothing."""
    for stage in list_run_stages(finished.output):
        (last_line,) = re.findall(rf"^{stage}: .+, (?:[0-9]+ min )?[0-9]+ s$", finished.output, re.MULTILINE)
        assert "nan" not in last_line
    bars = [line for line in finished.output.splitlines() if "%|" in line]
    # Two of ingest, of each variant, of each synthetic set; one of the robustness of each recipe.
    small = finished.params()
    assert len(bars) == 2 + 2 * len(small["preprocess"]) + 2 * len(small["render"]) + len(RECIPES_RUN)
    assert all(": 100%|" in line for line in bars)
    assert "\r" not in finished.output
    noise = re.compile(
        r"absl|oneDNN|cuda|XNNPACK|^[IWE][0-9]{4} |^[0-9-]{10} .*[IWE] tensorflow|WARNING|Warning", re.IGNORECASE
    )
    assert not [line for line in finished.output.splitlines() if noise.search(line)]


@pytest.mark.slow
def test_every_recipe_trains_and_is_tested(tmp_path):
    """With the diets of all: photographs, drawn signs, drawn places, and validation on none, some or all photographs."""
    recipes = list(PARAMS["train"])
    project = Project.new(tmp_path / "all recipes", recipes)
    project.dvc("repro", *(f"evaluate@{recipe}" for recipe in recipes))
    for recipe in recipes:
        training, share = project.read_metrics(f"{recipe}/training.json"), PARAMS["train"][recipe]["synthetic"]["share"]
        assert (training["train_images"] > 0) == (share < 1) and ("synthetic_images" in training) == (share > 0)
        assert project.read_metrics(f"{recipe}.json")["errors"] < N_TEST


def test_an_ensemble_without_validation_averages_members_and_views(project, monkeypatch):
    """Compared with predictions of each member on the images and on images shifted 4 pixels to the right."""
    content = project.params()
    content["train"][RECIPE] |= {"members": 2, "epochs": 1, "seed": 5}
    del content["train"][RECIPE]["validation"]
    identity = {"rotation": 0.0, "shift_x": 0.0, "shift_y": 0.0, "zoom": 1.0}
    content["evaluate"][RECIPE] |= {"weights": "last", "test_time_augmentation": [identity, identity | {"shift_x": 4 / 32}]}
    project.write_params(content)
    assert list_run_stages(project.dvc("repro", f"evaluate@{RECIPE}")) == {f"train@{RECIPE}", f"evaluate@{RECIPE}"}
    training, metrics = project.read_metrics(f"{RECIPE}/training.json"), project.read_metrics(f"{RECIPE}.json")
    assert training["val_accuracy"] is None
    assert (training["train_images"], training["validation_images"]) == (N_TRAIN, 0)
    history = pd.read_csv(project.folder / f"metrics/{RECIPE}/history.csv")
    assert history["val_accuracy"].isna().all()
    project.dvc("plots", "show", f"metrics/{RECIPE}/history.csv")

    monkeypatch.chdir(project.folder)
    recipe = params.load().train[RECIPE]
    images = arrays.load(Path(f"data/processed/{recipe.images}/test")).images
    shifted = np.pad(images, [(0, 0), (0, 0), (4, 0), (0, 0)], mode="edge")[:, :, :-4]
    weights_files = sorted(path for path in Path(f"models/{RECIPE}").rglob("*") if path.is_file())
    assert [path.name for path in weights_files] == ["last.weights.h5", "last.weights.h5"]
    model = build_network(recipe.network, **shape_of(images, 43))
    predictions = []
    for weights in weights_files:
        model.load_weights(weights)
        predictions += [inference.predict(model, images), inference.predict(model, shifted)]
    averaged = np.load(f"data/predictions/{RECIPE}.npy")
    np.testing.assert_allclose(averaged, np.mean(predictions, axis=0), atol=1e-5)
    assert all(np.abs(averaged - prediction).max() > 1e-4 for prediction in predictions)
    labels = tables.read(Path("data/raw/test.parquet"), ["class_id"])["class_id"].to_numpy()
    errors = [int((prediction.argmax(axis=1) != labels).sum()) for prediction in predictions[::2]]
    assert [member["errors"] for member in metrics["one_network_one_view"].values()] == errors
