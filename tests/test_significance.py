"""Is a difference noise: the sentence for each case, and two revisions of a project."""

import json
import subprocess
import sys

import numpy as np
import pytest

from gtsrb.significance import sentence


@pytest.mark.parametrize(
    ("won", "lost", "p", "words"),
    [
        (30, 5, 1e-5, "40 errors before, 15 after; 30 images won, 5 lost; p = 1e-05. Chance alone would rarely do this"),
        (5, 30, 1e-5, "15 errors before, 40 after; 5 images won, 30 lost; p = 1e-05. Chance alone would rarely do this"),
        (7, 5, 0.774, "17 errors before, 15 after; 7 images won, 5 lost; p = 0.77. Chance alone does as much"),
        (0, 0, 1.0, "10 errors before, 10 after; 0 images won, 0 lost; p = 1. The same predictions"),
    ],
)  # fmt: skip
def test_the_sentence(won, lost, p, words):
    pair = {"only_first_wrong": won, "only_second_wrong": lost, "both_wrong": 10, "p_value": p}
    assert sentence(pair).startswith(words)


def significance(project, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "gtsrb.significance", *arguments]
    return subprocess.run(command, cwd=project.folder, env=project.environment(), capture_output=True, text=True, check=False)


def test_an_edit_against_the_last_commit(project):
    before = np.load(project.folder / "data/predictions/baseline.npy").argmax(axis=1)
    errors = json.loads((project.folder / "metrics/baseline.json").read_text())["errors"]
    project.edit({"train.baseline.epochs": 3})
    project.dvc("repro", "evaluate@baseline")
    after = np.load(project.folder / "data/predictions/baseline.npy").argmax(axis=1)
    later = json.loads((project.folder / "metrics/baseline.json").read_text())["errors"]
    result = significance(project)
    project.edit({"train.baseline.epochs": 10})
    project.dvc("repro", "evaluate@baseline")
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert [line.split(":")[0] for line in lines[:-1]] == ["augmented", "baseline", "champion"]
    assert lines[1].startswith(f"baseline: {errors} errors before, {later} after; ")
    assert (before != after).any()
    assert "The same predictions" in lines[0]
    assert significance(project).stdout.count("The same predictions") == 3


@pytest.mark.parametrize("arguments", [["nowhere"], ["HEAD", "nowhere"]])
def test_an_unknown_revision_is_one_line(project, arguments):
    result = significance(project, *arguments)
    assert result.returncode == 1
    assert result.stderr.startswith("error: nowhere: no dvc.lock found")
    assert "Traceback" not in result.stderr
