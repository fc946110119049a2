"""Fixtures: the params of this project, and small copies of the project."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import filelock
import pytest
import yaml
from small_project import ROOT, Project

from gtsrb.config.params import Params, load

if "PYTEST_XDIST_WORKER" in os.environ:  # one core per worker; by default TensorFlow starts threads for all cores in each
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
os.environ["GTSRB_JOBS"] = "1"  # for the same reason; tests of processes side by side say otherwise


@pytest.fixture(autouse=True)
def float32() -> None:
    """Keras' default, whatever precision the test before has trained in: it is one for the whole process."""
    if keras := sys.modules.get("keras"):
        keras.config.set_dtype_policy("float32")


@pytest.fixture
def params() -> Params:
    """The committed params.yaml."""
    return load(ROOT / "params.yaml")


@pytest.fixture
def raw_params() -> dict:
    """The committed params.yaml as plain dicts, for tests to modify."""
    return yaml.safe_load((ROOT / "params.yaml").read_text())


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which the complete pipeline has been run and committed; all tests and workers share it, read-only."""
    shared_folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared_folder = shared_folder.parent
    folder, output = shared_folder / "a finished project", shared_folder / "finished.txt"
    with filelock.FileLock(shared_folder / "finished.lock"):
        if not output.exists():
            project = Project.new(folder)
            repro_output = project.dvc("repro")
            project.commit("Run the pipeline")
            output.write_text(repro_output)
    return Project(folder, output.read_text())


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Iterator[Project]:
    """A copy of the finished project, to modify."""
    before = finished.linked_files()
    yield finished.copy(tmp_path / "a project")
    assert finished.linked_files() == before, "a file that all copies share was modified, not replaced"


@pytest.fixture
def new_project(tmp_path: Path) -> Project:
    """A project in which nothing has been run; its path contains a space, as a user's may."""
    return Project.new(tmp_path / "a project")


def needs_project(item: pytest.Item) -> bool:
    return bool({"finished", "project", "new_project"} & set(getattr(item, "fixturenames", ())))


@pytest.hookimpl(tryfirst=True)  # before pytest's own hook, which selects by marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Runs tests that need a project first, since they take longest, and skips slow ones unless selected."""
    if tensorflow := sys.modules.get("tensorflow"):  # what recipes of tests have, set before any test has TensorFlow start
        tensorflow.config.threading.set_intra_op_parallelism_threads(1)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    items.sort(key=lambda item: not needs_project(item))
    for item in items:
        if needs_project(item):
            item.add_marker("seconds")
    if "slow" not in config.getoption("markexpr"):
        skip = pytest.mark.skip(reason="slow: `make test-slow` runs it")
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(skip)
