"""docs/architecture.md: its file map is the tree, and imports go one way; every package says in its first lines what it is."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path, PurePosixPath

import pytest
from conftest import ROOT
from small_project import project_files

from gtsrb.studies.code_dependencies import imported_files

ROOMS = ("stages/", "gtsrb/", "scripts/", "app/", "examples/", "web/", "tests/")
FILES = [name for name in project_files() if name.startswith(ROOMS)]


def file_map() -> list[str]:
    """The paths that the document lists, whose indentation is their directories'; a directory ends in a slash."""
    paths, parents = [], []
    for line in (ROOT / "docs/architecture.md").read_text().split("## The files")[1].splitlines():
        if match := re.fullmatch(r"((?:  )*)(\S+) {2,}\S.*", line):
            parents[len(match[1]) // 2 :] = [match[2]]
            paths.append("".join(parents))
    return paths


def test_every_file_has_a_line_and_every_line_a_file():
    """The line of a package is that of its `__init__.py`; one with no lines below it is of all that the directory holds."""
    listed = file_map()
    leaves = tuple(path for path in listed if path.endswith("/") and not any(path in other[:-1] for other in listed))
    entries = {next((leaf for leaf in leaves if name.startswith(leaf)), name.removesuffix("__init__.py")) for name in FILES}
    directories = {f"{parent}/" for entry in entries for parent in PurePosixPath(entry).parents if parent.name}
    assert sorted(listed) == sorted(entries | directories)


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith("/__init__.py")])
def test_a_package_says_what_it_is(name):
    docstring = ast.get_docstring(ast.parse((ROOT / name).read_text())) or ""
    assert 2 <= len(docstring.splitlines()) <= 4, docstring


def test_packages_do_not_import_each_other_in_a_circle(monkeypatch):
    monkeypatch.chdir(ROOT)
    needs: dict[Path, set[Path]] = {}
    for path in Path("gtsrb").glob("*/*.py"):
        needs.setdefault(path.parent, set()).update(file.parent for file in imported_files(path))
    assert len(needs) > 5
    TopologicalSorter({room: rooms - {room} for room, rooms in needs.items()}).prepare()  # CycleError names the circle


def test_the_library_imports_nothing_of_what_runs_it():
    for path in ROOT.glob("gtsrb/**/*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        modules = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
        modules += [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
        assert not {module.split(".")[0] for module in modules} & {"stages", "scripts", "app"}, path
