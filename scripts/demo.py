"""The pipeline from raw images to the comparison of recipes, on signs that the project draws itself:  make demo

Runs in a copy of the project, demo/, which Git and DVC ignore; the workspace, dvc.lock and metrics/ stay as they are. Another
`make demo` runs there again what an edit of the workspace touches.
"""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
from dvc.utils.hydra import apply_overrides

from gtsrb.command_line import run
from gtsrb.config import params
from gtsrb.config.params import Params
from gtsrb.progress import format_duration

FOLDER = Path("demo")
# What a copy of the project needs.
PROJECT = [
    "dvc.yaml",
    "params.yaml",
    "gtsrb",
    "stages",
    "scripts",
    ".dvc/config",
    ".dvc/plots",
    ".dvcignore",
    "data/own/README.md",
]
RECIPES = ["baseline", "augmented", "fast"]  # the tutorial's two, and what today's ideas attain in a minute
# Of `camera`, so that few drawn signs teach enough.
FINE_DAY = {"white": [150.0, 0.3], "shadowed": 0.2, "veil": 0.02, "focus": 0.008, "motion": 0.004, "noise": [0.8, 0.3]}
DATA = {
    "ingest.source": "synthetic",
    "ingest.synthetic.tracks_per_class": 12,
    "ingest.synthetic.frames_per_track": 20,
    "ingest.synthetic.test_images_per_class": 30,
    "camera.far_side": [28.0, 0.15],
    **{f"camera.{key}": value for key, value in FINE_DAY.items()},
}
SIDE = 22  # pixels of the tutorial's images
EPOCHS = {"baseline": 4, "augmented": 11, "fast": 3}

# Beginnings of DVC's lines that say nothing here: the stages name themselves, and the demo says what to do next.
ROUTINE = ("Running stage '", "> python -m stages.", "Generating lock file", "Updating lock file", "Use `dvc push`")


def main() -> None:
    started = time.time()
    copy_project()
    run_pipeline()
    print(f"\nOn {count_images()}, in {format_duration(time.time() - started)}:")
    print(pd.DataFrame({recipe: read_results(recipe) for recipe in RECIPES}).T.to_string())
    subprocess.run([sys.executable, "-m", "scripts.report"], cwd=FOLDER, stdout=subprocess.DEVNULL, check=True)
    print("\nWhere to go next:")
    for what, why in {
        f"{FOLDER}/report.html": "what each recipe gets wrong, to open in a browser",
        "make demo": "once more, after an edit of params.yaml: reruns what the edit touches",
        "make repro": "the real benchmark, whose results stand in README.md and metrics/",
    }.items():
        print(f"  {what:<20}{why}")


def copy_project() -> None:
    """Copies the workspace to `FOLDER` and makes the recipes short there; outputs of an earlier demo stay."""
    FOLDER.mkdir(exist_ok=True)
    for name in PROJECT:
        source, copy = Path(name), FOLDER / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, copy)
    (FOLDER / ".dvc/config.local").write_text("[core]\n    no_scm = true\n")
    overrides = DATA | shorten(params.load())
    apply_overrides(FOLDER / "params.yaml", [f"{key}={value}" for key, value in overrides.items()])


def shorten(params: Params) -> dict[str, object]:
    """Overrides: fewer epochs for the demo's recipes, and the tutorial's images smaller; all else is as committed."""
    changes: dict[str, object] = {f"train.{name}.epochs": epochs for name, epochs in EPOCHS.items()}
    return changes | {f"preprocess.{params.train['baseline'].images}.image_size": SIDE}


def run_pipeline() -> None:
    """Runs the stages in `FOLDER`; shows what they print, and of DVC's lines those that are no routine."""
    command = ["dvc", "repro", *(f"evaluate@{recipe}" for recipe in RECIPES)]
    print(f"demo: `{' '.join(command)}`, on synthetic signs, in {FOLDER}/; the workspace stays as it is\n", flush=True)
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=FOLDER,
        stdout=subprocess.PIPE,
        stderr=None if sys.stderr.isatty() else subprocess.STDOUT,  # a terminal's bars rewrite themselves
        text=True,
    )
    for line in process.stdout or ():
        if "is cached - skipping run" in line:
            print(line.split("'")[1] + ": from the run cache", flush=True)
        elif "didn't change, skipping" in line:
            print(line.split("'")[1] + ": as before", flush=True)
        elif line.strip() and not line.startswith(ROUTINE):
            print(line, end="", flush=True)
    if process.wait() != 0:
        sys.exit("error: the demo's pipeline failed; its output stands above")


def read_metrics(file: str) -> dict[str, Any]:
    """metrics/FILE.json of the demo."""
    return json.loads((FOLDER / f"metrics/{file}.json").read_text())


def count_images() -> str:
    dataset = read_metrics("dataset")
    return (
        f"{dataset['train_images']:,} training and {dataset['test_images']:,} test images of synthetic signs, "
        "the test's of signs that no training image shows"
    )


def read_results(name: str) -> dict[str, str]:
    """The row of a recipe in the demo's table."""
    test, training = read_metrics(name), read_metrics(f"{name}/training")
    return {
        "test accuracy": f"{test['accuracy']:.2%}",
        "95 % interval": f"{test['accuracy_low']:.1%} - {test['accuracy_high']:.1%}",
        "errors": f"{test['errors']:,}",
        "training": format_duration(training["seconds"]),
        "parameters": f"{training['parameters']:,}",
    }


if __name__ == "__main__":
    run(main)
