"""Trains the rows of a study and compares them:  python -m scripts.study docs/ideas.yaml

A study is a YAML file: a `recipe`, overrides in `common` and in each of `rows` as `dvc exp run -S` takes them, the `folds` of
the split by tracks, and the `seeds`. Each row, fold and seed is one training on the workspace's raw data, validated on the
fold; no test metric is computed. Each run adds one line to the .csv next to the study; besides, only the variants' arrays are
kept, in .arrays/. Runs that have a line are skipped; a killed run resumes after its last finished epoch.

At the end the table is printed in Markdown and plotted to the .png next to the study; `--report` does this without training.

`test: true` repeats a committed recipe with other seeds only: each run is evaluated on the test set as stages/evaluate does
it, and mean, standard deviation and n are printed.
"""

import argparse
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from gtsrb import command_line, device
from gtsrb.config.evaluate import Evaluation
from gtsrb.config.preprocess import Variant
from gtsrb.config.train import Recipe
from gtsrb.data import arrays, tables
from gtsrb.data.arrays import Arrays
from gtsrb.errors import InputError
from gtsrb.evaluation import tta
from gtsrb.evaluation.metrics import accuracy_metrics
from gtsrb.networks.build import build_network, shape_of
from gtsrb.outputs import write_array
from gtsrb.studies import results, study, study_table
from gtsrb.studies.code_dependencies import code_hash, file_hash
from gtsrb.studies.study import Study
from gtsrb.training import checkpoints, loop
from gtsrb.training.loop import TrainedRecipe
from gtsrb.training.split import split
from stages.preprocess import write_images

RAW = Path("data/raw")
ARRAYS = Path(".arrays")  # in .gitignore: the arrays of each variant


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.study", description="Trains the rows of a study.")
    parser.add_argument("study", type=Path, help="a YAML file, such as docs/ideas.yaml")
    parser.add_argument("--report", action="store_true", help="train nothing, print and plot the results so far")
    arguments = parser.parse_args()
    content, results_file = study.read(arguments.study), arguments.study.with_suffix(".csv")
    if not arguments.report:
        for line in train_missing(content, results_file):
            results.append_line(results_file, line)
    report(content, results_file, arguments.study.with_suffix(".png"))


def train_missing(content: Study, results_file: Path) -> Iterator[dict[str, Any]]:
    """Trains each run without a line in `results_file`, and yields its line. Raises `InputError` before the first training."""
    lines, params = results.read_lines(results_file), Path("params.yaml").read_text()
    if "code" not in lines:
        raise InputError(
            f"{results_file} has no hashes, it is from an older version; use --report, or another name for new runs"
        )
    if content.test:
        study.check_committed(content, params)
    runs = study.list_runs(content, params)
    splits = ("train", "test") if content.test else ("train",)
    code = results.hash_code([RAW / "classes.csv", *(RAW / f"{split}.parquet" for split in splits)], device.versions())
    revision, classes = results.git_revision(), len(arrays.read_class_names())
    check_recipes([run.recipe for run in runs], classes)
    missing = results.find_missing(lines, runs, code)
    for i, run in enumerate(missing, 1):
        fold = "" if run.fold is None else f", fold {run.fold}"
        print(f"\n{i} of {len(missing)}: {run.row}{fold}, seed {run.seed}", flush=True)
        arrays_dir = prepare_arrays("train", run.variant)
        data = arrays.load(arrays_dir)
        keras.utils.clear_session()  # frees the previous run's network
        recipe = run.recipe
        machine = device.set_up(recipe.device, precision=recipe.precision, seed=recipe.seed, deterministic=recipe.deterministic)
        with checkpoints.checkpoint_dir(recipe, arrays_dir, f"{device.versions()} on {machine}") as checkpoint_dir:
            trained = loop.train(recipe, data, classes=classes, jit_compile=machine.jit_compile, folder=checkpoint_dir)
            line = {
                "row": run.row,
                "fold": run.fold,
                "seed": run.seed,
                "params": run.params,
                "code": code,
                "revision": revision,
            }
            if run.evaluation:
                test_data = arrays.load(prepare_arrays("test", run.variant))
                line |= test_metrics(trained, recipe, run.evaluation, test_data, classes)
            else:
                line |= validation_metrics(trained, data)
            yield line | {"seconds": training_seconds(trained), "parameters": trained.members[0].parameters}


def check_recipes(recipes: list[Recipe], classes: int) -> None:
    """Raises `InputError` if a recipe does not fit the raw data."""
    labels, tracks = tables.read_labels_and_tracks(RAW / "train.parquet")
    for recipe in recipes:
        loop.check_classes(recipe, classes)
    for validation in {recipe.validation for recipe in recipes}:
        split(labels, tracks, validation)


def prepare_arrays(split: str, variant: Variant) -> Path:
    """The directory of the variant's arrays of the `split` (train or test), preprocessed if it does not exist yet."""
    raw = RAW / f"{split}.parquet"
    code = code_hash(results.find_modules("preprocessing/preprocess", "data/tables"))
    key = f"{variant.model_dump_json(exclude_none=True)} {code} {file_hash(raw)}"
    folder = ARRAYS / hashlib.sha256(key.encode()).hexdigest()[:16]
    if not (folder / "images.npy").exists():  # written last, and atomically
        labels, tracks = tables.read_labels_and_tracks(raw)
        write_array(folder / "labels.npy", labels)
        write_array(folder / "tracks.npy", tracks)
        write_images(raw, folder / "images.npy", variant, label=f"images of {split}")
    return folder


def validation_metrics(trained: TrainedRecipe, data: Arrays) -> dict[str, Any]:
    """Accuracy and loss on the validation images, and the number of errors of each track that has any."""
    labels, tracks = data.labels[trained.validation_rows], data.tracks[trained.validation_rows]
    metrics = accuracy_metrics(labels, trained.probabilities)
    errors = pd.Series(trained.probabilities.argmax(axis=1) != labels).groupby(tracks).sum()
    return {
        "val_accuracy": round(metrics["accuracy"], 6),
        "val_loss": round(metrics["loss"], 6),
        "images": len(labels),
        "tracks": len(errors),
        "errors_by_track": " ".join(f"{track}:{count}" for track, count in errors[errors > 0].items()),
    }


def test_metrics(trained: TrainedRecipe, recipe: Recipe, evaluation: Evaluation, data: Arrays, classes: int) -> dict[str, Any]:
    """Accuracy on the test set, with the recipe's weights and test-time augmentation, averaged over its members."""
    model = build_network(recipe.network, **shape_of(data.images, classes))
    probabilities_per_member = []
    for member in trained.members:
        model.set_weights(member.weights(evaluation.weights))
        views = evaluation.test_time_augmentation
        probabilities_per_member.append(tta.predict(model, data.images, views))
    metrics = accuracy_metrics(data.labels, np.mean(probabilities_per_member, axis=0))
    return {
        "test_accuracy": round(metrics["accuracy"], 6),
        "test_errors": metrics["errors"],
        "test_images": len(data.labels),
    }


def training_seconds(trained: TrainedRecipe) -> float:
    """Of all members, in training and validation."""
    return round(sum(member.seconds for member in trained.members), 1)


def report(content: Study, results_file: Path, plot_file: Path) -> None:
    """Prints and plots the lines of the newest code whose rows still have the same params."""
    lines = results.read_lines(results_file)
    if lines.empty:
        raise InputError(f"{results_file}: no line of results yet; run it without --report")
    if "code" not in lines:
        print("from an older version: folds are seeds of one split and overlap; intervals over several are too narrow")
        print(study_table.format_summary(study_table.summarize(lines, list(content.rows))))
        return
    current = results.select_current(lines, study.list_runs(content, Path("params.yaml").read_text()))
    if current.empty:
        raise InputError(f"{results_file}: the params of all its rows have changed; run it without --report")
    newest = current[current["code"] == current["code"].iloc[-1]]
    print(f"code {newest['code'].iloc[0]}, revision {', '.join(newest['revision'].fillna('unknown').unique())}")
    for reason, ignored in {
        "other params": lines.drop(current.index),
        "other code, data or versions": current.drop(newest.index),
    }.items():
        if len(ignored):
            print(f"not counted, recorded with {reason}: {len(ignored)} lines of {', '.join(ignored['row'].unique())}")
    if content.test:
        print(study_table.format_repetitions(newest))
    else:
        table = study_table.summarize(newest, list(content.rows))
        print(study_table.format_summary(table))
        study_table.plot(table, plot_file)


if __name__ == "__main__":
    command_line.run(main)
