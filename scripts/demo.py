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
import pandas as pd

from gtsrb.config import params
from gtsrb.config.params import Params
from gtsrb.config.train import Recipe, Step
from gtsrb.progress import format_duration

DATA = {  # few enough signs for a matter of minutes
    "ingest.source": "synthetic",
    "ingest.synthetic.tracks_per_class": 8,
    "ingest.synthetic.test_images_per_class": 20,
}
SIDE, EPOCHS = 32, 8  # pixels of an image; of every recipe
TARGET = "compare"  # after all that comes before it; robustness and exports start TensorFlow six times more
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
    committed = params.load()
    run_experiment(name, DATA | shorten(committed))
    print(f"\nOn synthetic signs of {SIDE} pixels, after {EPOCHS} epochs, in {format_duration(time.time() - started)}:")
    print(
        pd.DataFrame({recipe: read_results(recipe, committed.train[recipe], name) for recipe in committed.train}).T.to_string()
    )
    print("\nWhere to look next, after `source .venv/bin/activate`:")
    for command, why in {
        "dvc exp show": "this run beside the committed one",
        f"dvc exp apply {name}": "takes its files over into the workspace",
        "make repro": "the real benchmark, whose results stand in README.md and metrics/",
    }.items():
        print(f"  {command:<36}{why}")
    print("Every choice is a line of params.yaml; README.md says how to try an idea.")


def read_results(name: str, recipe: Recipe, revision: str) -> dict[str, str]:
    """The row of a recipe in the demo's table."""
    test, training, dataset = (
        json.loads(dvc.api.read(f"metrics/{file}.json", rev=revision)) for file in (name, f"{name}/training", "dataset")
    )
    validation = "none"
    if recipe.validation:
        images = f"{training['validation_images']:,} images, split: {recipe.validation.split}"
        validation = f"{training['val_accuracy']:.2%} of {images}"
    return {
        "test accuracy": f"{test['accuracy']:.2%} of {dataset['test_images']:,} images",
        "95 % interval": f"{test['accuracy_low']:.1%} - {test['accuracy_high']:.1%}",
        "errors": f"{test['errors']:,}",
        "validation accuracy": validation,
        "training": format_duration(training["seconds"]),
    }


def shorten(params: Params) -> dict[str, object]:
    """Overrides: for each recipe one network, few epochs, small images, and initial weights that learn from the start."""
    changes: dict[str, object] = {f"preprocess.{name}.image_size": SIDE for name in params.preprocess}
    for name, recipe in params.train.items():
        changes |= {f"train.{name}.members": 1, f"train.{name}.epochs": EPOCHS, f"train.{name}.batch_size": 32}
        changes[f"train.{name}.network.kernel_initializer"] = "he_uniform"
        if isinstance(recipe.schedule, Step):
            changes[f"train.{name}.schedule.every"] = 6
    return changes


def run_experiment(name: str, changes: dict[str, object]) -> None:
    """Runs the pipeline with these changes of params as experiment `name`; shows what the stages print, and of DVC's lines
    those that are no routine.
    """
    settings = [part for key, value in changes.items() for part in ("-S", f"{key}={value}")]
    identity = {f"GIT_{who}_{key}": value for who in ("AUTHOR", "COMMITTER") for key, value in IDENTITY.items()}
    command = ["dvc", "exp", "run", "--temp", "--name", name, *settings, TARGET]
    print(f"demo: `{' '.join(command[:6])} -S ... {TARGET}`, on synthetic signs; the workspace stays as it is\n", flush=True)
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
