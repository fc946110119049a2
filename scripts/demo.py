"""The pipeline from raw images to the comparison of recipes, on signs that the project draws itself:  make demo

Runs as a DVC experiment in a temporary copy, so the workspace, dvc.lock and metrics/ stay as they are.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import dvc.api

from gtsrb.config import params
from gtsrb.config.train import Recipe, Step

DATA = {  # few enough signs for a matter of minutes
    "ingest.source": "synthetic",
    "ingest.synthetic.tracks_per_class": 8,
    "ingest.synthetic.test_images_per_class": 20,
}
TARGET = "compare"  # after all that comes before it; robustness and exports start TensorFlow six times more
IDENTITY = {"NAME": "demo", "EMAIL": "demo@localhost"}  # for the experiment's commit, where Git knows of nobody


def main() -> None:
    if not Path(".git").exists():
        sys.exit("error: the demo runs as a DVC experiment, which needs Git: clone the project, or `git init` and commit it")
    started = time.time()
    name = time.strftime("demo-%Y%m%d-%H%M%S")
    recipes = params.load().train
    lines = run_experiment(name, DATA | short(recipes))
    print(f"\n{'recipe':<12}{'test accuracy':>14}{'95 % interval':>18}{'errors':>8}{'validation':>12}{'training':>10}")
    for recipe in recipes:
        test, training = (read(path, name) for path in (f"metrics/{recipe}.json", f"metrics/{recipe}/training.json"))
        validation = "" if training["val_accuracy"] is None else f"{training['val_accuracy']:.2%}"
        interval = f"{test['accuracy_low']:.1%} - {test['accuracy_high']:.1%}"
        print(
            f"{recipe:<12}{test['accuracy']:>14.2%}{interval:>18}{test['errors']:>8}"
            f"{validation:>12}{training['seconds']:>8.0f} s"
        )
    cached = [line.split("'")[1] for line in lines if "is cached - skipping run" in line]
    print(f"\nFrom the run cache: {', '.join(cached) or 'nothing, every stage ran'}.")
    print(f"These are drawn signs and few epochs, in {time.time() - started:.0f} s. Where to look next:")
    for what, why in {
        "dvc exp show": "this run beside the committed one (after: source .venv/bin/activate)",
        f"dvc exp apply {name}": "takes its files over into the workspace",
        "make repro": "the real benchmark, whose results stand in README.md and metrics/",
        "params.yaml": "every choice; README.md says how to try an idea",
    }.items():
        print(f"  {what:<36}{why}")


def short(recipes: dict[str, Recipe]) -> dict[str, object]:
    """What makes each recipe one network of few epochs; with an initialisation that needs no hundreds of steps to get going."""
    changes: dict[str, object] = {}
    for name, recipe in recipes.items():
        changes |= {f"train.{name}.members": 1, f"train.{name}.epochs": 5, f"train.{name}.batch_size": 32}
        changes[f"train.{name}.network.kernel_initializer"] = "he_uniform"
        if isinstance(recipe.schedule, Step):
            changes[f"train.{name}.schedule.every"] = 4
    return changes


def run_experiment(name: str, changes: dict[str, object]) -> list[str]:
    """Runs the pipeline with these changes of params as experiment `name`, shows its output, and returns the lines."""
    settings = [part for key, value in changes.items() for part in ("-S", f"{key}={value}")]
    identity = {f"GIT_{who}_{key}": value for who in ("AUTHOR", "COMMITTER") for key, value in IDENTITY.items()}
    command = ["dvc", "exp", "run", "--temp", "--name", name, *settings, TARGET]
    print(f"demo: {' '.join(command)}", flush=True)
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=identity | os.environ,
    )
    lines = []
    for line in process.stdout or ():
        print(line, end="", flush=True)
        lines.append(line)
    if process.wait() != 0:
        sys.exit("error: the demo's pipeline failed; its output stands above")
    return lines


def read(path: str, name: str) -> dict:
    return json.loads(dvc.api.read(path, rev=name))


if __name__ == "__main__":
    main()
