"""Trains one recipe's first network once per fold, without the fold's signs:  python -m stages.crossvalidate RECIPE

Reads   data/raw/classes.csv, data/processed/VARIANT/train/, data/processed/VARIANT/SET/ (of synthetic images; or none/)
Writes  data/crossvalidation/RECIPE/probabilities.npy  (n, classes) float32 of all training images, in the order of the
                                                       split, each by the last weights of the network that has not seen its sign
                                    folds.npy          (n,) int64, the fold that held each image out
        metrics/RECIPE/crossvalidation.json            accuracy and times of each fold

The networks train side by side as the members of stages/train.py do, and resume as they do; their weights are not kept.
"""

from functools import partial
from pathlib import Path

import numpy as np

from gtsrb import device
from gtsrb.command_line import argument, run_stage
from gtsrb.config.crossvalidate import CrossValidation
from gtsrb.config.load import load_section, section_names
from gtsrb.config.train import Recipe
from gtsrb.data import arrays
from gtsrb.data.arrays import Sources
from gtsrb.evaluation.metrics import accuracy_metrics
from gtsrb.outputs import write_array, write_json
from gtsrb.progress import format_runs
from gtsrb.training import checkpoints, loop
from gtsrb.training.split import split_into_folds


def main() -> str:
    name = argument("recipe", section_names("crossvalidate"))
    recipe = load_section(Recipe, "train", name)
    recipes = load_section(CrossValidation, "crossvalidate", name).fold_recipes(recipe)
    photographs, synthetic = loop.source_dirs(recipe)
    data, names = arrays.load(photographs), arrays.read_class_names()
    loop.check_classes(recipe, names, arrays.load(synthetic).labels)
    classes = len(names)
    splits = split_into_folds(data.labels, data.tracks, [fold_recipe.validation for fold_recipe in recipes])

    with checkpoints.checkpoint_dir(recipes[0], [photographs, synthetic]) as checkpoint_dir:
        with loop.open_trainers(recipe, len(splits)) as workers:
            shared = loop.share_sources(Sources(photographs, synthetic), workers)
            calls = [
                partial(
                    loop.train_member_on, fold_recipe, 0, *rows,
                    sources=shared, classes=classes, folder=checkpoint_dir / f"fold{fold}", name=f"fold {fold}",
                )
                for fold, (fold_recipe, rows) in enumerate(zip(recipes, splits, strict=True))
            ]  # fmt: skip
            trained = dict(workers.run(calls))
        probabilities, folds = np.empty((len(data.labels), classes), np.float32), np.empty(len(data.labels), np.int64)
        metrics_per_fold = {}
        for fold, (_, held_out) in enumerate(splits):
            probabilities[held_out], folds[held_out] = trained[fold].probabilities, fold
            accuracy = accuracy_metrics(data.labels[held_out], trained[fold].probabilities)
            times = {"seconds": round(trained[fold].seconds, 1), "fit_seconds": round(trained[fold].fit_seconds, 1)}
            metrics_per_fold[f"fold{fold}"] = {"val_accuracy": accuracy["accuracy"], "val_loss": accuracy["loss"], **times}
        write_array(Path(f"data/crossvalidation/{name}/probabilities.npy"), probabilities)
        write_array(Path(f"data/crossvalidation/{name}/folds.npy"), folds)
        metrics = {
            "folds": metrics_per_fold,
            **{key: round(value, 1) for key, value in loop.total_seconds(trained.values()).items()},
            "images": len(folds),
            "device": loop.name_devices(trained.values()),
            "threads": recipe.threads,
            "precision": recipe.precision,
            "versions": device.versions(),
        }
        write_json(Path(f"metrics/{name}/crossvalidation.json"), metrics)
    print(format_runs((fold, recipe.epochs, run["val_accuracy"], run["seconds"]) for fold, run in metrics_per_fold.items()))
    right = (probabilities.argmax(axis=1) == data.labels).mean()
    return f"{right:.2%} of {len(folds):,} training images right, each held out once in {len(splits)} folds"


if __name__ == "__main__":
    run_stage(main)
