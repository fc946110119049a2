"""Trains a run of a study, in whatever process, and measures it: what its line of results says besides names and hashes."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gtsrb.config.evaluate import Evaluation
from gtsrb.config.preprocess import Variant
from gtsrb.data import arrays
from gtsrb.data.arrays import Arrays, Sources
from gtsrb.evaluation import tta
from gtsrb.evaluation.metrics import accuracy_metrics
from gtsrb.evaluation.photographs import CHOOSING, sample_crops
from gtsrb.evaluation.thresholds import find_threshold
from gtsrb.networks.build import build_network, shape_of
from gtsrb.parallel import IN_PROCESS
from gtsrb.preprocessing.crop import Box
from gtsrb.preprocessing.preprocess import preprocess
from gtsrb.studies.study import Run
from gtsrb.training import loop
from gtsrb.training.loop import TrainedRecipe

CROPS, MARKED = 100, 0.01  # of each photograph without a sign; fraction of the validation images


def train_run(run: Run, sources: dict[str, Path | Arrays], *, classes: int, folder: Path) -> dict[str, Any]:
    """Trains the run's members one after the other, resuming from the checkpoints in `folder`, and measures them.

    `sources` are the arrays of the train split, of the synthetic images, of the test split if the run is evaluated on it, and
    under `files` of the train split without boxes if that is measured.
    """
    trained_on = Sources(sources["train"], sources["synthetic"])
    trained = loop.train(run.recipe, trained_on, classes=classes, folder=folder, workers=IN_PROCESS, name=run.name)
    if run.is_tested:
        data = arrays.open_shared(sources["test"])
        metrics = test_metrics(data.labels, predict(trained, run, data.images, classes))
    else:
        data, rows = arrays.open_shared(sources["train"]), trained.validation_rows
        probabilities = trained.probabilities  # of the last weights in one view, which training has computed
        if run.evaluation != Evaluation(weights="last"):
            probabilities = predict(trained, run, data.images[rows], classes)
        metrics = validation_metrics(data.labels[rows], data.tracks[rows], probabilities)
        if files := sources.get("files"):
            as_files = predict(trained, run, arrays.open_shared(files).images[rows], classes)
            metrics["errors_as_files"] = int((as_files.argmax(axis=1) != data.labels[rows]).sum())
        of_places = predict(trained, run, prepare_places(run.variant), classes)
        metrics["answered"] = round(answered(probabilities.max(axis=1), of_places.max(axis=1)), 6)
    seconds = {key: round(value, 1) for key, value in loop.total_seconds(trained.members).items() if key != "elapsed_seconds"}
    return metrics | seconds | {"parameters": trained.members[0].parameters, "threads": run.recipe.threads}


def predict(trained: TrainedRecipe, run: Run, images: np.ndarray, classes: int) -> np.ndarray:
    """(n, size, size, channels) images -> (n, classes) float32 probabilities as stages/evaluate has them: by the weights and
    the views of `run.evaluation`, averaged over the members.
    """
    model = build_network(run.recipe.network, **shape_of(images, classes))
    probabilities_per_member = []
    for member in trained.members:
        model.set_weights(member.weights(run.evaluation.weights))
        probabilities_per_member.append(tta.predict(model, images, run.evaluation.test_time_augmentation))
    return np.mean(probabilities_per_member, axis=0)


def validation_metrics(labels: np.ndarray, tracks: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    """Accuracy and loss on the validation images, and the number of errors of each track that has any."""
    metrics = accuracy_metrics(labels, probabilities)
    errors = pd.Series(probabilities.argmax(axis=1) != labels).groupby(tracks).sum()
    return {
        "val_accuracy": round(metrics["accuracy"], 6),
        "val_loss": round(metrics["loss"], 6),
        "images": len(labels),
        "tracks": len(errors),
        "errors_by_track": " ".join(f"{track}:{count}" for track, count in errors[errors > 0].items()),
    }


@cache
def prepare_places(variant: Variant) -> np.ndarray:
    """(n, size, size, channels): crops of the photographs without a sign by which one may choose."""
    crops = [crop for photograph in CHOOSING for crop in sample_crops(photograph, CROPS)]
    return np.stack([preprocess(crop, Box(0, 0, len(crop) - 1, len(crop) - 1), variant) for crop in crops])


def answered(with_sign: np.ndarray, without_sign: np.ndarray) -> float:
    """(n,) and (m,) confidences -> the fraction of pictures without a sign that keep at least the confidence that `MARKED` of
    those with one are below.
    """
    return float((without_sign >= find_threshold(with_sign, MARKED)).mean())


def test_metrics(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    """Accuracy and errors on the test set."""
    metrics = accuracy_metrics(labels, probabilities)
    return {
        "test_accuracy": round(metrics["accuracy"], 6),
        "test_errors": metrics["errors"],
        "test_images": len(labels),
    }
