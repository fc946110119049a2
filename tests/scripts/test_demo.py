"""The demo makes its recipes short, and shows what a person wants to read."""

import io
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import ROOT
from small_project import Project

from gtsrb.config.params import load
from scripts import demo


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project as committed, in a Git repository of its own; the working directory."""
    for name in (*demo.PROJECT, ".gitignore"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    project = Project(tmp_path)
    project.run("git", "init", "--quiet")
    project.commit("Begin")
    return project


def test_the_copy_differs_in_the_data_the_epochs_and_the_side_of_the_tutorials_images(checkout):
    demo.copy_project()
    before, after = load(), load(demo.FOLDER / "params.yaml")
    assert after.ingest.source == "synthetic"
    for name in demo.RECIPES:
        assert after.train[name] == before.train[name].model_copy(update={"epochs": demo.EPOCHS[name]})
    assert after.preprocess["equalized"] == before.preprocess["equalized"].model_copy(update={"size": demo.SIDE})
    assert after.preprocess["roi_both_32"] == before.preprocess["roi_both_32"]


def test_another_copy_keeps_outputs_and_follows_the_workspace(checkout):
    demo.copy_project()
    (demo.FOLDER / "metrics").mkdir()
    for path in ("metrics/fast.json", "dvc.lock", "stages/gone.py"):
        (demo.FOLDER / path).touch()
    Path("stages/ingest.py").write_text("# edited")
    demo.copy_project()
    assert (demo.FOLDER / "metrics/fast.json").exists() and (demo.FOLDER / "dvc.lock").exists()
    assert not (demo.FOLDER / "stages/gone.py").exists()
    assert (demo.FOLDER / "stages/ingest.py").read_text() == "# edited"


def test_a_copy_beside_the_workspace_changes_nothing_there(checkout):
    demo.copy_project()
    assert checkout.run("git", "status", "--porcelain") == ""
    stages = checkout.dvc("stage", "list", "--all")
    assert "train@fast" in stages and "demo" not in stages
    assert "stages.ingest" in Project(demo.FOLDER.absolute()).dvc("repro", "--dry", "ingest")


DVC = """Running stage 'ingest':
> python -m stages.ingest
ingest: 43 images, 1 s
Updating lock file 'dvc.lock'

Stage 'preprocess@plain' is cached - skipping run, checking out outputs
WARNING: something that a person should know
Stage 'evaluate@fast' didn't change, skipping
Use `dvc push` to send your updates to remote storage.
"""
SHOWN = [
    *("ingest: 43 images, 1 s", "preprocess@plain: from the run cache", "WARNING: something that a person should know"),
    "evaluate@fast: as before",
]


def test_what_is_routine_in_dvcs_output_is_not_shown(monkeypatch, capsys):
    process = SimpleNamespace(stdout=io.StringIO(DVC), wait=lambda: 0)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: process)
    demo.run_pipeline()
    assert capsys.readouterr().out.splitlines()[2:] == SHOWN


def test_a_row_of_the_table(finished, monkeypatch):
    monkeypatch.setattr(demo, "FOLDER", finished.folder)
    assert "129 test images" in demo.count_images()
    for name in load(finished.folder / "params.yaml").train:
        row = demo.read_results(name)
        assert row["test accuracy"].endswith("%")
        assert set(row) == {"test accuracy", "95 % interval", "errors", "training", "parameters"}
