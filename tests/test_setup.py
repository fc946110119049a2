"""What `make setup` installs: the pins of pyproject.toml's lists; and make itself, with a Python that notes its arguments."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
PINNED = {"constraints.txt": list(EXTRAS), "requirements.txt": ["cpu"]}  # the extras of each file
TENSORFLOW = {"tensorflow", "tensorflow-cpu"}


def named(*extras: str) -> list[Requirement]:
    """What pyproject.toml names for an environment with these extras, those that an extra includes among them."""
    found = [Requirement(line) for line in PROJECT["dependencies"]]
    for extra in extras:
        for requirement in map(Requirement, EXTRAS[extra]):
            found += named(*requirement.extras) if requirement.name == PROJECT["name"] else [requirement]
    return found


def names(requirements: list[Requirement]) -> set[str]:
    return {canonicalize_name(requirement.name) for requirement in requirements}


def pins(name: str) -> list[tuple[Requirement, set[str]]]:
    """One pair per line: package, version and the platforms that have it, and who needs it, as uv writes them."""
    lines = [line.split("  # via ") for line in (ROOT / name).read_text().splitlines() if not line.startswith("#")]
    return [(Requirement(pin), set(via.split(", "))) for pin, via in lines]


@pytest.mark.parametrize("name", PINNED)
def test_every_line_is_one_version(name):
    """No option, so no index address either, and no extra, which pip does not take in a constraint."""
    for pin, _ in pins(name):
        assert [specifier.operator for specifier in pin.specifier] == ["=="]
        assert not pin.url
        assert not pin.extras


@pytest.mark.parametrize(("name", "extras"), PINNED.items())
def test_the_pins_are_those_of_pyproject(name, extras):
    (update,) = re.findall(r"^# +(uv pip compile .*)", (ROOT / name).read_text(), re.MULTILINE)
    direct = [pin for pin, via in pins(name) if "gtsrb (pyproject.toml)" in via]
    assert names(direct) == names(named(*extras)), f"{name} is stale: {update}"
    for wanted in named(*extras):
        versions = [specifier.version for pin in direct if names([pin]) == names([wanted]) for specifier in pin.specifier]
        assert all(map(wanted.specifier.contains, versions)), f"{name} is stale: {update}"


def test_requirements_are_pinned_as_the_constraints():
    constraints = {(pin.name, str(pin.specifier)) for pin, _ in pins("constraints.txt")}
    assert {(pin.name, str(pin.specifier)) for pin, _ in pins("requirements.txt")} <= constraints


@pytest.mark.parametrize(
    ("system", "machine", "package"),
    [("linux", "x86_64", "tensorflow-cpu"), ("linux", "aarch64", "tensorflow"), ("darwin", "arm64", "tensorflow")],
)
def test_requirements_have_one_tensorflow(system, machine, package):
    """The smaller where there is one; they overwrite each other's files."""
    here = {"sys_platform": system, "platform_machine": machine}
    installed = {pin.name for pin, _ in pins("requirements.txt") if not pin.marker or pin.marker.evaluate(here)}
    assert installed & TENSORFLOW == {package}


def test_the_page_goes_without_tensorflow_and_dvc():
    needed, before = names(named("app")), set()
    while needed != before:
        before = needed
        needed = needed | {pin.name for pin, via in pins("constraints.txt") if via & needed}
    assert needed > names(named("app"))
    assert not needed & {*TENSORFLOW, "keras", "dvc"}


class Machine:
    """A folder with this Makefile, programs that say what they are told to say, and a Python that notes its arguments."""

    def __init__(self, folder: Path):
        self.folder = folder
        for name in ("Makefile", "pyproject.toml", "constraints.txt"):
            (folder / name).write_bytes((ROOT / name).read_bytes())
        self.program(
            "python3", f'echo "$@" >> "{folder}/log"\nif [ "$2" = venv ]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; fi'
        )

    def program(self, name: str, script: str) -> None:
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def make(self, target: str, *, system: str, gpu: bool) -> list[str]:
        """What Python is asked for, without the options that every installation has."""
        self.program("uname", f"echo {system}")
        self.program("nvidia-smi", "echo GPU 0: NVIDIA Test" if gpu else "echo NVIDIA-SMI has failed; exit 9")
        (self.folder / "log").write_text("")
        environment = os.environ | {"PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        command = ["make", "--silent", "PYTHON=python3", target]
        result = subprocess.run(command, cwd=self.folder, env=environment, check=True, capture_output=True, text=True)
        self.complaints = result.stderr
        asked = [
            line
            for line in (self.folder / "log").read_text().splitlines()
            if line.startswith("-m") and line != "-m pip --version"
        ]
        assert all("--constraint constraints.txt" in line for line in asked if "pip install" in line)
        options = r" --(quiet|disable-pip-version-check|constraint \S+)"
        return [re.sub(options, "", line) for line in asked]


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


CPU, GPU = {"system": "Linux x86_64", "gpu": False}, {"system": "Linux x86_64", "gpu": True}


@pytest.mark.parametrize(
    ("system", "gpu", "extras"),
    [
        ("Linux x86_64", False, "cpu,dev"),
        ("Linux x86_64", True, "gpu,dev"),
        ("Linux aarch64", False, "cpu,dev"),
        ("Darwin arm64", False, "cpu,dev"),
    ],
)
def test_setup_takes_the_extras_for_this_machine(machine, system, gpu, extras):
    assert machine.make("setup", system=system, gpu=gpu) == ["-m venv .venv", f"-m pip install --editable .[{extras}]"]
    assert machine.make("setup", system=system, gpu=gpu) == []


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
@pytest.mark.parametrize(("system", "other"), [("Linux x86_64", "tensorflow"), ("Linux aarch64", "tensorflow-cpu")])
def test_another_list_is_installed_anew(machine, name, system, other):
    """And the TensorFlow that is there stays, whichever it is."""
    machine.make("setup", system=system, gpu=False)
    os.utime(machine.folder / name, (2**31, 2**31))
    again = [f"-m pip uninstall --yes {other}", "-m pip install --editable .[cpu,dev]"]
    assert machine.make("setup", system=system, gpu=False) == again


def test_another_tensorflow_goes_before_this_one_comes(machine):
    """And back again: a machine whose driver fails for a day."""
    machine.make("setup", **CPU)
    to_gpu = ["-m pip uninstall --yes tensorflow-cpu", "-m pip install --editable .[gpu,dev]"]
    to_cpu = ["-m pip uninstall --yes tensorflow", "-m pip install --editable .[cpu,dev]"]
    assert machine.make("setup", **GPU) == to_gpu
    assert machine.make("setup", **CPU) == to_cpu
    assert machine.make("setup", **GPU) == to_gpu
    assert machine.make("setup", **GPU) == []


@pytest.mark.parametrize("extra", ["jax", "notebook", "cluster"])
def test_an_extra_is_added_to_what_is_there(machine, extra):
    machine.make("setup", **CPU)
    mark = f".venv/{extra}.installed"
    assert machine.make(mark, **CPU) == [f"-m pip install --editable .[{extra}]"]
    assert machine.make(mark, **CPU) == []
    assert machine.make(mark, **GPU)[1:] == ["-m pip install --editable .[gpu,dev]", f"-m pip install --editable .[{extra}]"]


def test_an_environment_that_was_not_finished_is_made_anew(machine):
    broken = machine.folder / ".venv/bin/python"
    broken.parent.mkdir(parents=True)
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    assert machine.make("setup", **CPU) == ["-m venv .venv", "-m pip install --editable .[cpu,dev]"]


def test_the_page_has_an_environment_of_its_own(machine):
    asked = machine.make("app", **CPU)
    assert asked == ["-m venv .venv-app", "-m pip install --editable .[app]", "-m streamlit run app/main.py"]


@pytest.mark.parametrize("has_npm", [True, False])
def test_the_static_page_takes_the_packages_of_npm_where_there_is_one(machine, monkeypatch, has_npm):
    """Elsewhere its script says that it needs npm, and make nothing before."""
    for name in ("package.json", "package-lock.json"):
        (machine.folder / name).write_bytes((ROOT / name).read_bytes())
    for name in ("make", "bash", "grep", "rm", "touch", "mkdir", "cp"):
        (machine.folder / "bin" / name).symlink_to(shutil.which(name))
    monkeypatch.setenv("PATH", str(machine.folder / "bin"))
    if has_npm:
        machine.program("npm", "mkdir node_modules")
    assert machine.make("site", **CPU)[-1] == "-m scripts.build_site"
    assert (machine.folder / "node_modules/.installed").exists() == has_npm
    assert machine.complaints == ""
