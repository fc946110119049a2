"""What the tests share: the params of this project, and whole projects of their own on a few rendered signs."""

import os
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from gtsrb.params import Params, load

ROOT = Path(__file__).parent.parent

SMALL = {  # the whole pipeline in about a minute on two cores
    "ingest.source": "rendered",
    "ingest.rendered": {"tracks_per_class": 15, "frames_per_track": 2, "test_images_per_class": 5, "seed": 0},
    "preprocess.equalized.size": 32,
    "robustness.images": 86,
}
for _recipe, _epochs in (("baseline", 10), ("augmented", 14)):
    SMALL |= {
        f"train.{_recipe}.epochs": _epochs,
        f"train.{_recipe}.network": {
            "family": "plain",
            "standardize": "none",
            "filters": [16, 32],
            "padding": ["same", "valid"],
            "kernel_size": 3,
            "pool_size": 2,
            "block_dropout": 0.1,
            "batch_normalization": False,
            "head": "flatten",
            "dense_units": [64],
            "dense_dropout": 0.1,
            "activation": "relu",
            "kernel_initializer": "he_uniform",
        },
        f"train.{_recipe}.batch_size": 16,
        f"train.{_recipe}.optimizer.learning_rate": 0.005,
        f"train.{_recipe}.schedule.every": 8,
        f"train.{_recipe}.validation": {"split": "tracks", "folds": 5, "fold": 0, "seed": 0},
    }
SMALL |= {
    "preprocess.roi_both.size": 32,
    "train.champion.epochs": 6,
    "train.champion.members": 2,
    "train.champion.batch_size": 16,
    "train.champion.network": SMALL["train.augmented.network"] | {"standardize": "channels"},
}


@pytest.fixture
def params() -> Params:
    """The committed params.yaml."""
    return load(ROOT / "params.yaml")


@pytest.fixture
def raw_params() -> dict:
    """The committed params.yaml as plain dicts, to break."""
    return yaml.safe_load((ROOT / "params.yaml").read_text())


def put(content: dict, key: str, value: object) -> None:
    """content["a"]["b"] = value for the key `a.b`."""
    *parents, last = key.split(".")
    for parent in parents:
        content = content[parent]
    content[last] = deepcopy(value)


class Project:
    """A copy of this project in a folder of its own: a Git repository with a DVC cache of its own."""

    def __init__(self, folder: Path):
        self.folder = folder
        for name in self.git_files():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
        self.edit(SMALL)
        self.run("git", "init", "--quiet")
        self.commit("A small project")

    @staticmethod
    def git_files() -> list[str]:
        """The project's files, committed or not, without what DVC writes."""
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate"]
        names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
        return [name for name in names if (ROOT / name).is_file() and not name.startswith(("metrics/", "dvc.lock"))]

    def edit(self, changes: dict[str, object]) -> None:
        path = self.folder / "params.yaml"
        content = yaml.safe_load(path.read_text())
        for key, value in changes.items():
            put(content, key, value)
        path.write_text(yaml.safe_dump(content, sort_keys=False))

    def commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "--quiet", "--message", message)

    def dvc(self, *arguments: str) -> str:
        return self.run(sys.executable, "-m", "dvc", *arguments)

    def run(self, *command: str) -> str:
        """Standard output and error of a command that has to end well."""
        result = subprocess.run(command, cwd=self.folder, env=self.environment(), capture_output=True, text=True, check=False)
        output = result.stdout + result.stderr
        assert result.returncode == 0, output
        return output

    @staticmethod
    def environment() -> dict[str, str]:
        """This one, with this Python first on the path: the stages' `python`."""
        return os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(scope="session")
def new_project(tmp_path_factory: pytest.TempPathFactory):
    """Makes a `Project`; its path has a space in it, as a user's may."""
    return lambda: Project(tmp_path_factory.mktemp("a project"))


@pytest.fixture(scope="session")
def project(new_project) -> Project:
    """A project in which the whole pipeline has been run and committed."""
    project = new_project()
    project.output = project.dvc("repro")
    project.commit("Run the pipeline")
    return project
