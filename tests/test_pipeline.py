"""dvc.yaml: compared with the code and params.yaml, and run completely on synthetic signs in a copy of the project."""

import ast
import importlib
import itertools
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT, Project, recipes_to_run
from dvc.dependency.param import ParamsDependency
from dvc.repo import Repo

from gtsrb.config import params
from gtsrb.data import arrays, tables
from gtsrb.errors import InputError
from gtsrb.evaluation import binned_accuracy, corruptions
from gtsrb.evaluation.calibration import apply_temperature
from gtsrb.evaluation.photographs import MEASURING
from gtsrb.networks import ensemble, inference
from gtsrb.networks.build import build_network, shape_of
from gtsrb.preprocessing.crop import Box
from gtsrb.preprocessing.preprocess import preprocess
from gtsrb.serving import predictor, runtime
from gtsrb.studies.code_dependencies import code_dependencies
from gtsrb.training.batches import count_synthetic
from stages.robustness import sample_images

PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text())
STAGES = {name: stage.get("do", stage) for name, stage in PIPELINE["stages"].items()}
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
RECIPES = PARAMS["train"]
CROSS_VALIDATED = PARAMS["crossvalidate"]
RECIPES_RUN = recipes_to_run(PARAMS)  # those of the fixtures' project
RECIPE = RECIPES_RUN[0]  # has validation images
N_TRAIN, N_TEST = 43 * 8 * 2, 43 * 3  # synthetic images of the fixtures' project


@pytest.mark.parametrize("name", STAGES)
def test_code_dependencies_are_the_imports(name, monkeypatch):
    """Each is a module that the stage imports or a subpackage of which it imports at least half; together they cover all."""
    monkeypatch.chdir(ROOT)
    imported = code_dependencies(Path(f"stages/{name}.py"))
    dependencies = [Path(path) for path in STAGES[name]["deps"] if path.startswith(("stages/", "gtsrb/"))]
    covered = {path: {path} if path.is_file() else list_modules(path) for path in dependencies}
    assert imported <= set().union(*covered.values())
    for path, files in covered.items():
        assert 2 * len(files & imported) >= len(files), path
    assert sum(len(files & imported) for files in covered.values()) == len(imported), "a module is covered twice"


def list_modules(package: Path) -> set[Path]:
    return set(package.rglob("*.py")) - set(package.rglob("__init__.py"))


def test_init_files_have_only_a_docstring():
    """A stage that depends on single files of a subpackage does not depend on its __init__.py."""
    for path in ROOT.glob("gtsrb/*/__init__.py"):
        (docstring,) = ast.parse(path.read_text()).body
        assert isinstance(docstring, ast.Expr), path


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_runs_its_file_and_has_a_description(name):
    assert STAGES[name]["cmd"].split()[:3] == ["python", "-m", f"stages.{name}"]
    assert STAGES[name]["desc"]


def test_code_dependencies_are_found_in_every_form_of_import(tmp_path, monkeypatch):
    """Direct and indirect ones, and no others."""
    monkeypatch.chdir(tmp_path)
    for path, text in {
        "stages/a.py": "import numpy\nfrom gtsrb import b\nimport gtsrb.c\n",
        "gtsrb/b.py": "def f():\n    from gtsrb.d import x\n",
        "gtsrb/c.py": "",
        "gtsrb/d.py": "",
        "gtsrb/e.py": "",
    }.items():
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text(text)
    dependencies = {path.as_posix() for path in code_dependencies(Path("stages/a.py"))}
    assert dependencies == {"stages/a.py", "gtsrb/b.py", "gtsrb/c.py", "gtsrb/d.py"}


def test_every_recipe_has_its_lines_in_dvc_yaml():
    """In the sections without `foreach`; a recipe that is missing there would not be plotted or compared."""
    plots = {name: plot["y"] for entry in PIPELINE["plots"] for name, plot in entry.items() if name != "test_images"}
    assert set(plots) == {"accuracy", "loss", "learning_rate", "robustness"}
    for recipe in RECIPES:
        assert PIPELINE["artifacts"][recipe]["path"] == f"models/{recipe}"
        assert {"desc", "type", "labels"} <= PIPELINE["artifacts"][recipe].keys()
        assert f"metrics/{recipe}/predictions.csv" in STAGES["compare"]["deps"]
        for name, files in plots.items():
            assert f"metrics/{recipe}/{'robustness' if name == 'robustness' else 'history'}.csv" in files
    exported = PIPELINE["stages"]["export"]["foreach"]
    assert exported == {
        recipe: {"images": f"${{train.{recipe}.images}}", "thresholds_from": f"${{export.thresholds_from.{recipe}}}"}
        for recipe in RECIPES
    }
    foreach = PIPELINE["stages"]["crossvalidate"]["foreach"]
    assert foreach == {recipe: f"${{train.{recipe}}}" for recipe in CROSS_VALIDATED}


def test_a_recipes_stages_read_nothing_of_another_recipe():
    """So that an edit of one recipe trains, evaluates and exports only that recipe; the threshold of exports aside."""
    stages = {stage.addressing: stage for stage in Repo(ROOT).index.stages}
    recipe_stages = {"train", "evaluate", "robustness", "export"}
    cross_validation = {"crossvalidate", "out_of_fold"}
    assert {name.split("@")[0] for name in stages if name.split("@")[-1] in RECIPES} == recipe_stages | cross_validation
    for recipe in RECIPES:
        for name in recipe_stages | (cross_validation if recipe in CROSS_VALIDATED else set()):
            inputs = set()
            for dep in stages[f"{name}@{recipe}"].deps:
                inputs |= set(dep.params) if isinstance(dep, ParamsDependency) else {dep.def_path}
            if name == "export":
                inputs.remove(f"metrics/{PARAMS['export']['thresholds_from'][recipe]}/out_of_fold.json")
            owners = {part for path in inputs for part in re.split(r"[/.]", path)} & set(RECIPES)
            assert owners == {recipe}, name
            parts = {part for path in inputs for part in re.split(r"[/.]", path)}
            assert ("test" in parts) == (name in {"evaluate", "robustness", "export"}), name
            assert not inputs & {"models", "train", "evaluate", "preprocess", "data/predictions", "metrics"}


def test_every_plot_has_a_title_and_labels():
    plots = [*PIPELINE["plots"], *(plot for stage in STAGES.values() for plot in stage.get("plots", []))]
    for plot in plots:
        (settings,) = plot.values()
        assert {"title", "x_label", "y_label"} <= settings.keys(), plot


def test_every_stage_has_the_run_cache():
    """DVC has none for a stage with an uncached output that is neither a metric nor a plot."""
    assert not [name for name, stage in STAGES.items() for out in stage.get("outs", []) if isinstance(out, dict)]


@pytest.mark.parametrize("stage", [name for name, stage in PIPELINE["stages"].items() if "foreach" in stage])
def test_an_unknown_name_is_one_line(stage, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", [stage, "nobody"])
    kind = {"preprocess": "variant", "render": "set", "preprocess_synthetic": "set"}.get(stage, "recipe")
    sections = {"preprocess_synthetic": "render", "out_of_fold": "crossvalidate"}
    sections |= {name: name for name in ("preprocess", "render", "crossvalidate")}
    known = PARAMS[sections.get(stage, "train")]
    with pytest.raises(InputError) as error:
        importlib.import_module(f"stages.{stage}").main()
    assert str(error.value) == f"the command line has 'nobody'; expected one {kind} of params.yaml: {', '.join(known)}"


# The tests below run the pipeline. `finished` is read-only, `project` is a copy of it to modify.


def list_run_stages(output: str) -> set[str]:
    return {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")}


def list_restored_stages(output: str) -> set[str]:
    return {line.split("'")[1] for line in output.splitlines() if "is cached - skipping run" in line}


def read_metrics(project, name: str) -> dict:
    return json.loads((project.folder / "metrics" / name).read_text())


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
    dataset = read_metrics(finished, "dataset.json")
    assert (dataset["source"], dataset["classes"], dataset["train_images"]) == ("synthetic", 43, N_TRAIN)
    assert set(read_metrics(finished, "comparison.json")) == {f"{a}_vs_{b}" for a, b in itertools.combinations(RECIPES_RUN, 2)}


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
    metrics = read_metrics(finished, f"{recipe}.json")
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
    metrics, of_folds = (read_metrics(finished, f"{RECIPE}/{name}.json") for name in ("out_of_fold", "crossvalidation"))
    assert (metrics["images"], metrics["errors"]) == (N_TRAIN, is_wrong.sum())
    for fold in (0, 1):
        assert of_folds["folds"][f"fold{fold}"]["val_accuracy"] == pytest.approx(1 - is_wrong[folds == fold].mean(), abs=1e-6)
    signs = pd.read_csv(finished.folder / f"metrics/{RECIPE}/hard_signs.csv")
    errors = is_wrong.groupby([rows["class_id"], rows["track"]]).sum()
    assert signs.set_index(["class_id", "track"])["errors"].to_dict() == errors[errors > 0].to_dict()
    finished.dvc("plots", "show", f"metrics/{RECIPE}/hard_signs.csv", "--out", str(tmp_path))


def test_exported_networks_have_the_threshold_of_the_out_of_fold_predictions(finished):
    metrics = read_metrics(finished, f"{RECIPE}/out_of_fold.json")
    probabilities = np.load(finished.folder / f"data/crossvalidation/{RECIPE}/probabilities.npy")
    confidences = apply_temperature(probabilities, metrics["temperature"]).max(axis=1)
    assert metrics["unsure_fraction"] == pytest.approx((confidences < metrics["unsure_below"]).mean(), abs=1e-6)
    for recipe in RECIPES_RUN:
        of_file = read_metrics(finished, f"{recipe}/export.json")
        assert of_file["temperature"] == (metrics["temperature"] if recipe == RECIPE else 1)
        exported = predictor.load(finished.folder / f"data/export/{recipe}/picture.onnx")
        for key in ("unsure_below", "unknown_below"):
            assert of_file[key] == getattr(exported, key) == metrics[key]
    of_keras = np.load(finished.folder / f"data/predictions/{RECIPE}.npy")
    images = np.load(finished.folder / f"data/processed/{RECIPES[RECIPE]['images']}/test/images.npy")
    network = runtime.open_network(finished.folder / f"data/export/{RECIPE}/prepared.onnx")
    np.testing.assert_allclose(network(images), apply_temperature(of_keras, metrics["temperature"]), atol=0.02)


def test_validation_predictions_are_those_of_the_metrics(finished):
    for recipe in RECIPES_RUN:
        folder = finished.folder / f"data/validation/{recipe}"
        rows, probabilities = np.load(folder / "rows.npy"), np.load(folder / "probabilities.npy")
        accuracy = read_metrics(finished, f"{recipe}/training.json")["val_accuracy"]
        assert len(rows) == len(probabilities) and (accuracy is None) == (len(rows) == 0)
        if len(rows):
            labels = np.load(finished.folder / f"data/processed/{RECIPES[recipe]['images']}/train/labels.npy")
            assert (probabilities.argmax(axis=1) == labels[rows]).mean() == pytest.approx(accuracy, abs=1e-6)


def test_robustness_has_every_severity(finished):
    severities = params.load(finished.folder / "params.yaml").robustness.severities
    for recipe in RECIPES_RUN:
        nested = read_metrics(finished, f"{recipe}/robustness.json")
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
    exported = read_metrics(finished, f"{RECIPE}/export.json")
    assert (np.array(predicted) != test["class_id"]).sum() == exported["as_files"]["errors"]
    in_keras = read_metrics(finished, f"{RECIPE}.json")["errors"]
    assert exported["with_boxes"]["errors"] == pytest.approx(in_keras, abs=1)  # ONNX Runtime rounds differently
    parameters = read_metrics(finished, f"{RECIPE}/training.json")["parameters"]
    sizes = {file.name: file.stat().st_size for file in network.parent.iterdir()}
    assert sizes["prepared_float32.tflite"] > 4 * parameters > 2.5 * sizes["prepared_int8.tflite"]
    assert {file: measured["bytes"] for file, measured in exported["files"].items()} == sizes


def test_pictures_without_a_sign_have_their_shares(finished):
    for recipe in RECIPES_RUN:
        exported = read_metrics(finished, f"{recipe}/export.json")
        photographs = pd.read_csv(finished.folder / f"metrics/{recipe}/without_sign.csv")
        assert photographs["photograph"].tolist() == list(MEASURING)
        for share in ("confident", "answered"):
            assert exported["without_sign"][share] == pytest.approx(photographs[share].mean(), abs=1e-6)
        assert 0.4 < exported["without_sign"]["auroc"] <= 1


def test_metrics_files_are_consistent(finished):
    for recipe in RECIPES_RUN:
        metrics, training = read_metrics(finished, f"{recipe}.json"), read_metrics(finished, f"{recipe}/training.json")
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
        assert error["error"] == pytest.approx(binned_accuracy.calibration_error(bins))
        assert 0 < error["low"] < error["high"] < 1
        assert metrics["accuracy_low"] < metrics["accuracy"] < metrics["accuracy_high"]
        if "members" in training:
            assert set(training["members"]) == set(metrics["one_network_one_view"])
            assert len(training["members"]) == min(RECIPES[recipe]["members"], 2)
        if "validation" not in RECIPES[recipe]:
            assert training["val_accuracy"] is None
        else:
            assert training["val_accuracy"] == pytest.approx(history["val_accuracy"].iloc[-1], abs=1e-6)
            assert training["best_epoch"] == history["val_loss"].idxmin()


@pytest.mark.parametrize("recipe", RECIPES_RUN)
def test_training_prints_device_precision_and_splits(recipe, finished):
    training = read_metrics(finished, f"{recipe}/training.json")
    assert training["train_images"] + training["validation_images"] == N_TRAIN
    lines = finished.output.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"train@{recipe}: "))
    kind = "GPU" if " (GPU)" in lines[start] else "CPU"
    assert lines[start] == f"train@{recipe}: {training['device']} ({kind}), {RECIPES[recipe]['precision']}"
    images = f"{training['train_images']} training and {training['validation_images']} validation images"
    if share := RECIPES[recipe]["synthetic"]["share"]:
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


def test_repro_without_a_change_runs_nothing_and_is_fast(project):
    """In CPU time, since wall time depends on what else the machine does; it takes about 2 s."""
    project.dvc("repro")  # hashes the files of the new copy
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    output = project.dvc("repro")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert not list_run_stages(output) and "up to date" in output
    assert (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime) < 4


def test_another_image_size_is_not_answered_from_the_run_cache(project):
    """DVC's run cache ignores keys called `size`, so the key is called otherwise (tests/config/test_params.py)."""
    variant = params.load(project.folder / "params.yaml").train[RECIPE].images
    project.edit({f"preprocess.{variant}.image_size": 24})
    project.dvc("repro", f"preprocess@{variant}")
    assert np.load(project.folder / f"data/processed/{variant}/test/images.npy").shape[1:3] == (24, 24)


def stages_to_rerun(project: Project) -> set[str]:
    """The names of stale stages, without recipe or variant."""
    return {name.split("@")[0] for name in json.loads(project.dvc("status", "--json"))}


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("gtsrb/errors.py", '"""', '"""Edited: ', set()),  # plumbing
        ("gtsrb/training/__pycache__/loop.pyc", "", "compiled", set()),
        (  # a new key of training
            "gtsrb/config/train.py",
            "    epochs: Count\n",
            "    epochs: Count\n    patience: Count | None = None\n",
            {"train", "crossvalidate", "evaluate", "robustness", "export"},
        ),
        ("gtsrb/evaluation/corruptions.py", '"""', '"""Edited: ', {"robustness"}),
        ("gtsrb/evaluation/out_of_fold.py", '"""', '"""Edited: ', {"out_of_fold"}),
    ],
    ids=["a docstring of errors.py", "Python's cache", "a key of training", "a corruption", "an out-of-fold metric"],
)
def test_which_stages_an_edit_of_code_reruns(project, file, old, new, expected):
    path = project.folder / file
    path.parent.mkdir(exist_ok=True)
    text = path.read_text() if path.exists() else ""
    assert old in text
    path.write_text(text.replace(old, new, 1) or new)
    assert stages_to_rerun(project) == expected


def test_an_edit_reruns_what_reads_it_and_its_reversal_trains_nothing(project):
    before, params = read_metrics(project, f"{RECIPE}.json"), project.params()
    significance = [sys.executable, "-m", "scripts.significance"]
    project.edit({f"train.{RECIPE}.epochs": 1})
    affected = {f"{stage}@{RECIPE}" for stage in ("train", "crossvalidate", "evaluate", "robustness", "export")}
    assert set(json.loads(project.dvc("status", "--json"))) == affected
    rerun = {f"train@{RECIPE}", f"evaluate@{RECIPE}", "compare"}
    assert list_run_stages(project.dvc("repro", "compare")) == rerun
    edited = read_metrics(project, f"{RECIPE}.json")
    assert edited != before
    assert f"{RECIPE}.json" in project.dvc("metrics", "diff", "HEAD", "--md")
    assert f"{RECIPE}: {before['errors']} errors before, {edited['errors']} after; " in project.run(*significance)

    project.write_params(params)
    output = project.dvc("repro")
    assert not list_run_stages(output)
    assert list_restored_stages(output) == rerun
    assert read_metrics(project, f"{RECIPE}.json") == before
    assert not project.run("git", "status", "--porcelain")  # no file in Git differs between runs
    assert project.run(*significance).count("The same images are right") == len(RECIPES_RUN)


def test_an_edit_of_a_synthetic_set_reruns_only_the_recipes_with_it(project):
    variant = project.params()["train"][RECIPE]["images"]
    drawn_set = {"images": variant, "tracks_per_class": 2, "without_sign": 5, "frames_per_track": 1, "seed": 1}
    project.edit({"render.drawn": drawn_set, f"train.{RECIPE}.synthetic": {"set": "drawn", "share": 0.5}})
    project.edit({f"train.{RECIPE}.epochs": 1})
    drawn = {"render@drawn", "preprocess_synthetic@drawn"}
    trainings = [f"train@{recipe}" for recipe in RECIPES_RUN]
    assert list_run_stages(project.dvc("repro", *trainings)) == drawn | {f"train@{RECIPE}"}
    training = read_metrics(project, f"{RECIPE}/training.json")
    assert training["synthetic_images"] == 43 * 2 + 5
    project.edit({"render.drawn.seed": 2})
    project.dvc("repro", "preprocess_synthetic@drawn")
    assert set(json.loads(project.dvc("status", "--json", *trainings))) == {f"train@{RECIPE}"}


def test_leftover_files_of_a_renamed_recipe_are_ignored(project):
    """`compare` does not read them, and they do not make it stale."""
    before = read_metrics(project, "comparison.json")
    shutil.copytree(project.folder / f"metrics/{RECIPE}", project.folder / "metrics/renamed")
    shutil.copyfile(project.folder / f"data/predictions/{RECIPE}.npy", project.folder / "data/predictions/renamed.npy")
    assert "compare" not in json.loads(project.dvc("status", "--json"))
    project.run(sys.executable, "-m", "stages.compare")
    assert read_metrics(project, "comparison.json") == before


def test_an_edit_of_evaluate_trains_nothing(project):
    other = {"last": "best", "best": "last"}[PARAMS["evaluate"][RECIPE]["weights"]]
    project.edit({f"evaluate.{RECIPE}.weights": other})
    affected = {f"evaluate@{RECIPE}", "compare", f"robustness@{RECIPE}", f"export@{RECIPE}"}
    assert set(json.loads(project.dvc("status", "--json"))) == affected


def test_an_edit_of_the_rule_for_the_threshold_trains_nothing(project):
    before = read_metrics(project, f"{RECIPE}/out_of_fold.json")["unsure_below"]
    project.edit({"out_of_fold.unsure": 0.0, "out_of_fold.unknown": 0.0})
    assert list_run_stages(project.dvc("repro", f"out_of_fold@{RECIPE}")) == {f"out_of_fold@{RECIPE}"}
    assert read_metrics(project, f"{RECIPE}/out_of_fold.json")["unsure_below"] < before
    assert set(json.loads(project.dvc("status", "--json"))) == {f"export@{recipe}" for recipe in RECIPES_RUN}


def test_an_invalid_param_is_one_line_and_leaves_the_results(project):
    params = project.params()
    project.edit({f"train.{RECIPE}.epochs": "many"})
    command = [sys.executable, "-m", "stages.compare"]
    result = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=False)
    project.write_params(params)
    assert result.returncode == 1
    assert result.stderr == f"error: params.yaml: train.{RECIPE}.epochs = 'many': input should be a valid integer\n"
    assert "up to date" in project.dvc("status")


def test_an_ensemble_without_validation_averages_members_and_views(project, monkeypatch):
    """Compared with predictions of each member on the images and on images shifted 4 pixels to the right."""
    content = project.params()
    content["train"][RECIPE] |= {"members": 2, "epochs": 1, "seed": 5}
    del content["train"][RECIPE]["validation"]
    identity = {"rotation": 0.0, "shift_x": 0.0, "shift_y": 0.0, "zoom": 1.0}
    content["evaluate"][RECIPE] |= {"weights": "last", "test_time_augmentation": [identity, identity | {"shift_x": 4 / 32}]}
    project.write_params(content)
    assert list_run_stages(project.dvc("repro", f"evaluate@{RECIPE}")) == {f"train@{RECIPE}", f"evaluate@{RECIPE}"}
    training, metrics = read_metrics(project, f"{RECIPE}/training.json"), read_metrics(project, f"{RECIPE}.json")
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


@pytest.mark.slow
def test_a_killed_training_resumes_and_ends_with_the_same_weights(new_project):
    """kill -9 of DVC and its stage during training; the next `dvc repro` resumes."""
    changes = {"deterministic": True, "threads": 2, "epochs": 6}
    new_project.edit({f"train.{RECIPE}.{key}": value for key, value in changes.items()})
    new_project.dvc("repro", f"train@{RECIPE}")
    uninterrupted = list_outputs(new_project, f"train@{RECIPE}")

    repro = ["repro", "--single-item", "--force", "--no-run-cache", f"train@{RECIPE}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "dvc", *repro],
        cwd=new_project.folder, env=new_project.environment(), start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(new_project.folder.rglob(".checkpoints/**/state.npz")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert list(new_project.folder.rglob(".checkpoints/**/state.npz"))
    assert not list(new_project.folder.glob(f"models/{RECIPE}/*/*"))

    assert "resumed after " in new_project.dvc(*repro)
    assert not list(new_project.folder.glob(".checkpoints/*"))
    resumed = list_outputs(new_project, f"train@{RECIPE}")
    for path in (f"models/{RECIPE}", f"data/validation/{RECIPE}", f"metrics/{RECIPE}/history.csv"):
        assert resumed[path] == uninterrupted[path]


ENSEMBLE = next(name for name in RECIPES_RUN if RECIPES[name]["members"] > 1)  # two members in the fixtures' project


def start_training(project: Project, stdout: IO | int = subprocess.PIPE, **environment: str) -> subprocess.Popen:
    """The stage of the ensemble, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "stages.train", ENSEMBLE],
        cwd=project.folder, env=project.environment() | environment, start_new_session=True,
        stdout=stdout, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def read_results(project: Project) -> dict[str, bytes]:
    """What a training writes, by path, without the times in training.json."""
    folders = [project.folder / name / ENSEMBLE for name in ("models", "data/validation")]
    files = [*(path for folder in folders for path in folder.rglob("*.*")), project.folder / f"metrics/{ENSEMBLE}/history.csv"]
    return {str(path.relative_to(project.folder)): path.read_bytes() for path in files}


def test_members_side_by_side_are_those_trained_one_after_the_other(project):
    """To the byte, with a line per epoch of each, and a table of both at the end."""
    epochs = project.params()["train"][ENSEMBLE]["epochs"]
    expected, times = read_results(project), read_metrics(project, f"{ENSEMBLE}/training.json")
    assert times["elapsed_seconds"] == pytest.approx(times["seconds"], abs=0.11) and times["threads"] == 1
    for name in ("models", "data/validation"):
        shutil.rmtree(project.folder / name / ENSEMBLE)
    stdout, stderr = start_training(project, GTSRB_JOBS="2").communicate(timeout=300)
    assert not stderr
    assert read_results(project) == expected
    for member in ("member0", "member1"):
        assert [stdout.count(f"\n{member}  epoch {epoch}/{epochs}  loss ") for epoch in range(1, epochs + 1)] == [1] * epochs
        assert re.search(rf"^{member}  {epochs} epochs +[0-9]+ s$", stdout, re.MULTILINE)
    times = read_metrics(project, f"{ENSEMBLE}/training.json")
    own = [member["seconds"] for member in times["members"].values()]
    assert times["seconds"] == pytest.approx(sum(own), abs=0.11)
    assert max(own) - 0.1 <= times["elapsed_seconds"] <= times["seconds"]
    assert times["fit_seconds"] <= times["seconds"]


@pytest.mark.slow
def test_members_that_are_stopped_resume_and_end_with_the_same_weights(new_project, tmp_path):
    """By Ctrl-C, then by the death of one: both processes end, with one line, and no finished epoch is trained again.

    The output goes to a file: `communicate` would lose what reading lines from a pipe before it has buffered.
    """
    new_project.edit({f"train.{ENSEMBLE}.epochs": 8})
    new_project.dvc("repro", f"train@{ENSEMBLE}")
    expected = read_results(new_project)
    killed = "error: one of the 2 processes that work side by side was killed, perhaps for lack of memory; run the same"
    finished, log = [0, 0], tmp_path / "log.txt"  # epochs of each member; what the run prints
    for stop, message in ((press_ctrl_c, "interrupted\n"), (kill_a_member, killed)):
        with log.open("w") as file:
            process = start_training(new_project, file, GTSRB_JOBS="2")
        while min(count_epochs(log.read_text())) < 2:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        stop(process)
        _, stderr = process.communicate(timeout=60)  # ends with the last process that holds the pipe
        assert process.returncode == 1
        assert stderr.startswith(message) and stderr.count("\n") == 1
        finished = check_resumed(log.read_text(), finished)
        assert max(finished) < 8

    stdout, stderr = start_training(new_project, GTSRB_JOBS="2").communicate(timeout=300)
    assert not stderr
    check_resumed(stdout, finished)
    assert read_results(new_project) == expected


def count_epochs(output: str) -> list[int]:
    """How many epochs of each member have been printed."""
    return [len(re.findall(rf"^member{i}  epoch", output, re.MULTILINE)) for i in (0, 1)]


def check_resumed(output: str, finished: list[int]) -> list[int]:
    """The last epoch of each member in the `output` of a run, which has to go on after those that were `finished` before it."""
    resumed = [
        int((re.findall(rf"^member{i}  resumed after (\d+) of 8 epochs$", output, re.MULTILINE) or [0])[0]) for i in (0, 1)
    ]
    assert all(before <= after <= before + 1 for before, after in zip(finished, resumed, strict=True))  # saved, not printed yet
    return [after + more for after, more in zip(resumed, count_epochs(output), strict=True)]


def press_ctrl_c(process: subprocess.Popen) -> None:
    os.killpg(process.pid, signal.SIGINT)


def kill_a_member(process: subprocess.Popen) -> None:
    os.kill(workers_of(process.pid)[0], signal.SIGKILL)


def workers_of(pid: int) -> list[int]:
    """The processes that this one has started to train in."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def list_outputs(project, stage: str) -> dict[str, str]:
    """Path and md5 of the stage's outputs in dvc.lock."""
    lock = yaml.safe_load((project.folder / "dvc.lock").read_text())
    return {out["path"]: out["md5"] for out in lock["stages"][stage]["outs"]}
