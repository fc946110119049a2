"""The demo makes its recipes short, and shows what a person wants to read."""

import io
import subprocess
from types import SimpleNamespace

from conftest import ROOT
from dvc.utils.hydra import apply_overrides

from gtsrb.config.params import load
from scripts import demo


def test_only_epochs_and_the_side_of_the_tutorials_images_are_not_as_committed(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text())
    before = load(path)
    changes = demo.DATA | demo.shorten(before)
    apply_overrides(path, [f"{key}={value}" for key, value in changes.items()])  # as `dvc exp run -S` does
    after = load(path)
    assert after.ingest.source == "synthetic"
    for name in demo.RECIPES:
        assert after.train[name] == before.train[name].model_copy(update={"epochs": demo.EPOCHS[name]})
    assert after.preprocess["equalized"] == before.preprocess["equalized"].model_copy(update={"size": demo.SIDE})
    assert after.preprocess["roi_both_32"] == before.preprocess["roi_both_32"]


DVC = """Reproducing experiment 'demo'
Running stage 'ingest':
> python -m stages.ingest
ingest: 43 images, 1 s
Updating lock file 'dvc.lock'

Stage 'preprocess@plain' is cached - skipping run, checking out outputs
WARNING: something that a person should know

Ran experiment(s): demo
To apply the results of an experiment to your workspace run:

\tdvc exp apply <exp>
"""
SHOWN = ["ingest: 43 images, 1 s", "preprocess@plain: from the run cache", "WARNING: something that a person should know"]


def test_what_is_routine_in_dvcs_output_is_not_shown(monkeypatch, capsys):
    process = SimpleNamespace(stdout=io.StringIO(DVC), wait=lambda: 0)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: process)
    demo.run_experiment("demo", {})
    assert capsys.readouterr().out.splitlines()[2:] == SHOWN


def test_a_row_of_the_table(finished, monkeypatch):
    monkeypatch.chdir(finished.folder)
    assert "129 test images" in demo.count_images("HEAD")
    for name in load(finished.folder / "params.yaml").train:
        row = demo.read_results(name, "HEAD")
        assert row["test accuracy"].endswith("%")
        assert set(row) == {"test accuracy", "95 % interval", "errors", "training", "parameters"}
