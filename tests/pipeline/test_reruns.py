"""What an edit reruns, and what its reversal restores."""

import json
import resource
import shutil
import subprocess
import sys

import numpy as np
import pytest
from small_project import PARAMS, RECIPE, RECIPES_RUN, Project, list_run_stages

from gtsrb.config import params


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


def list_restored_stages(output: str) -> set[str]:
    return {line.split("'")[1] for line in output.splitlines() if "is cached - skipping run" in line}


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
    before, params = project.read_metrics(f"{RECIPE}.json"), project.params()
    significance = [sys.executable, "-m", "scripts.significance"]
    project.edit({f"train.{RECIPE}.epochs": 1})
    affected = {f"{stage}@{RECIPE}" for stage in ("train", "crossvalidate", "evaluate", "robustness", "export")}
    assert set(json.loads(project.dvc("status", "--json"))) == affected
    rerun = {f"train@{RECIPE}", f"evaluate@{RECIPE}", "compare"}
    assert list_run_stages(project.dvc("repro", "compare")) == rerun
    edited = project.read_metrics(f"{RECIPE}.json")
    assert edited != before
    assert f"{RECIPE}.json" in project.dvc("metrics", "diff", "HEAD", "--md")
    assert f"{RECIPE}: {before['errors']} errors before, {edited['errors']} after; " in project.run(*significance)

    project.write_params(params)
    output = project.dvc("repro")
    assert not list_run_stages(output)
    assert list_restored_stages(output) == rerun
    assert project.read_metrics(f"{RECIPE}.json") == before
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
    training = project.read_metrics(f"{RECIPE}/training.json")
    assert training["synthetic_images"] == 43 * 2 + 5
    project.edit({"render.drawn.seed": 2})
    project.dvc("repro", "preprocess_synthetic@drawn")
    assert set(json.loads(project.dvc("status", "--json", *trainings))) == {f"train@{RECIPE}"}


def test_leftover_files_of_a_renamed_recipe_are_ignored(project):
    """`compare` does not read them, and they do not make it stale."""
    before = project.read_metrics("comparison.json")
    shutil.copytree(project.folder / f"metrics/{RECIPE}", project.folder / "metrics/renamed")
    shutil.copyfile(project.folder / f"data/predictions/{RECIPE}.npy", project.folder / "data/predictions/renamed.npy")
    assert "compare" not in json.loads(project.dvc("status", "--json"))
    project.run(sys.executable, "-m", "stages.compare")
    assert project.read_metrics("comparison.json") == before


def test_an_edit_of_evaluate_trains_nothing(project):
    other = {"last": "best", "best": "last"}[PARAMS["evaluate"][RECIPE]["weights"]]
    project.edit({f"evaluate.{RECIPE}.weights": other})
    affected = {f"evaluate@{RECIPE}", "compare", f"robustness@{RECIPE}", f"export@{RECIPE}"}
    assert set(json.loads(project.dvc("status", "--json"))) == affected


def test_an_edit_of_the_rule_for_the_threshold_trains_nothing(project):
    before = project.read_metrics(f"{RECIPE}/out_of_fold.json")["unsure_below"]
    project.edit({"out_of_fold.unsure": 0.0, "out_of_fold.unknown": 0.0})
    assert list_run_stages(project.dvc("repro", f"out_of_fold@{RECIPE}")) == {f"out_of_fold@{RECIPE}"}
    assert project.read_metrics(f"{RECIPE}/out_of_fold.json")["unsure_below"] < before
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
