"""What runs elsewhere, as far as it can be run here: the workflow of CI and the container."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

from scripts import build_site

WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
PAGES = yaml.safe_load((ROOT / ".github/workflows/pages.yml").read_text())
CONTAINER = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
COMMANDS = {
    ".ci/run": (ROOT / ".ci/run").read_text(),
    "ci.yml, slow": next(step["run"] for step in WORKFLOW["jobs"]["slow"]["steps"] if "run" in step),
    "pages.yml": next(step["run"] for step in PAGES["jobs"]["publish"]["steps"] if "run" in step),
    "devcontainer.json": CONTAINER["postCreateCommand"],
}


def steps(job: str) -> list[dict]:
    return WORKFLOW["jobs"][job]["steps"]


def test_ci_runs_a_script_of_this_project():
    scripts = [step["run"].removeprefix("bash ") for step in steps("test") if "run" in step]
    assert scripts
    for script in scripts:
        subprocess.run(["bash", "-n", ROOT / script], check=True)


@pytest.mark.parametrize("name", COMMANDS)
def test_make_knows_what_it_is_asked_for(name):
    targets = re.search(r"\bmake ([a-z -]+)", COMMANDS[name])
    assert targets
    subprocess.run(["make", "--dry-run", *targets[1].split()], cwd=ROOT, check=True, capture_output=True)


def test_ci_may_only_read():
    assert WORKFLOW["permissions"] == {"contents": "read"}


def test_the_published_page_is_the_folder_that_make_site_writes():
    (uploaded,) = [step["with"]["path"] for step in PAGES["jobs"]["publish"]["steps"] if "upload" in step.get("uses", "")]
    assert Path(uploaded) == build_site.SITE


def test_the_cache_of_ci_is_keyed_by_the_pins():
    (cached,) = [step["with"] for step in steps("test") if "cache" in step.get("with", {})]
    assert (ROOT / cached["cache-dependency-path"]).exists()


def test_the_container_forwards_the_port_of_the_page():
    page = re.search(r"^app:.*http://127\.0\.0\.1:(\d+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert page
    assert CONTAINER["forwardPorts"] == [int(page[1])]


@pytest.fixture
def pull_request(tmp_path) -> Path:
    """What CI checks out: a merge commit whose first parent is the branch that it goes into; nothing before, no DVC cache."""

    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
        subprocess.run(["git", *identity, *arguments], cwd=origin, check=True, capture_output=True)

    def commit(accuracy: float) -> None:
        (origin / "metrics.json").write_text(json.dumps({"accuracy": accuracy, "errors": 8}))
        git("add", ".")
        git("commit", "-m", str(accuracy))

    origin = tmp_path / "origin"
    (origin / ".dvc").mkdir(parents=True)
    (origin / ".dvc/config").write_text("[core]\n    analytics = false\n")
    (origin / "dvc.yaml").write_text("metrics: [metrics.json, never-run.json]\n")
    git("init", "-b", "main")
    commit(0.5)
    commit(0.625)
    git("checkout", "-b", "idea")
    commit(0.75)
    git("checkout", "main")
    git("merge", "--no-ff", "-m", "merged", "idea")
    subprocess.run(["git", "clone", "--depth", "2", origin.as_uri(), "checkout"], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path / "checkout"


@pytest.mark.seconds
def test_a_pull_request_is_summed_up(pull_request, tmp_path):
    """By the workflow's own lines."""
    (checkout,) = [step["with"] for step in steps("metrics") if step.get("uses", "").startswith("actions/checkout@")]
    assert checkout["fetch-depth"] == 2
    summary = tmp_path / "summary.md"
    environment = os.environ | {"GITHUB_STEP_SUMMARY": str(summary)}
    subprocess.run(["bash", "-e", "-c", steps("metrics")[-1]["run"]], cwd=pull_request, env=environment, check=True)
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in summary.read_text().splitlines() if line.startswith("|")
    ]
    assert rows[0] == ["Path", "Metric", "HEAD^", "HEAD", "Change"]
    assert rows[2:] == [["metrics.json", "accuracy", "0.625", "0.75", "0.125"]]
