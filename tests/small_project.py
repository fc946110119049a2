"""Small copies of the project, which run on a few synthetic signs."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence, Set
from copy import deepcopy
from pathlib import Path
from typing import Any, Self

import yaml

from scripts.demo import FINE_DAY

ROOT = Path(__file__).parent.parent


def recipes_to_run(content: dict) -> list[str]:
    """The first recipe with validation images and the last ensemble: more recipes do not make the tests longer."""
    recipes = content["train"]
    first = next(name for name, recipe in recipes.items() if "validation" in recipe)
    return [first, [name for name, recipe in recipes.items() if name != first and recipe["members"] > 1][-1]]


def remove_recipes(content: dict, recipes: Set[str]) -> dict:
    """The content of params.yaml or dvc.yaml without the sections and files of these recipes."""
    sections = ("train", "evaluate", "crossvalidate", "artifacts")
    kept = {
        name: {key: value for key, value in section.items() if key not in recipes} if name in sections else section
        for name, section in content.items()
    }
    return remove_files(kept, recipes)


def remove_files(content: Any, recipes: Set[str]) -> Any:
    """The content without keys and list entries that name a file of these recipes."""

    def belongs_to_recipes(text: object) -> bool:
        return isinstance(text, str) and any(f"metrics/{name}/" in text for name in recipes)

    if isinstance(content, dict):
        kept = {key: remove_files(value, recipes) for key, value in content.items() if not belongs_to_recipes(key)}
        for name in kept.keys() & {"thresholds_from", "foreach"}:
            if isinstance(kept[name], dict):
                kept[name] = {recipe: value for recipe, value in kept[name].items() if recipe not in recipes}
        return kept
    if isinstance(content, list):
        return [remove_files(value, recipes) for value in content if not belongs_to_recipes(value)]
    return content


def remove_unused(content: dict) -> dict:
    """The content of params.yaml without variants and sets of synthetic images that no recipe reads; one set stays."""
    recipes = content["train"].values()
    used, sets = [recipe["images"] for recipe in recipes], {recipe["synthetic"]["set"] for recipe in recipes}
    name, first = next(iter(content["render"].items()))
    rendered = {name: value for name, value in content["render"].items() if name in sets}
    variants = {variant: value for variant, value in content["preprocess"].items() if variant in used}
    return content | {"preprocess": variants, "render": rendered or {name: first | {"images": used[0]}}}


def cross_validate(recipe: str, content: dict, pipeline: dict) -> None:
    """Has the content of params.yaml and dvc.yaml cross-validate this recipe, and no other."""
    content["crossvalidate"] = {recipe: next(iter(content["crossvalidate"].values()))}
    thresholds_from = dict.fromkeys(content["export"]["thresholds_from"], recipe)
    content["export"]["thresholds_from"] = thresholds_from
    pipeline["stages"]["crossvalidate"]["foreach"] = {recipe: f"${{train.{recipe}}}"}


SMALL_NETWORK = {
    "family": "plain",
    "standardize": "channels",  # without, it learns from drawn signs only after some epochs
    "filters": [16, 32],
    "padding": ["same", "valid"],
    "kernel_size": 3,
    "pool_size": 2,
    "pool_after": 2,
    "block_dropout": 0.1,
    "batch_normalization": False,
    "head": "flatten",
    "dense_units": [64],
    "dense_dropout": 0.1,
    "activation": "relu",
    "kernel_initializer": "he_uniform",
}


def shrink_params(content: dict) -> dict:
    """The content of params.yaml with the same recipes and variants, but so small that each takes seconds."""
    small = deepcopy(content)
    small["ingest"]["source"] = "synthetic"
    small["ingest"]["synthetic"] = {"tracks_per_class": 8, "frames_per_track": 2, "test_images_per_class": 3, "seed": 0}
    small["camera"] |= deepcopy(FINE_DAY)
    small["robustness"]["images"] = 43
    small["robustness"]["severities"] = {kind: levels[-1:] for kind, levels in small["robustness"]["severities"].items()}
    small["export"]["crops"] = 3
    for rendered in small["render"].values():
        rendered |= {key: min(rendered[key], value) for key, value in {"tracks_per_class": 2, "without_sign": 20}.items()}
        rendered["frames_per_track"] = 1
    for variant in small["preprocess"].values():
        variant["image_size"] = 32
    for recipe in small["train"].values():
        epochs = 5 if "validation" in recipe else 2
        recipe |= {"epochs": epochs, "members": min(recipe["members"], 2), "batch_size": 16, "threads": 1}
        recipe["network"] = deepcopy(SMALL_NETWORK)
        recipe["optimizer"]["learning_rate"] = 0.01 if recipe["optimizer"]["name"] == "sgd" else 0.002
    for folds in small["crossvalidate"].values():
        folds["folds"] = 2
    for evaluation in small["evaluate"].values():
        if "test_time_augmentation" in evaluation:
            evaluation["test_time_augmentation"] = evaluation["test_time_augmentation"][:2]
    return small


def put(content: dict, key: str, value: object) -> None:
    """content["a"]["b"] = value for the key `a.b`."""
    *parents, last = key.split(".")
    for parent in parents:
        content = content[parent]
    content[last] = deepcopy(value)


HARD_LINKED = (".dvc/cache", "data", "models")


def project_files() -> list[str]:
    """The project's files, committed or not, except those that DVC writes."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [name for name in names if (ROOT / name).is_file() and not name.startswith(("metrics/", "dvc.lock"))]


class Project:
    """A copy of this project in another folder, with its own Git repository and DVC cache."""

    def __init__(self, folder: Path, output: str = ""):
        self.folder = folder
        self.output = output  # of `dvc repro`, if it has been run

    @classmethod
    def new(cls, folder: Path, recipes: Sequence[str] = ()) -> Self:
        """A copy of the project's current files, with small params and nothing run; with `RECIPES_RUN` or these recipes."""
        for name in project_files():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
        project = cls(folder)
        content, pipeline = (yaml.safe_load((ROOT / name).read_text()) for name in ("params.yaml", "dvc.yaml"))
        recipes = recipes or recipes_to_run(content)
        cross_validate(recipes[0], content, pipeline)
        others = content["train"].keys() - set(recipes)
        project.write_params(shrink_params(remove_unused(remove_recipes(content, others))))
        (folder / "dvc.yaml").write_text(yaml.safe_dump(remove_recipes(pipeline, others), sort_keys=False))
        project.run("git", "init", "--quiet")
        project.commit("A small project")
        return project

    def copy(self, folder: Path) -> Self:
        """A copy without DVC's locks; files that DVC and the stages only replace, never modify, are hard links."""

        def link_or_copy(source: str, target: str) -> None:
            is_linked = Path(source).relative_to(self.folder).as_posix().startswith(HARD_LINKED)
            (os.link if is_linked else shutil.copy2)(source, target)

        shutil.copytree(self.folder, folder, copy_function=link_or_copy, ignore=shutil.ignore_patterns("tmp"))
        return type(self)(folder, self.output)

    def linked_files(self) -> dict[Path, tuple[int, int]]:
        """Modification time and size of the files that copies share, which reveal whether one was modified."""
        paths = (path for name in HARD_LINKED for path in (self.folder / name).rglob("*") if path.is_file())
        return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in paths}

    def params(self) -> dict:
        return yaml.safe_load((self.folder / "params.yaml").read_text())

    def write_params(self, content: dict) -> None:
        (self.folder / "params.yaml").write_text(yaml.safe_dump(content, sort_keys=False))

    def edit(self, changes: dict[str, object]) -> None:
        content = self.params()
        for key, value in changes.items():
            put(content, key, value)
        self.write_params(content)

    def commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "--quiet", "--message", message)

    def read_metrics(self, name: str) -> dict:
        return json.loads((self.folder / "metrics" / name).read_text())

    def dvc(self, *arguments: str) -> str:
        return self.run(sys.executable, "-m", "dvc", *arguments)

    def run(self, *command: str) -> str:
        """Standard output and error of a command, which must succeed."""
        result = subprocess.run(command, cwd=self.folder, env=self.environment(), capture_output=True, text=True, check=False)
        output = result.stdout + result.stderr
        assert result.returncode == 0, output
        return output

    @staticmethod
    def environment() -> dict[str, str]:
        """This process's environment, with `python` as this Python."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return os.environ | {"PATH": path}


def list_run_stages(output: str) -> set[str]:
    """Those that `dvc repro` has run and not restored."""
    return {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")}


PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
RECIPES_RUN = recipes_to_run(PARAMS)  # those of a small project
RECIPE = RECIPES_RUN[0]  # has validation images
N_TRAIN, N_TEST = 43 * 8 * 2, 43 * 3  # synthetic images of a small project
