"""What `make setup` installs: the lists of packages, and make itself with a Python that only notes what it is asked for."""

import os
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT

LISTS = sorted(path.name for path in ROOT.glob("requirements*.txt"))


def pins(name: str) -> dict[str, list[str]]:
    """Package -> its lines, each a version and on which Pythons and platforms it is that one."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / name).read_text().splitlines():
        package, version = line.split("==", 1)
        found.setdefault(package, []).append(version)
    return found


@pytest.mark.parametrize("name", LISTS)
def test_every_line_of_a_list_is_a_version(name):
    """No options, so no index's address either, and nothing that is not pinned."""
    assert all(pins(name).values())


@pytest.mark.parametrize(
    ("name", "package"), [("requirements-cpu.txt", "tensorflow-cpu"), ("requirements-gpu.txt", "tensorflow")]
)
def test_the_lists_differ_in_tensorflow_alone(name, package):
    everywhere, here = pins("requirements.txt"), pins(name)
    assert here.keys() & {"tensorflow", "tensorflow-cpu"} == {package}
    assert here.pop(package) == everywhere.pop("tensorflow")
    assert {package: versions for package, versions in here.items() if not package.startswith("nvidia-")} == everywhere


@pytest.mark.parametrize("name", [name for name in LISTS if name != "requirements.txt"])
def test_a_package_has_one_version_in_all_lists(name):
    everywhere, here = pins("requirements.txt"), pins(name)
    assert {package: here[package] for package in here.keys() & everywhere.keys()} == {
        package: everywhere[package] for package in here.keys() & everywhere.keys()
    }


class Machine:
    """A folder with this Makefile, programs that say what they are told to say, and a Python that notes its arguments."""

    def __init__(self, folder: Path):
        self.folder = folder
        for name in ("Makefile", *LISTS):
            (folder / name).write_bytes((ROOT / name).read_bytes())
        self.program(
            "python3", f'echo "$@" >> "{folder}/log"\nif [ "$2" = venv ]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; fi'
        )

    def program(self, name: str, script: str) -> None:
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def setup(self, *, system: str, gpu: bool) -> list[str]:
        """What Python is asked for by `make setup`."""
        self.program("uname", f"echo {system}")
        self.program("nvidia-smi", "echo GPU 0: NVIDIA Test" if gpu else "exit 9")
        (self.folder / "log").write_text("")
        environment = os.environ | {"PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        subprocess.run(
            ["make", "--silent", "PYTHON=python3", "setup"], cwd=self.folder, env=environment, check=True, capture_output=True
        )
        asked = [line for line in (self.folder / "log").read_text().splitlines() if line.startswith("-m")]
        return [line.replace(" --quiet", "").replace(" --disable-pip-version-check", "") for line in asked]


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.mark.parametrize(
    ("system", "gpu", "expected"),
    [
        ("Linux x86_64", False, "requirements-cpu.txt"),
        ("Linux x86_64", True, "requirements-gpu.txt"),
        ("Linux aarch64", False, "requirements.txt"),
        ("Darwin arm64", False, "requirements.txt"),
        ("Darwin x86_64", False, "requirements.txt"),
    ],
)
def test_setup_takes_the_list_for_this_machine(machine, system, gpu, expected):
    assert machine.setup(system=system, gpu=gpu) == ["-m venv .venv", f"-m pip install --requirement {expected}"]
    assert machine.setup(system=system, gpu=gpu) == []


def test_another_tensorflow_goes_before_this_one_comes(machine):
    """And back again: a machine whose driver fails for a day, or an environment made before there were two lists."""
    cpu, gpu = {"system": "Linux x86_64", "gpu": False}, {"system": "Linux x86_64", "gpu": True}
    machine.setup(**cpu)
    to_gpu = ["-m pip uninstall --yes tensorflow-cpu", "-m pip install --requirement requirements-gpu.txt"]
    to_cpu = ["-m pip uninstall --yes tensorflow", "-m pip install --requirement requirements-cpu.txt"]
    assert machine.setup(**gpu) == to_gpu
    assert machine.setup(**cpu) == to_cpu
    assert machine.setup(**gpu) == to_gpu
    assert machine.setup(**gpu) == []
