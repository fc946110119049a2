"""The demo makes every recipe short, whatever the recipes are called, and shows what a person wants to read."""

import io
import subprocess
from types import SimpleNamespace

import yaml
from dvc.utils.hydra import apply_overrides

from gtsrb.config.params import load
from scripts import demo


def test_recipes_of_any_name_are_made_short(raw_params, tmp_path):
    for section in ("train", "evaluate", "crossvalidate"):
        raw_params[section] = {f"my_{name}": recipe for name, recipe in raw_params[section].items()}
    raw_params["export"]["threshold_from"] = f"my_{raw_params['export']['threshold_from']}"
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(raw_params))
    before = load(path)
    changes = demo.DATA | demo.shorten(before)
    apply_overrides(path, [f"{key}={value}" for key, value in changes.items()])  # as `dvc exp run -S` does
    after = load(path)
    assert after.ingest.source == "synthetic"
    for name, recipe in after.train.items():
        assert (recipe.members, recipe.epochs) == (1, 8)
        assert recipe.augmentation == before.train[name].augmentation


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
    for name, recipe in load(finished.folder / "params.yaml").train.items():
        row = demo.read_results(name, recipe, "HEAD")
        assert row["test accuracy"].endswith("% of 129 images")
        assert recipe.validation or row["validation accuracy"] == "none"
