"""The complete pipeline on signs that the project draws itself:  make demo

Runs as a DVC experiment in a temporary copy, so the workspace, dvc.lock and metrics/ stay as they are.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import dvc.api

from gtsrb import params

OVERRIDES = {  # what makes it a matter of minutes
    "ingest.source": "rendered",
    "ingest.rendered.tracks_per_class": 8,
    "ingest.rendered.test_images_per_class": 20,
    "robustness.images": 43,
    "train.baseline.epochs": 4,
    "train.augmented.epochs": 5,
    "train.augmented.schedule.every": 4,
    "train.baseline.network.kernel_initializer": "he_uniform",  # the tutorial's needs hundreds of steps to get going
    "train.augmented.network.kernel_initializer": "he_uniform",
    "train.champion.members": 1,
    "train.champion.epochs": 3,
    "train.champion.batch_size": 32,
}
IDENTITY = {"NAME": "demo", "EMAIL": "demo@localhost"}  # for the experiment's commit, where Git knows of nobody


def main() -> None:
    if not Path(".git").exists():
        sys.exit("error: the demo runs as a DVC experiment, which needs Git: clone the project, or `git init` and commit it")
    started = time.time()
    name = time.strftime("demo-%Y%m%d-%H%M%S")
    lines = run_experiment(name)
    print(f"\n{'recipe':<12}{'test accuracy':>14}{'95 % interval':>18}{'errors':>8}{'validation':>12}{'training':>10}")
    for recipe in params.load().train:
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


def run_experiment(name: str) -> list[str]:
    """Runs the pipeline with OVERRIDES as experiment `name`, shows its output, and returns the lines."""
    settings = [part for key, value in OVERRIDES.items() for part in ("-S", f"{key}={value}")]
    identity = {f"GIT_{who}_{key}": value for who in ("AUTHOR", "COMMITTER") for key, value in IDENTITY.items()}
    command = ["dvc", "exp", "run", "--temp", "--name", name, *settings]
    print(f"demo: {' '.join(command)}", flush=True)
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=identity | os.environ,
    )
    lines = []
    for line in process.stdout:
        print(line, end="", flush=True)
        lines.append(line)
    if process.wait() != 0:
        sys.exit("error: the demo's pipeline failed; its output stands above")
    return lines


def read(path: str, name: str) -> dict:
    return json.loads(dvc.api.read(path, rev=name))


if __name__ == "__main__":
    main()
