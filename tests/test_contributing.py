"""CONTRIBUTING.md's steps for a recipe, followed as they are written, on a copy of the project."""

import sys
from copy import deepcopy

import yaml
from conftest import ROOT
from small_project import Project

from gtsrb.config.params import load

NAME = "another"


def steps(text: str) -> list[list[str]]:
    """The rows of the table under "A recipe": file, place, what to add there."""
    lines = text.split("**A recipe.**")[1].split("\n\n")[1].splitlines()
    return [[cell.strip(" `") for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def add(content: dict, place: str, addition: dict | list) -> None:
    """Adds to the dict or list at a place such as `stages.compare.deps`; a list of dicts with one key each counts as a dict."""
    for key in place.split("."):
        content = content[key] if isinstance(content, dict) else next(one[key] for one in content if key in one)
    content.extend(addition) if isinstance(content, list) else content.update(addition)


def test_the_steps_for_a_recipe_are_all_there_is_to_do(new_project: Project):
    """After them, the tests that run no pipeline pass, and DVC knows what to run; nothing else was edited."""
    folder = new_project.folder
    files = {name: yaml.safe_load((ROOT / name).read_text()) for name in ("params.yaml", "dvc.yaml")}
    old = next(iter(files["params.yaml"]["train"]))
    for file, place, addition in steps((ROOT / "CONTRIBUTING.md").read_text()):
        if addition.startswith("a copy of"):
            add(files[file], place, {NAME: deepcopy(files[file][place][old])})
        else:
            add(files[file], place, yaml.safe_load(addition.replace("NAME", NAME)))
    for file, content in files.items():
        (folder / file).write_text(yaml.safe_dump(content, sort_keys=False))

    assert NAME in load(folder / "params.yaml").train
    new_project.run(sys.executable, "-m", "pytest", "-q", "-m", "not seconds and not slow", "tests/pipeline/test_dvc_yaml.py")
    stages = new_project.dvc("stage", "list", "--name-only").splitlines()
    assert {f"{stage}@{NAME}" for stage in ("train", "evaluate", "robustness", "export")} <= set(stages)
