"""Trains the members of a recipe by Keras' `fit`, on batches in which every draw is a function of (seed, epoch, step)."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from gtsrb.config.train import Recipe, ReduceOnPlateau
from gtsrb.data.arrays import Arrays
from gtsrb.errors import InputError
from gtsrb.evaluation.metrics import accuracy_metrics
from gtsrb.networks import inference
from gtsrb.networks.build import build_network, shape_of
from gtsrb.training.batches import Examples, OrderedBatches, TrainingBatches, steps_per_epoch
from gtsrb.training.callbacks import EpochPrinter, EpochSeeding, LearningRateLog, ResumablePlateau
from gtsrb.training.checkpoints import Checkpoint, Progress
from gtsrb.training.optimizers import build_optimizer
from gtsrb.training.split import split

VALIDATION_BATCH = 256  # changes the speed, not the results
HISTORY = ["epoch", "accuracy", "learning_rate", "loss", "val_accuracy", "val_loss"]


@dataclass(frozen=True)
class Member:
    """One trained network of a recipe."""

    last_weights: list[np.ndarray]  # of the last epoch, in the order of `get_weights`
    best_weights: list[np.ndarray]  # of the epoch with the lowest validation loss; empty without validation images
    best_epoch: int  # counted from 0
    history: pd.DataFrame  # one row per epoch, columns HISTORY; val_* are empty without validation images
    probabilities: np.ndarray  # (validation images, classes) float32, by the last weights
    seconds: float  # in training and validation, over all sessions
    parameters: int

    def weights(self, kind: str) -> list[np.ndarray]:
        """The `last` or the `best` weights, as params name them."""
        return {"last": self.last_weights, "best": self.best_weights}[kind]


@dataclass(frozen=True)
class TrainedRecipe:
    """All members of a recipe, and the rows of the training arrays that they were trained and validated on."""

    members: list[Member]
    train_rows: np.ndarray  # (training images,)
    validation_rows: np.ndarray  # (validation images,)

    @property
    def probabilities(self) -> np.ndarray:
        """(validation images, classes) float32 by the last weights, averaged over the members."""
        return np.mean([member.probabilities for member in self.members], axis=0)

    @property
    def history(self) -> pd.DataFrame:
        """One row per epoch, averaged over the members."""
        return pd.concat([member.history for member in self.members]).groupby("epoch", as_index=False).mean()


def train(recipe: Recipe, data: Arrays, *, classes: int, jit_compile: bool | str, folder: Path) -> TrainedRecipe:
    """Splits `data` and trains every member of the recipe, resuming from the checkpoints in `folder`.

    Expects the device to be set up. Raises `InputError` if the recipe does not fit the data.
    """
    check_classes(recipe, classes)
    train_rows, validation_rows = split(data.labels, data.tracks, recipe.validation)
    targets = np.eye(classes, dtype="float32")[data.labels]
    train, validation = ((data.images[rows], targets[rows]) for rows in (train_rows, validation_rows))
    train_one = partial(train_member, recipe, train=train, validation=validation, jit_compile=jit_compile)
    members = [train_one(number, folder=folder / f"member{number}") for number in range(recipe.members)]
    return TrainedRecipe(members, train_rows, validation_rows)


def check_classes(recipe: Recipe, classes: int) -> None:
    """Raises `InputError` if the recipe names a class that the data set does not have."""
    flips = recipe.augmentation and recipe.augmentation.flips
    if flips and flips.max_class_id >= classes:
        raise InputError(f"augmentation.flips names class {flips.max_class_id}; the data set has classes 0 to {classes - 1}")


def train_member(
    recipe: Recipe, number: int, *, train: Examples, validation: Examples, jit_compile: bool | str, folder: Path
) -> Member:
    """Trains member `number`, counted from 0, resuming from the checkpoint in `folder`; a finished member is only loaded."""
    seed = recipe.seeds[number]
    recipe = recipe.model_copy(update={"seed": seed})
    keras.utils.set_random_seed(seed)
    model = build_network(recipe.network, **shape_of(train[0], train[1].shape[1]))
    steps = steps_per_epoch(len(train[0]), recipe.batch_size)
    optimizer = build_optimizer(recipe.optimizer, recipe.schedule, steps_per_epoch=steps, epochs=recipe.epochs)
    model.compile(optimizer, loss=recipe.loss, metrics=["accuracy"], jit_compile=jit_compile)
    images = f"{len(train[0]):,} training and {len(validation[0]):,} validation images"
    print(f"member{number}: {model.count_params():,} parameters; {recipe.epochs} epochs of {steps} steps; {images}", flush=True)
    progress = fit(model, recipe, train=train, validation=validation if len(validation[0]) else None, folder=folder)
    return Member(
        last_weights=model.get_weights(),
        best_weights=progress.best_weights,
        best_epoch=progress.best_epoch,
        history=pd.read_csv(folder / "history.csv").reindex(columns=HISTORY),
        probabilities=inference.predict(model, validation[0]),
        seconds=progress.seconds,
        parameters=model.count_params(),
    )


def training_metrics(trained: TrainedRecipe, labels: np.ndarray) -> dict[str, Any]:
    """Validation accuracy on `labels` (validation images,), seconds and parameters, as metrics/RECIPE/training.json has them.

    `val_*` are of the last weights and the members' averaged probabilities; None without validation.
    """
    members = trained.members
    metrics: dict[str, Any] = {"val_accuracy": None, "val_loss": None}
    if len(labels):
        ensemble = accuracy_metrics(labels, trained.probabilities)
        metrics = {"val_accuracy": ensemble["accuracy"], "val_loss": ensemble["loss"]}
    if len(members) == 1 and len(labels):
        best = members[0].history.iloc[members[0].best_epoch]
        metrics["best_epoch"] = members[0].best_epoch  # counted from 0, as in history.csv
        metrics["best_val_accuracy"], metrics["best_val_loss"] = float(best["val_accuracy"]), float(best["val_loss"])
    if len(members) > 1:
        metrics["members"] = {}
        for number, member in enumerate(members):
            accuracy = accuracy_metrics(labels, member.probabilities)["accuracy"] if len(labels) else None
            metrics["members"][f"member{number}"] = {"val_accuracy": accuracy, "seconds": round(member.seconds, 1)}
    metrics["seconds"] = round(sum(member.seconds for member in members), 1)  # validation included
    metrics["parameters"] = members[0].parameters  # of one member
    return metrics


def fit(model: keras.Model, recipe: Recipe, *, train: Examples, validation: Examples | None, folder: Path) -> Progress:
    """Trains the compiled `model` to the recipe's last epoch, from the checkpoint in `folder` if there is one.

    Writes history.csv to `folder`. The model ends with the last epoch's weights (their moving averages, if the optimiser has
    `ema_momentum`); the returned `Progress` has the best epoch's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = Checkpoint(folder)
    first_epoch = checkpoint.resume(model)
    if first_epoch:
        print(f"resumed after {first_epoch} of {recipe.epochs} epochs", flush=True)
    batches = TrainingBatches(*train, recipe, epoch=first_epoch)
    callbacks = [EpochSeeding(recipe.seed, batches), LearningRateLog()]
    if recipe.optimizer.ema_momentum and validation:
        callbacks.append(keras.callbacks.SwapEMAWeights())  # validates the averaged weights
    if isinstance(recipe.schedule, ReduceOnPlateau):
        callbacks.append(ResumablePlateau(recipe.schedule, checkpoint.history))
    _build_loss(model, train[1][:1])
    model.fit(
        batches,
        initial_epoch=first_epoch,
        epochs=recipe.epochs,
        validation_data=OrderedBatches(*validation, VALIDATION_BATCH) if validation else None,
        shuffle=False,  # `TrainingBatches` does it
        verbose=0,
        callbacks=[*callbacks, keras.callbacks.CSVLogger(checkpoint.history, append=True), checkpoint, EpochPrinter()],
    )
    return checkpoint.progress


def _build_loss(model: keras.Model, targets: np.ndarray) -> None:
    """Builds loss and metrics; otherwise Keras' `fit` on JAX or PyTorch draws batches for it, which changes their order."""
    model.compute_loss(y=targets, y_pred=targets)
    model.compute_metrics(None, targets, targets)
    model.reset_metrics()
