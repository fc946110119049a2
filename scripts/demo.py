"""The pipeline from raw images to the comparison of recipes, on signs that the project draws itself:  make demo

Runs as a DVC experiment in a temporary copy, so the workspace, dvc.lock and metrics/ stay as they are.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import dvc.api
import pandas as pd

from gtsrb.config import params
from gtsrb.config.params import Params
from gtsrb.config.yaml_loader import read_yaml
from gtsrb.progress import format_duration
from scripts.report import REPORT

RECIPES = ["baseline", "augmented", "fast"]  # the tutorial's two, and what today's ideas attain in a minute
DATA = {"ingest.source": "synthetic", "ingest.synthetic.tracks_per_class": 12, "ingest.synthetic.test_images_per_class": 30}
SIDE = 24  # pixels of the tutorial's images
EPOCHS = {"baseline": 10, "augmented": 16, "fast": 6}
IDENTITY = {"NAME": "demo", "EMAIL": "demo@localhost"}  # for the experiment's commit, where Git knows of nobody

# Beginnings of DVC's lines that say nothing here: the stages name themselves, and the demo says what to do next.
ROUTINE = (
    *("Reproducing experiment", "Running stage '", "> python -m stages.", "Updating lock file"),
    *("Ran experiment(s)", "To apply the results", "\tdvc exp apply"),
)


def main() -> None:
    if not Path(".git").exists():
        sys.exit("error: the demo runs as a DVC experiment, which needs Git: clone the project, or `git init` and commit it")
    started = time.time()
    name = time.strftime("demo-%Y%m%d-%H%M%S")
    run_experiment(name, DATA | shorten(params.load()))
    print(f"\nOn {count_images(name)}, in {format_duration(time.time() - started)}:")
    print(pd.DataFrame({recipe: read_results(recipe, name) for recipe in RECIPES}).T.to_string())
    print(f"\n{write_report(name)} shows what each gets wrong. Where to go next, after `source .venv/bin/activate`:")
    for command, why in {
        "dvc exp show": "this run beside the committed one",
        f"dvc exp apply {name}": "takes its files over into the workspace",
        "make repro": "the real benchmark, whose results stand in README.md and metrics/",
    }.items():
        print(f"  {command:<36}{why}")
    print("Every choice is a line of params.yaml; README.md says how to try an idea.")


def read_metrics(file: str, revision: str) -> dict[str, Any]:
    """metrics/FILE.json of the experiment."""
    return json.loads(dvc.api.read(f"metrics/{file}.json", rev=revision))


def count_images(revision: str) -> str:
    dataset = read_metrics("dataset", revision)
    return (
        f"{dataset['train_images']:,} training and {dataset['test_images']:,} test images of synthetic signs, "
        "the test's of signs that no training image shows"
    )


def read_results(name: str, revision: str) -> dict[str, str]:
    """The row of a recipe in the demo's table."""
    test, training = read_metrics(name, revision), read_metrics(f"{name}/training", revision)
    return {
        "test accuracy": f"{test['accuracy']:.2%}",
        "95 % interval": f"{test['accuracy_low']:.1%} - {test['accuracy_high']:.1%}",
        "errors": f"{test['errors']:,}",
        "training": format_duration(training["seconds"]),
        "parameters": f"{training['parameters']:,}",
    }


def shorten(params: Params) -> dict[str, object]:
    """Overrides: fewer epochs for the demo's recipes, and the tutorial's images smaller; all else is as committed."""
    changes: dict[str, object] = {f"train.{name}.epochs": epochs for name, epochs in EPOCHS.items()}
    return changes | {f"preprocess.{params.train['baseline'].images}.image_size": SIDE}


def write_report(revision: str) -> Path:
    """Writes report.html of the experiment, in a temporary clone; the workspace may hold other results."""
    commit = run("git", "for-each-ref", "--format=%(objectname)", f"refs/exps/**/{revision}")
    with tempfile.TemporaryDirectory() as clone:
        run("git", "clone", "--quiet", "--shared", "--no-checkout", ".", clone)
        run("git", "checkout", "--quiet", commit, folder=clone)
        run("dvc", "cache", "dir", "--local", run("dvc", "cache", "dir"), folder=clone)
        run("dvc", "checkout", "--quiet", "--allow-missing", folder=clone)
        forget_other_metrics(Path(clone))
        run("scripts.report", folder=clone)
        return Path(shutil.copy(Path(clone, REPORT), Path(f"demo-{REPORT}")))


def forget_other_metrics(clone: Path) -> None:
    """Deletes the committed metrics of stages that the experiment has not run: they are of other images."""
    before, after = (read_yaml(folder / "dvc.lock")["stages"] for folder in (Path(), clone))
    written = {out["path"] for name, stage in after.items() if stage != before.get(name) for out in stage["outs"]}
    for path in clone.glob("metrics/**/*.*"):
        if path.relative_to(clone).as_posix() not in written:
            path.unlink()


def run(*command: str, folder: str = ".") -> str:
    """What the command prints; raises `CalledProcessError` if it fails. Python's modules run in this Python."""
    python = [] if command[0] == "git" else [sys.executable, "-m"]
    return subprocess.run([*python, *command], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def run_experiment(name: str, changes: dict[str, object]) -> None:
    """Runs the pipeline with these changes of params as experiment `name`; shows what the stages print, and of DVC's lines
    those that are no routine.
    """
    settings = [part for key, value in changes.items() for part in ("-S", f"{key}={value}")]
    identity = {f"GIT_{who}_{key}": value for who in ("AUTHOR", "COMMITTER") for key, value in IDENTITY.items()}
    targets = [f"evaluate@{recipe}" for recipe in RECIPES]
    command = ["dvc", "exp", "run", "--temp", "--name", name, *settings, *targets]
    shown = " ".join([*command[:6], "-S ...", *targets])
    print(f"demo: `{shown}`, on synthetic signs; the workspace stays as it is\n", flush=True)
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        stdout=subprocess.PIPE,
        stderr=None if sys.stderr.isatty() else subprocess.STDOUT,  # a terminal's bars rewrite themselves
        text=True,
        env=identity | os.environ,
    )
    for line in process.stdout or ():
        if "is cached - skipping run" in line:
            print(line.split("'")[1] + ": from the run cache", flush=True)
        elif line.strip() and not line.startswith(ROUTINE):
            print(line, end="", flush=True)
    if process.wait() != 0:
        sys.exit("error: the demo's pipeline failed; its output stands above")


if __name__ == "__main__":
    main()
