"""Trains the rows of a study and says what each is worth:  python -m scripts.study docs/ideas.yaml

A study is a YAML file: a `recipe`, overrides in `common` and in each of `rows` as `dvc exp run -S` takes them, the `folds` of
the split by tracks and the `seeds`. Each row, fold and seed is one training on the workspace's raw data, validated on the
fold's signs; no test figure is computed. Its results are a line of the .csv beside the study, and nothing else is kept but the
variants' arrays, in .arrays/. What has its line is not run again; killed, it goes on at the last finished epoch.

`--report` runs nothing. Either way the table is printed, in Markdown, and drawn into the .png beside the study.

`test: true` is for repetitions of a committed recipe, which have no override but their seed: each run is evaluated on the test
set as stages/evaluate does it, and mean, standard deviation and n are printed.
"""

import argparse
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from gtsrb import device
from gtsrb.command_line import run
from gtsrb.config.evaluate import Evaluation
from gtsrb.config.preprocess import Variant
from gtsrb.config.train import Recipe
from gtsrb.data import arrays, tables
from gtsrb.data.arrays import Arrays
from gtsrb.errors import InputError
from gtsrb.evaluation import test_time_augmentation
from gtsrb.evaluation.metrics import accuracy_metrics
from gtsrb.networks.build import build_network, shape_of
from gtsrb.outputs import write_array
from gtsrb.studies import results, study, study_table
from gtsrb.studies.code_dependencies import code_hash, file_hash
from gtsrb.studies.study import Study
from gtsrb.training import checkpoints, loop
from gtsrb.training.loop import Trained
from gtsrb.training.split import split
from stages.preprocess import write_images

RAW = Path("data/raw")
PREPARED = Path(".arrays")  # in .gitignore: arrays of each variant, of these raw data


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.study", description="Trains the rows of a study.")
    parser.add_argument("study", type=Path, help="a YAML file, such as docs/ideas.yaml")
    parser.add_argument("--report", action="store_true", help="run nothing, print and draw what there is")
    arguments = parser.parse_args()
    content, lines_file = study.read(arguments.study), arguments.study.with_suffix(".csv")
    if not arguments.report:
        for line in train_missing(content, lines_file):
            results.append_line(lines_file, line)
    report(content, lines_file, arguments.study.with_suffix(".png"))


def train_missing(content: Study, lines_file: Path) -> Iterator[dict[str, Any]]:
    """A line for each run that `lines_file` has none of. All that can be wrong is found before the first is trained."""
    found, everything = results.read_lines(lines_file), Path("params.yaml").read_text()
    if "code" not in found:
        raise InputError(f"{lines_file} was recorded before lines kept hashes; --report prints it, new runs need another file")
    if content.test:
        study.check_committed(content, everything)
    runs = study.list_runs(content, everything)
    parts = ("train", "test") if content.test else ("train",)
    code = results.hash_code([RAW / "classes.csv", *(RAW / f"{part}.parquet" for part in parts)], device.versions())
    revision, classes = results.git_revision(), len(arrays.read_class_names())
    check([run.recipe for run in runs], classes)
    waiting = results.find_missing(found, runs, code)
    for i, one in enumerate(waiting, 1):
        where = "" if one.fold is None else f", fold {one.fold}"
        print(f"\n{i} of {len(waiting)}: {one.row}{where}, seed {one.seed}", flush=True)
        folder = prepare_arrays("train", one.variant)
        data = arrays.load(folder)
        keras.utils.clear_session()  # of the run before
        recipe = one.recipe
        machine = device.set_up(recipe.device, precision=recipe.precision, seed=recipe.seed, deterministic=recipe.deterministic)
        with checkpoints.checkpoint_dir(recipe, folder, f"{device.versions()} on {machine}") as kept:
            result = loop.train(recipe, data, classes=classes, jit_compile=machine.jit_compile, folder=kept)
            line = {
                "row": one.row,
                "fold": one.fold,
                "seed": one.seed,
                "params": one.params,
                "code": code,
                "revision": revision,
            }
            if one.evaluation:
                line |= test_metrics(result, recipe, one.evaluation, arrays.load(prepare_arrays("test", one.variant)), classes)
            else:
                line |= validation_metrics(result, data)
            yield line | {"seconds": training_seconds(result), "parameters": result.members[0].parameters}


def check(recipes: list[Recipe], classes: int) -> None:
    """Raises `InputError` where a recipe does not suit the raw data."""
    labels, tracks = tables.read_labels_and_tracks(RAW / "train.parquet")
    for recipe in recipes:
        loop.check_classes(recipe, classes)
    for validation in {recipe.validation for recipe in recipes}:
        split(labels, tracks, validation)


def prepare_arrays(part: str, variant: Variant) -> Path:
    """The folder of the variant's arrays of this part of the raw data, made if it is not there yet."""
    raw = RAW / f"{part}.parquet"
    code = code_hash(results.deciding_modules("preprocessing/preprocess", "data/tables"))
    key = f"{variant.model_dump_json(exclude_none=True)} {code} {file_hash(raw)}"
    folder = PREPARED / hashlib.sha256(key.encode()).hexdigest()[:16]
    if not (folder / "images.npy").exists():  # the last to be written, and whole
        labels, tracks = tables.read_labels_and_tracks(raw)
        write_array(folder / "labels.npy", labels)
        write_array(folder / "tracks.npy", tracks)
        write_images(raw, folder / "images.npy", variant, label=f"images of {part}")
    return folder


def validation_metrics(result: Trained, data: Arrays) -> dict[str, Any]:
    """Accuracy and loss on the images that validated, and the errors of each sign that has some."""
    labels, tracks = data.labels[result.held_out], data.tracks[result.held_out]
    figures = accuracy_metrics(labels, result.probabilities)
    wrong = pd.Series(result.probabilities.argmax(axis=1) != labels).groupby(tracks).sum()
    return {
        "val_accuracy": round(figures["accuracy"], 6),
        "val_loss": round(figures["loss"], 6),
        "images": len(labels),
        "tracks": len(wrong),
        "errors_by_track": " ".join(f"{track}:{errors}" for track, errors in wrong[wrong > 0].items()),
    }


def test_metrics(result: Trained, recipe: Recipe, evaluation: Evaluation, data: Arrays, classes: int) -> dict[str, Any]:
    """Accuracy on the test set, in the recipe's weights and views, averaged over its members."""
    model = build_network(recipe.network, **shape_of(data.images, classes))
    each = []
    for member in result.members:
        model.set_weights(member.weights(evaluation.weights))
        each.append(test_time_augmentation.predict(model, data.images, evaluation.test_time_augmentation))
    figures = accuracy_metrics(data.labels, np.mean(each, axis=0))
    return {
        "test_accuracy": round(figures["accuracy"], 6),
        "test_errors": figures["errors"],
        "test_images": len(data.labels),
    }


def training_seconds(result: Trained) -> float:
    """Of all members, in training and validation."""
    return round(sum(member.seconds for member in result.members), 1)


def report(content: Study, lines_file: Path, picture: Path) -> None:
    """Prints, and draws, the lines of the newest code, of rows that have the params now that they had then."""
    found = results.read_lines(lines_file)
    if found.empty:
        raise InputError(f"{lines_file}: no line of results yet; run it without --report")
    if "code" not in found:
        print(
            "recorded before lines kept hashes: folds are seeds of one split and overlap; intervals over several are too narrow"
        )
        print(study_table.markdown(study_table.summary(found, list(content.rows))))
        return
    present = results.select_current(found, study.list_runs(content, Path("params.yaml").read_text()))
    if present.empty:
        raise InputError(f"{lines_file}: all its lines are of rows that had other params; run it without --report")
    newest = present[present["code"] == present["code"].iloc[-1]]
    print(f"code {newest['code'].iloc[0]}, revision {', '.join(newest['revision'].fillna('unknown').unique())}")
    for what, lines in {
        "other params than now": found.drop(present.index),
        "other code, data or versions": present.drop(newest.index),
    }.items():
        if len(lines):
            print(f"not counted, being of {what}: {len(lines)} lines of {', '.join(lines['row'].unique())}")
    if content.test:
        print(study_table.repetitions(newest))
    else:
        table = study_table.summary(newest, list(content.rows))
        print(study_table.markdown(table))
        study_table.draw(table, picture)


if __name__ == "__main__":
    run(main)
