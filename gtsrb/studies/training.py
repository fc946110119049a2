"""Trains a run of a study, in whatever process, and measures it: what its line of results says besides names and hashes."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gtsrb.config.evaluate import Evaluation
from gtsrb.config.train import Recipe
from gtsrb.data import arrays
from gtsrb.data.arrays import Arrays
from gtsrb.evaluation import tta
from gtsrb.evaluation.metrics import accuracy_metrics
from gtsrb.networks.build import build_network, shape_of
from gtsrb.parallel import IN_PROCESS
from gtsrb.studies.study import Run
from gtsrb.training import loop
from gtsrb.training.loop import TrainedRecipe


def train_run(run: Run, arrays_dirs: dict[str, Path], *, classes: int, folder: Path) -> dict[str, Any]:
    """Trains the run's members one after the other, resuming from the checkpoints in `folder`, and measures them.

    `arrays_dirs` are of the train split, and of the test split if the run is evaluated on it.
    """
    trained = loop.train(run.recipe, arrays_dirs["train"], classes=classes, folder=folder, workers=IN_PROCESS, name=run.name)
    if run.evaluation:
        metrics = test_metrics(trained, run.recipe, run.evaluation, arrays.load(arrays_dirs["test"]), classes)
    else:
        metrics = validation_metrics(trained, arrays.load(arrays_dirs["train"]))
    seconds = {key: round(value, 1) for key, value in loop.total_seconds(trained.members).items() if key != "elapsed_seconds"}
    return metrics | seconds | {"parameters": trained.members[0].parameters, "threads": run.recipe.threads}


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
