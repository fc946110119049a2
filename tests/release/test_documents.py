"""What README and docs name is there: files, make's targets, modules, every stage of the pipeline."""

import re
from importlib.util import find_spec

import pytest
import yaml
from conftest import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]


@pytest.fixture(params=DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def document(request):
    return request.param


def test_its_links_lead_to_files(document):
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text())
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    assert not missing


def test_the_files_of_code_that_it_names_exist(document):
    names = set(re.findall(r"(?<![\w./])(?:gtsrb|stages|scripts|app|tests|docs)/[\w./-]*\w", document.read_text()))
    missing = [name for name in names if "NAME" not in name and not (ROOT / name).exists()]
    assert not missing


def test_its_commands_exist(document):
    text = document.read_text()
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^    |&& )make ([\w-]+)", text, re.MULTILINE)) <= targets
    missing = [module for module in re.findall(r"python -m\s+([\w.]+)", text) if find_spec(module) is None]
    assert not missing


def test_its_stages_exist(document):
    """Of every target of `dvc repro` that is named, as STAGE@SECTION or STAGE."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    for stage, section in re.findall(r"dvc repro\s+(\w+)(?:@(\w+))?", document.read_text()):
        assert stage in stages
        sections = params[{"preprocess": "preprocess", "render": "render"}.get(stage, "train")]
        assert section in {"", "NAME", "RECIPE", *sections}


def test_the_flow_names_every_stage():
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    graph = (ROOT / "docs/architecture.md").read_text().split("```mermaid")[1].split("```")[0]
    assert all(stage in graph for stage in stages)
