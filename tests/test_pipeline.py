"""dvc.yaml: against the code and params.yaml, and run whole on synthetic signs in a project of its own."""

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
from gtsrb.evaluation import corruptions
from gtsrb.networks import ensemble, inference
from gtsrb.networks.build import build_network, shape_of
from gtsrb.preprocessing.crop import Box
from gtsrb.preprocessing.preprocess import preprocess
from gtsrb.studies.code_dependencies import code_dependencies
from stages.robustness import sample_images

PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text())
STAGES = {name: stage.get("do", stage) for name, stage in PIPELINE["stages"].items()}
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
RECIPES = PARAMS["train"]
RUN = recipes_to_run(PARAMS)  # of a test's project
ONE = RUN[0]  # to try things on; with validation images
TRAIN, TEST = 43 * 8 * 2, 43 * 3  # images that conftest.py has drawn


@pytest.mark.parametrize("name", STAGES)
def test_code_dependencies_are_the_imports(name, monkeypatch):
    """Each is a module that the stage imports, or a room of which it imports at least half; together they are all of them."""
    monkeypatch.chdir(ROOT)
    needed = code_dependencies(Path(f"stages/{name}.py"))
    named = [Path(path) for path in STAGES[name]["deps"] if path.startswith(("stages/", "gtsrb/"))]
    covered = {path: {path} if path.is_file() else modules(path) for path in named}
    assert needed <= set().union(*covered.values())
    for path, files in covered.items():
        assert 2 * len(files & needed) >= len(files), path
    assert sum(len(files & needed) for files in covered.values()) == len(needed), "one of them is named twice"


def modules(room: Path) -> set[Path]:
    return set(room.rglob("*.py")) - set(room.rglob("__init__.py"))


def test_init_files_hold_no_code():
    """They are no dependency of a stage that names single files of their room."""
    for path in ROOT.glob("gtsrb/*/__init__.py"):
        (docstring,) = ast.parse(path.read_text()).body
        assert isinstance(docstring, ast.Expr), path


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_runs_its_file_and_says_what_it_does(name):
    assert STAGES[name]["cmd"].split()[:3] == ["python", "-m", f"stages.{name}"]
    assert STAGES[name]["desc"]


def test_the_code_dependencies_are_found(tmp_path, monkeypatch):
    """Direct, through another module, and in each form of import; nothing else."""
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
    found = {path.as_posix() for path in code_dependencies(Path("stages/a.py"))}
    assert found == {"stages/a.py", "gtsrb/b.py", "gtsrb/c.py", "gtsrb/d.py"}


def test_every_recipe_has_its_lines():
    """In the parts of dvc.yaml that know no `foreach`; a recipe that is missing there would be invisible."""
    plots = {name: plot["y"] for entry in PIPELINE["plots"] for name, plot in entry.items() if name != "test_images"}
    assert set(plots) == {"accuracy", "loss", "learning_rate", "robustness"}
    for recipe in RECIPES:
        assert PIPELINE["artifacts"][recipe]["path"] == f"models/{recipe}"
        assert {"desc", "type", "labels"} <= PIPELINE["artifacts"][recipe].keys()
        assert f"metrics/{recipe}/predictions.csv" in STAGES["compare"]["deps"]
        for name, files in plots.items():
            assert f"metrics/{recipe}/{'robustness' if name == 'robustness' else 'history'}.csv" in files


def test_a_stage_of_a_recipe_reads_nothing_of_another():
    """So that an edit of one recipe trains, tests, measures and exports that recipe alone."""
    stages = {stage.addressing: stage for stage in Repo(ROOT).index.stages}
    of_recipes = {"train", "evaluate", "robustness", "export"}
    assert {name.split("@")[0] for name in stages if name.split("@")[-1] in RECIPES} == of_recipes
    for recipe in RECIPES:
        for name in of_recipes:
            read = set()
            for dep in stages[f"{name}@{recipe}"].deps:
                read |= set(dep.params) if isinstance(dep, ParamsDependency) else {dep.def_path}
            owners = {part for path in read for part in re.split(r"[/.]", path)} & set(RECIPES)
            assert owners == {recipe}, name
            assert not read & {"models", "train", "evaluate", "preprocess", "data/predictions", "metrics"}


def test_every_plot_has_a_title_and_labels():
    plots = [*PIPELINE["plots"], *(plot for stage in STAGES.values() for plot in stage.get("plots", []))]
    for plot in plots:
        (settings,) = plot.values()
        assert {"title", "x_label", "y_label"} <= settings.keys(), plot


def test_no_stage_does_without_the_run_cache():
    """DVC keeps none for a stage with an uncached output that is neither a metric nor a plot."""
    assert not [name for name, stage in STAGES.items() for out in stage.get("outs", []) if isinstance(out, dict)]


@pytest.mark.parametrize("stage", ["preprocess", "train", "evaluate", "robustness", "export"])
def test_an_unknown_name_is_one_line(stage, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", [stage, "nobody"])
    kind, known = ("variant", PARAMS["preprocess"]) if stage == "preprocess" else ("recipe", RECIPES)
    with pytest.raises(InputError) as error:
        importlib.import_module(f"stages.{stage}").main()
    assert str(error.value) == f"the command line has 'nobody'; expected one {kind} of params.yaml: {', '.join(known)}"


# From here on: the pipeline, run. `finished` is read only, `project` a copy of it to work in.


def ran(output: str) -> set[str]:
    return {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")}


def restored(output: str) -> set[str]:
    return {line.split("'")[1] for line in output.splitlines() if "is cached - skipping run" in line}


def read(project, name: str) -> dict:
    return json.loads((project.folder / "metrics" / name).read_text())


def test_the_whole_pipeline(finished):
    of_recipes = {f"{stage}@{recipe}" for stage in ("train", "evaluate", "robustness", "export") for recipe in RUN}
    assert ran(finished.output) == {"ingest", "compare", *(f"preprocess@{name}" for name in PARAMS["preprocess"]), *of_recipes}
    dataset = read(finished, "dataset.json")
    assert (dataset["source"], dataset["classes"], dataset["train_images"]) == ("synthetic", 43, TRAIN)
    assert set(read(finished, "comparison.json")) == {f"{a}_vs_{b}" for a, b in itertools.combinations(RUN, 2)}


@pytest.mark.parametrize("recipe", RUN)
def test_a_recipe_learns(recipe, finished):
    """Its loss falls, the first one's below that of whoever does not look at the images: ln 43 nats, of 43 equal classes."""
    loss = pd.read_csv(finished.folder / f"metrics/{recipe}/history.csv")["loss"]
    assert loss.iloc[-1] < loss.iloc[0] - 0.1
    if recipe == ONE:
        assert loss.iloc[-1] < 0.8 * np.log(43) < loss.iloc[0]


@pytest.mark.parametrize("recipe", RUN)
def test_the_figures_are_those_of_the_probabilities(recipe, finished):
    probabilities = np.load(finished.folder / f"data/predictions/{recipe}.npy").astype(float)
    labels = tables.read(finished.folder / "data/raw/test.parquet", ["class_id"])["class_id"].to_numpy()
    right = probabilities.argmax(axis=1) == labels
    figures = read(finished, f"{recipe}.json")
    assert figures["accuracy"] == pytest.approx(right.mean(), abs=1e-6)
    assert figures["macro_accuracy"] == pytest.approx(np.mean([right[labels == c].mean() for c in range(43)]), abs=1e-6)
    top = np.argsort(probabilities, axis=1)[:, -5:]
    assert figures["top5_accuracy"] == pytest.approx((top == labels[:, None]).any(axis=1).mean(), abs=1e-6)
    assert figures["loss"] == pytest.approx(-np.log(probabilities[np.arange(TEST), labels]).mean(), rel=1e-4)


def test_robustness(finished):
    severities = params.load(finished.folder / "params.yaml").robustness.severities
    for recipe in RUN:
        nested = read(finished, f"{recipe}/robustness.json")
        rows = pd.read_csv(finished.folder / f"metrics/{recipe}/robustness.csv")
        found = rows.groupby("corruption", sort=False)["severity"].agg(list).to_dict()
        assert found == {"none": [0], **dict(severities)}
        for row in rows.itertuples():
            assert (row.images, row.accuracy) == (43, pytest.approx(1 - row.errors / 43))
            assert nested[row.corruption][f"{row.severity:g}"] == pytest.approx(row.accuracy, abs=1e-6)


def test_robustness_counts_the_errors_on_degraded_images(finished, monkeypatch):
    """`noise` at its last level, for it is drawn: corrupted, preprocessed and answered here, image by image."""
    everything = params.load(finished.folder / "params.yaml")
    recipe, settings = everything.train[ONE], everything.robustness
    variant, severity = everything.preprocess[recipe.images], settings.severities.noise[-1]
    rows = sample_images(tables.read(finished.folder / "data/raw/test.parquet"), settings)
    images = []
    for i, row in enumerate(rows.itertuples()):
        noisy = corruptions.noise(tables.decode_ppm(row.image), severity, np.random.default_rng([settings.seed, i]))
        images.append(preprocess(noisy, Box(row.roi_x1, row.roi_y1, row.roi_x2, row.roi_y2), variant))
    monkeypatch.chdir(finished.folder)
    model = build_network(recipe.network, size=variant.size, channels=variant.channels, dtype=variant.dtype, classes=43)
    model.load_weights(ensemble.weights_file(ONE, 0, everything.evaluate[ONE].weights))
    errors = int((inference.predict(model, np.stack(images)).argmax(axis=1) != rows["class_id"]).sum())
    table = pd.read_csv(f"metrics/{ONE}/robustness.csv").set_index(["corruption", "severity"])
    assert table.loc[("noise", severity), "errors"] == errors
    assert table.loc[("none", 0), "errors"] != errors


def test_predict_is_as_right_as_the_export_says_of_files(finished, tmp_path):
    test = tables.read(finished.folder / "data/raw/test.parquet")
    for i, image in enumerate(test["image"]):
        (tmp_path / f"{i:03d}.ppm").write_bytes(image)
    network = finished.folder / f"data/export/{ONE}.onnx"
    output = finished.run(sys.executable, "-m", "scripts.predict", "--model", str(network), "--json", str(tmp_path))
    found = [json.loads(line)["class_id"] for line in output.splitlines() if line.startswith("{")]
    exported = read(finished, f"{ONE}/export.json")
    assert (np.array(found) != test["class_id"]).sum() == exported["as_files"]["errors"]
    in_keras = read(finished, f"{ONE}.json")["errors"]
    assert exported["with_boxes"]["errors"] == pytest.approx(in_keras, abs=1)  # other arithmetic
    parameters = json.loads((finished.folder / f"metrics/{ONE}/training.json").read_text())["parameters"]
    assert network.with_suffix(".tflite").stat().st_size > 4 * parameters  # float32, whatever the ONNX file has


def test_figures_agree_with_each_other(finished):
    for recipe in RUN:
        figures, training = read(finished, f"{recipe}.json"), read(finished, f"{recipe}/training.json")
        history = pd.read_csv(finished.folder / "metrics" / recipe / "history.csv")
        classes = pd.read_csv(finished.folder / "metrics" / recipe / "classes.csv")
        confusion = pd.read_csv(finished.folder / "metrics" / recipe / "confusion.csv")
        assert figures["errors"] == classes["errors"].sum()
        predictions = pd.read_csv(finished.folder / f"metrics/{recipe}/predictions.csv")
        test = tables.read(finished.folder / "data/raw/test.parquet", ["filename", "class_id"])
        assert predictions[["filename", "class_id"]].equals(test.astype({"class_id": int}))
        assert (predictions["prediction"] == np.load(finished.folder / f"data/predictions/{recipe}.npy").argmax(axis=1)).all()
        assert figures["errors"] == (predictions["prediction"] != predictions["class_id"]).sum()
        assert figures["errors"] == confusion.loc[confusion["truth"] != confusion["prediction"], "images"].sum()
        assert confusion["images"].sum() == classes["images"].sum() == TEST
        for what in ("sizes", "brightness", "calibration"):
            bins = pd.read_csv(finished.folder / "metrics" / recipe / f"{what}.csv")
            assert (bins["images"].sum(), bins["errors"].sum()) == (TEST, figures["errors"])
        assert 0 < figures["calibration_error"] < 1
        assert figures["accuracy_low"] < figures["accuracy"] < figures["accuracy_high"]
        if "members" in training:
            assert set(training["members"]) == set(figures["one_network_one_view"])
            assert len(training["members"]) == min(RECIPES[recipe]["members"], 2)
        if "validation" not in RECIPES[recipe]:
            assert training["val_accuracy"] is None
        else:
            assert training["val_accuracy"] == pytest.approx(history["val_accuracy"].iloc[-1], abs=1e-6)
            assert training["best_epoch"] == history["val_loss"].idxmin()


@pytest.mark.parametrize("recipe", RUN)
def test_the_first_line_of_a_training(recipe, finished):
    training = read(finished, f"{recipe}/training.json")
    assert training["train_images"] + training["validation_images"] == TRAIN
    lines = finished.output.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"train@{recipe}: "))
    kind = "GPU" if " (GPU)" in lines[start] else "CPU"
    assert lines[start] == f"train@{recipe}: {training['device']} ({kind}), {RECIPES[recipe]['precision']}"
    assert lines[start + 1].endswith(
        f"; {training['train_images']} training and {training['validation_images']} validation images"
    )


def test_a_log_is_to_be_read(finished):
    """Each stage ends with its name, its result and its time; each bar stands there once; TensorFlow says nothing."""
    for stage in ran(finished.output):
        (end,) = re.findall(rf"^{stage}: .+, (?:[0-9]+ min )?[0-9]+ s$", finished.output, re.MULTILINE)
        assert "nan" not in end
    bars = [line for line in finished.output.splitlines() if "%|" in line]
    assert len(bars) == 1 + 2 * len(PARAMS["preprocess"]) + len(RUN)  # ingest's, two of a variant, robustness'
    assert all(": 100%|" in line for line in bars)
    assert "\r" not in finished.output
    noise = re.compile(
        r"absl|oneDNN|cuda|XNNPACK|^[IWE][0-9]{4} |^[0-9-]{10} .*[IWE] tensorflow|WARNING|Warning", re.IGNORECASE
    )
    assert not [line for line in finished.output.splitlines() if noise.search(line)]


def test_nothing_changed_runs_nothing_and_takes_little(project):
    """Two seconds of a processor; a clock on the wall would count what else the machine does."""
    project.dvc("repro")  # it hashes the files of a copy, which it has not seen
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    output = project.dvc("repro")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert not ran(output) and "up to date" in output
    assert (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime) < 4


def stages_to_rerun(project: Project) -> set[str]:
    """Names without recipe or variant."""
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
            {"train", "evaluate", "robustness", "export"},
        ),
        ("gtsrb/evaluation/corruptions.py", '"""', '"""Edited: ', {"evaluate", "robustness"}),
    ],
    ids=["a docstring of errors.py", "Python's cache", "a key of training", "a corruption"],
)
def test_which_stages_an_edit_of_code_reruns(project, file, old, new, expected):
    path = project.folder / file
    path.parent.mkdir(exist_ok=True)
    text = path.read_text() if path.exists() else ""
    assert old in text
    path.write_text(text.replace(old, new, 1) or new)
    assert stages_to_rerun(project) == expected


def test_an_edit_reruns_what_reads_it_and_putting_it_back_trains_nothing(project):
    before, params = read(project, f"{ONE}.json"), project.params()
    significance = [sys.executable, "-m", "scripts.significance"]
    project.edit({f"train.{ONE}.epochs": 1})
    reads = {f"train@{ONE}", f"evaluate@{ONE}", f"robustness@{ONE}", f"export@{ONE}"}
    assert set(json.loads(project.dvc("status", "--json"))) == reads
    follows = {f"train@{ONE}", f"evaluate@{ONE}", "compare"}
    assert ran(project.dvc("repro", "compare")) == follows
    edited = read(project, f"{ONE}.json")
    assert edited != before
    assert f"{ONE}.json" in project.dvc("metrics", "diff", "HEAD", "--md")
    assert f"{ONE}: {before['errors']} errors before, {edited['errors']} after; " in project.run(*significance)

    project.write_params(params)
    output = project.dvc("repro")
    assert not ran(output)
    assert restored(output) == follows
    assert read(project, f"{ONE}.json") == before
    assert not project.run("git", "status", "--porcelain")  # no file that Git keeps differs from run to run
    assert project.run(*significance).count("The same images are right") == len(RUN)


def test_what_a_renamed_recipe_left_behind_is_not_compared(project):
    """Neither is it read, nor does it make `compare` stale; data/predictions as a dependency had both."""
    before = read(project, "comparison.json")
    shutil.copytree(project.folder / f"metrics/{ONE}", project.folder / "metrics/renamed")
    shutil.copyfile(project.folder / f"data/predictions/{ONE}.npy", project.folder / "data/predictions/renamed.npy")
    assert "compare" not in json.loads(project.dvc("status", "--json"))
    project.run(sys.executable, "-m", "stages.compare")
    assert read(project, "comparison.json") == before


def test_what_evaluation_needs_trains_nothing(project):
    other = {"last": "best", "best": "last"}[PARAMS["evaluate"][ONE]["weights"]]
    project.edit({f"evaluate.{ONE}.weights": other})
    reads = {f"evaluate@{ONE}", "compare", f"robustness@{ONE}", f"export@{ONE}"}
    assert set(json.loads(project.dvc("status", "--json"))) == reads


def test_a_typo_ends_in_one_line_and_leaves_the_results(project):
    params = project.params()
    project.edit({f"train.{ONE}.epochs": "many"})
    command = [sys.executable, "-m", "stages.compare"]
    result = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=False)
    project.write_params(params)
    assert result.returncode == 1
    assert result.stderr == f"error: params.yaml: train.{ONE}.epochs = 'many': input should be a valid integer\n"
    assert "up to date" in project.dvc("status")


def test_an_ensemble_without_validation_averages_members_and_views(project, monkeypatch):
    """Against a computation by hand: each member's weights, on the images as they are and four pixels to the right."""
    content = project.params()
    content["train"][ONE] |= {"members": 2, "epochs": 1, "seed": 5}
    del content["train"][ONE]["validation"]
    straight = {"rotation": 0.0, "shift_x": 0.0, "shift_y": 0.0, "zoom": 1.0}
    content["evaluate"][ONE] |= {"weights": "last", "test_time_augmentation": [straight, straight | {"shift_x": 4 / 32}]}
    project.write_params(content)
    assert ran(project.dvc("repro", f"evaluate@{ONE}")) == {f"train@{ONE}", f"evaluate@{ONE}"}
    training, figures = read(project, f"{ONE}/training.json"), read(project, f"{ONE}.json")
    assert training["val_accuracy"] is None
    assert (training["train_images"], training["validation_images"]) == (TRAIN, 0)
    history = pd.read_csv(project.folder / f"metrics/{ONE}/history.csv")
    assert history["val_accuracy"].isna().all()
    project.dvc("plots", "show", f"metrics/{ONE}/history.csv")

    monkeypatch.chdir(project.folder)
    recipe = params.load().train[ONE]
    images = arrays.load(Path(f"data/processed/{recipe.images}/test")).images
    shifted = np.pad(images, [(0, 0), (0, 0), (4, 0), (0, 0)], mode="edge")[:, :, :-4]
    kept = sorted(path for path in Path(f"models/{ONE}").rglob("*") if path.is_file())
    assert [path.name for path in kept] == ["last.weights.h5", "last.weights.h5"]
    model = build_network(recipe.network, **shape_of(images, 43))
    each = []
    for weights in kept:
        model.load_weights(weights)
        each += [inference.predict(model, images), inference.predict(model, shifted)]
    found = np.load(f"data/predictions/{ONE}.npy")
    np.testing.assert_allclose(found, np.mean(each, axis=0), atol=1e-5)
    assert all(np.abs(found - one).max() > 1e-4 for one in each)
    labels = tables.read(Path("data/raw/test.parquet"), ["class_id"])["class_id"].to_numpy()
    alone = [int((as_it_is.argmax(axis=1) != labels).sum()) for as_it_is in each[::2]]
    assert [member["errors"] for member in figures["one_network_one_view"].values()] == alone


@pytest.mark.slow
def test_killed_it_resumes_and_ends_with_the_same_weights(new_project):
    """kill -9 of DVC and its stage in the middle of a training; the next `dvc repro` goes on."""
    new_project.edit({f"train.{ONE}.deterministic": True, f"train.{ONE}.epochs": 20})
    new_project.dvc("repro", f"train@{ONE}")
    whole = outputs(new_project, f"train@{ONE}")

    again = ["repro", "--single-item", "--force", "--no-run-cache", f"train@{ONE}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "dvc", *again],
        cwd=new_project.folder, env=new_project.environment(), start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(new_project.folder.rglob(".checkpoints/**/state.npz")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert list(new_project.folder.rglob(".checkpoints/**/state.npz"))
    assert not list(new_project.folder.glob(f"models/{ONE}/*/*"))

    assert "resumed after " in new_project.dvc(*again)
    assert not list(new_project.folder.glob(".checkpoints/*"))
    resumed = outputs(new_project, f"train@{ONE}")
    for path in (f"models/{ONE}", f"data/validation/{ONE}", f"metrics/{ONE}/history.csv"):
        assert resumed[path] == whole[path]


def outputs(project, stage: str) -> dict[str, str]:
    """Path and md5 of what the stage left, as dvc.lock has it."""
    lock = yaml.safe_load((project.folder / "dvc.lock").read_text())
    return {out["path"]: out["md5"] for out in lock["stages"][stage]["outs"]}
