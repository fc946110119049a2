"""The sentence for each result, and the revisions of a small project without a cache."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import ROOT

from gtsrb.errors import InputError
from gtsrb.outputs import write_csv
from scripts import significance

RECIPES = list(yaml.safe_load((ROOT / "params.yaml").read_text())["train"])
IDENTITY = ["-c", "user.name=test", "-c", "user.email=test@localhost"]


@pytest.mark.parametrize(
    ("won", "lost", "p", "expected"),
    [
        (30, 5, 1e-5, "40 errors before, 15 after; 30 images won, 5 lost; p = 1e-05. Significantly better at the 5 % level."),
        (5, 30, 1e-5, "15 errors before, 40 after; 5 images won, 30 lost; p = 1e-05. Significantly worse at the 5 % level."),
        (7, 5, 0.774, "17 errors before, 15 after; 7 images won, 5 lost; p = 0.77. Not significant at the 5 % level."),
        (0, 0, 1.0, "10 errors before, 10 after; 0 images won, 0 lost; p = 1. The same images are right."),
    ],
)  # fmt: skip
def test_the_sentence(won, lost, p, expected):
    pair = {"only_first_wrong": won, "only_second_wrong": lost, "both_wrong": 10, "p_value": p}
    assert significance.describe(pair) == expected


def run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def commit(folder: Path) -> None:
    run(folder, "git", "add", "--all")
    run(folder, "git", *IDENTITY, "commit", "--quiet", "--message", "x")


def predict(folder: Path, recipe: str, predictions: list[int], *, labels=(0, 1, 2, 3, 4), names="abcde") -> None:
    """Writes the recipe's predictions.csv as the stage evaluate does."""
    table = pd.DataFrame({"filename": list(names), "class_id": labels, "prediction": predictions})
    write_csv(folder / f"metrics/{recipe}/predictions.csv", table)


def name_recipes(folder: Path, *recipes: str) -> None:
    (folder / "params.yaml").write_text(json.dumps({"train": {recipe: {} for recipe in recipes}}))


@pytest.fixture
def history(tmp_path, monkeypatch):
    """A clone without data and cache, with three commits: no recipe evaluated, then both, then `first` again."""
    origin = tmp_path / "origin"
    origin.mkdir()
    run(origin, "git", "init", "--quiet")
    shutil.copytree(ROOT / ".dvc", origin / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp"))
    name_recipes(origin, "first", "second")
    commit(origin)
    predict(origin, "first", [0, 1, 0, 0, 0])
    predict(origin, "second", [0, 1, 2, 3, 0])
    commit(origin)
    predict(origin, "first", [1, 1, 2, 3, 4])
    commit(origin)
    run(tmp_path, "git", "clone", "--quiet", "origin", "clone")
    monkeypatch.chdir(tmp_path / "clone")
    return tmp_path / "clone"


def output(capsys, monkeypatch, *arguments: str) -> list[str]:
    monkeypatch.setattr(sys, "argv", ["significance", *arguments])
    significance.main()
    *lines, note = capsys.readouterr().out.splitlines()
    assert note.startswith("The test assumes independent images")
    return lines


def error_of(capsys, monkeypatch, *arguments: str) -> str:
    monkeypatch.setattr(sys, "argv", ["significance", *arguments])
    with pytest.raises(InputError) as error:
        significance.main()
    assert capsys.readouterr().out == "" and "\n" not in str(error.value)
    return str(error.value)


COUNTS = "first: 3 errors before, 1 after; 3 images won, 1 lost; p = 0.62. "
FEWER_ERRORS = COUNTS + "Not significant at the 5 % level."
SAME = "second: 1 errors before, 1 after; 0 images won, 0 lost; p = 1. The same images are right."


def test_two_commits_in_a_clone_without_a_cache(history, capsys, monkeypatch):
    assert not (history / ".dvc/cache").exists() and not (history / "data").exists()
    assert output(capsys, monkeypatch, "HEAD~1", "HEAD") == [FEWER_ERRORS, SAME]


def test_a_workspace_with_other_data(history, capsys, monkeypatch):
    """Revisions are compared by their own labels; the workspace itself cannot be compared with them."""
    for recipe in ("first", "second"):
        predict(history, recipe, [5, 6], labels=(6, 6), names="xy")
    assert output(capsys, monkeypatch, "HEAD~1", "HEAD") == [FEWER_ERRORS, SAME]
    expected = "HEAD was tested on 5 images and the workspace on 2, of which 0 are the same with the same label; "
    assert error_of(capsys, monkeypatch).startswith(expected)


def test_other_labels_of_the_same_images(history, capsys, monkeypatch):
    for recipe in ("first", "second"):
        predict(history, recipe, [0, 1, 2, 3, 4], labels=(0, 1, 2, 4, 3))
    expected = "HEAD~1 was tested on 5 images and the workspace on 5, of which 3 are the same with the same label; "
    assert error_of(capsys, monkeypatch, "HEAD~1").startswith(expected)


def test_the_last_commit_and_the_workspace(history, capsys, monkeypatch):
    predict(history, "first", [0, 1, 2, 3, 4])
    better, same = output(capsys, monkeypatch)
    assert better.startswith("first: 1 errors before, 0 after; 1 images won, 0 lost; ")
    assert same == SAME


@pytest.mark.seconds
def test_an_experiment(history, capsys, monkeypatch):
    predict(history, "first", [0, 0, 0, 0, 0])
    (history / "dvc.yaml").write_text("stages: {}\n")
    identity = {f"GIT_{who}_{key}": "x" for who in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    for key, value in identity.items():
        monkeypatch.setenv(key, value)
    run(history, sys.executable, "-m", "dvc", "exp", "save", "--name", "idea", "--include-untracked", "dvc.yaml")
    run(history, "git", "checkout", "--quiet", "--force", "HEAD")
    worse, same = output(capsys, monkeypatch, "HEAD", "idea")
    assert worse.startswith("first: 1 errors before, 4 after; 1 images won, 4 lost; ")
    assert same == SAME


def test_files_of_a_renamed_recipe_are_not_compared(history, capsys, monkeypatch):
    name_recipes(history, "renamed", "second")
    predict(history, "renamed", [0, 1, 2, 3, 4])
    commit(history)
    assert (history / "metrics/first/predictions.csv").exists()
    assert output(capsys, monkeypatch, "HEAD~1", "HEAD") == [SAME]
    name_recipes(history, "renamed")
    assert (
        error_of(capsys, monkeypatch, "HEAD~1") == "no recipe is in both: HEAD~1 has first, second; the workspace has renamed"
    )


def test_a_revision_without_predictions(history, capsys, monkeypatch):
    expected = (
        "HEAD~2 has no metrics/RECIPE/predictions.csv; name another revision, or run `dvc repro evaluate` there and commit"
    )
    assert error_of(capsys, monkeypatch, "HEAD~2", "HEAD") == expected
    shutil.rmtree(history / "metrics")
    assert error_of(capsys, monkeypatch).startswith("the workspace has no metrics/RECIPE/predictions.csv; ")


@pytest.mark.parametrize("content", ["", "- train\n", "evaluate: {}\n", "train:\n", "train: first\n"])
def test_params_without_recipes(history, capsys, monkeypatch, content):
    (history / "params.yaml").write_text(content)
    expected = "the workspace: params.yaml has no section `train`; expected its recipes; name another revision"
    assert error_of(capsys, monkeypatch) == expected


@pytest.mark.parametrize("arguments", [["nowhere"], ["HEAD", "nowhere"]])
def test_an_unknown_revision(history, capsys, monkeypatch, arguments):
    expected = "nowhere: cannot be read (unknown Git revision 'nowhere'); `dvc exp list` names the experiments"
    assert error_of(capsys, monkeypatch, *arguments) == expected


@pytest.mark.parametrize("text", ["", "<<<<<<< ours\n", "filename,class_id,prediction\na,stop,1\n"])
def test_a_file_that_cannot_be_parsed(history, capsys, monkeypatch, text):
    (history / "metrics/first/predictions.csv").write_text(text)
    assert error_of(capsys, monkeypatch).startswith(
        "metrics/first/predictions.csv (the workspace): cannot be read as predictions ("
    )
