"""The tour, a notebook for the tutorial's readers: its outputs are of its own cells and of synthetic signs alone."""

import ast
import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import ROOT
from small_project import project_files

from gtsrb.studies.study import resolve_params
from scripts import run_tour

TOUR = ROOT / run_tour.TOUR
SECTIONS = ["Look at the signs", "Equalise", "Crop and resize", "The network", "Train", "Augment", "Test", "What to try"]


@pytest.fixture(scope="module")
def book() -> dict:
    return json.loads(TOUR.read_text())


@pytest.fixture(scope="module")
def cells(book) -> list[dict]:
    return book["cells"]


def code(cells: list[dict]) -> list[dict]:
    return [cell for cell in cells if cell["cell_type"] == "code"]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def kinds(cell: dict) -> list[str]:
    """Of each output of a code cell: text that was printed, or how it is shown at its best."""
    shown = ("image/png", "text/html", "text/plain")
    return [
        output["name"] if output["output_type"] == "stream" else next(kind for kind in shown if kind in output["data"])
        for output in cell["outputs"]
    ]


def test_it_has_the_sections_of_the_tutorial(cells):
    headings = re.findall(r"^## (.*)$", "\n".join(source(cell) for cell in cells if cell["cell_type"] == "markdown"), re.M)
    assert headings == SECTIONS


def test_each_section_has_a_picture(cells):
    pictures = dict.fromkeys(SECTIONS, 0)
    section = ""
    for cell in cells:
        if found := re.search(r"^## (.*)$", source(cell), re.M):
            section = found[1]
        if cell["cell_type"] == "code" and "image/png" in kinds(cell):
            pictures[section] += 1
    assert [name for name, number in pictures.items() if not number] == ["What to try"]


def test_it_defines_nothing_that_belongs_into_the_library(cells):
    for cell in code(cells):
        python = "" if source(cell).startswith("%%") else re.sub("^%.*", "", source(cell), flags=re.M)
        defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
        assert not any(isinstance(node, defined) for node in ast.walk(ast.parse(python))), source(cell)


def test_its_outputs_are_of_these_cells_and_one_run_from_top_to_bottom(book, cells):
    assert book["metadata"]["sources_sha256"] == run_tour.sources_sha256(book), "run `python -m scripts.run_tour`"
    assert [cell["execution_count"] for cell in code(cells)] == [*range(1, len(code(cells)) + 1)]
    assert "stderr" not in [kind for cell in code(cells) for kind in kinds(cell)]
    assert TOUR.stat().st_size < 1.5e6


def test_it_shows_synthetic_signs_and_nothing_of_the_machine_it_ran_on(cells):
    text = TOUR.read_text()
    assert "ingest.source=synthetic" in text
    assert "GTSRB_DIR" not in text
    assert not any(cell.get("attachments") for cell in cells)
    assert not re.search("/(home|root|Users|tmp)/", text)
    for place in (ROOT, Path.home(), tempfile.gettempdir()):
        assert str(place) not in text


def test_what_it_says_to_try_can_be_tried(cells):
    section = source(cells[-1])
    tried = re.findall(r"^    dvc exp run (.*)$", section, re.M) + re.findall(r"`(-S .*?)`", section)
    assert len(tried) > 8
    content = (ROOT / "params.yaml").read_text()
    for arguments in tried:
        words = shlex.split(arguments)
        resolve_params(content, [value for flag, value in pairwise(words) if flag == "-S"])


@pytest.mark.parametrize("start", [".", "notebooks"])
def test_it_finds_the_project_from_its_root_and_from_the_folder_of_the_notebook(cells, start):
    first = source(code(cells)[0]) + "\nassert os.getcwd() != str(root)\nprint(root)"
    command = [sys.executable, "-c", first]
    result = subprocess.run(command, cwd=ROOT / start, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == str(ROOT)


@pytest.mark.slow
def test_it_runs_in_minutes_and_leaves_the_project_as_it_was(book, cells, tmp_path):
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    for name in project_files():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    before = contents(tmp_path)

    asked = {"cell_type": "code", "id": "learned", "source": "print(results[chosen]['accuracy_low'])"}
    cell = asked | {"execution_count": None, "metadata": {}, "outputs": []}
    started = time.monotonic()
    after = run_tour.run_cells(book | {"cells": [*cells, cell]}, tmp_path / "notebooks")

    assert time.monotonic() - started < 400  # two minutes on two cores that have nothing else to do
    *executed, learned = code(after["cells"])
    assert float("".join(learned["outputs"][0]["text"])) > 0.6
    assert [set(kinds(cell)) for cell in executed] == [set(kinds(cell)) for cell in code(cells)]
    assert contents(tmp_path) == before


def contents(folder: Path) -> dict[Path, bytes]:
    """Of each file, but for what Python compiles."""
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path: path.read_bytes() for path in files}
