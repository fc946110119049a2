"""The training loop: Keras' own, fed with batches in which every draw is a function of (seed, epoch, step)."""

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
from gtsrb.training.batches import Batches, InOrder, Part, steps_per_epoch
from gtsrb.training.callbacks import EpochDraws, EpochLines, LearningRate, Plateau
from gtsrb.training.checkpoints import Checkpoint, Progress
from gtsrb.training.optimizers import build_optimizer
from gtsrb.training.split import split

VALIDATION_BATCH = 256  # changes the speed, not the figures
HISTORY = ["epoch", "accuracy", "learning_rate", "loss", "val_accuracy", "val_loss"]


@dataclass(frozen=True)
class Member:
    """One trained network of a recipe."""

    last: list[np.ndarray]  # weights of the last epoch
    best: list[np.ndarray]  # of the epoch with the least validation loss; empty without validation images
    best_epoch: int  # counted from 0
    history: pd.DataFrame  # a row an epoch, columns HISTORY; val_* are empty without validation images
    probabilities: np.ndarray  # (validation images, classes) float32, by the last weights
    seconds: float  # in training and validation, over all sessions
    parameters: int

    def weights(self, which: str) -> list[np.ndarray]:
        """Those of the `last` or of the `best` epoch, in the order of the network's."""
        return {"last": self.last, "best": self.best}[which]


@dataclass(frozen=True)
class Trained:
    """All networks of a recipe, and which images they have seen."""

    members: list[Member]
    rows: np.ndarray  # (n,) of the images that train
    held_out: np.ndarray  # (validation images,) of those that validate

    @property
    def probabilities(self) -> np.ndarray:
        """(validation images, classes) float32 by the last weights, averaged over the members."""
        return np.mean([member.probabilities for member in self.members], axis=0)

    @property
    def history(self) -> pd.DataFrame:
        """A row an epoch, averaged over the members."""
        return pd.concat([member.history for member in self.members]).groupby("epoch", as_index=False).mean()


def train(recipe: Recipe, data: Arrays, *, classes: int, jit_compile: bool | str, folder: Path) -> Trained:
    """Trains every member of the recipe on its part of `data`, or goes on from what `folder` keeps of them.

    The device is set up before. Raises `InputError` if the recipe does not suit the data.
    """
    check_classes(recipe, classes)
    rows, held_out = split(data.labels, data.tracks, recipe.validation)
    targets = np.eye(classes, dtype="float32")[data.labels]
    train, validation = ((data.images[part], targets[part]) for part in (rows, held_out))
    each = partial(train_member, recipe, train=train, validation=validation, jit_compile=jit_compile)
    members = [each(number, folder=folder / f"member{number}") for number in range(recipe.members)]
    return Trained(members, rows, held_out)


def check_classes(recipe: Recipe, classes: int) -> None:
    """Raises `InputError` where the recipe names a class that the data set does not have."""
    flips = recipe.augmentation and recipe.augmentation.flips
    if flips and flips.max_class_id >= classes:
        raise InputError(f"augmentation.flips names class {flips.max_class_id}; the data set has classes 0 to {classes - 1}")


def train_member(
    recipe: Recipe, number: int, *, train: Part, validation: Part, jit_compile: bool | str, folder: Path
) -> Member:
    """Trains the recipe's network of this number, or goes on from what `folder` keeps; a finished one is only read."""
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
        last=model.get_weights(),
        best=progress.best_weights,
        best_epoch=progress.best_epoch,
        history=pd.read_csv(folder / "history.csv").reindex(columns=HISTORY),
        probabilities=inference.predict(model, validation[0]),
        seconds=progress.seconds,
        parameters=model.count_params(),
    )


def training_metrics(trained: Trained, labels: np.ndarray) -> dict[str, Any]:
    """What metrics/RECIPE/training.json says of accuracy on the (validation images,) `labels`, and of cost.

    `val_*` are those of the last weights, of an ensemble's averaged probabilities; null without validation.
    """
    members = trained.members
    out: dict[str, Any] = {"val_accuracy": None, "val_loss": None}
    if len(labels):
        both = accuracy_metrics(labels, trained.probabilities)
        out = {"val_accuracy": both["accuracy"], "val_loss": both["loss"]}
    if len(members) == 1 and len(labels):
        best = members[0].history.iloc[members[0].best_epoch]
        out["best_epoch"] = members[0].best_epoch  # counted from 0, as in history.csv
        out["best_val_accuracy"], out["best_val_loss"] = float(best["val_accuracy"]), float(best["val_loss"])
    if len(members) > 1:
        out["members"] = {}
        for number, member in enumerate(members):
            own = accuracy_metrics(labels, member.probabilities) if len(labels) else {"accuracy": None}
            out["members"][f"member{number}"] = {"val_accuracy": own["accuracy"], "seconds": round(member.seconds, 1)}
    out["seconds"] = round(sum(member.seconds for member in members), 1)  # validation included
    out["parameters"] = members[0].parameters  # of one network
    return out


def fit(model: keras.Model, recipe: Recipe, *, train: Part, validation: Part | None, folder: Path) -> Progress:
    """Trains the compiled `model` from where `folder` has it, or from the start, to the recipe's last epoch.

    Leaves history.csv in `folder`; the model ends with the last epoch's weights (their average, where the optimiser keeps
    one), the result has the best epoch's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = Checkpoint(folder)
    first_epoch = checkpoint.resume(model)
    if first_epoch:
        print(f"resumed after {first_epoch} of {recipe.epochs} epochs", flush=True)
    batches = Batches(*train, recipe, epoch=first_epoch)
    callbacks = [EpochDraws(recipe.seed, batches), LearningRate()]
    if recipe.optimizer.ema_momentum and validation:
        callbacks.append(keras.callbacks.SwapEMAWeights())  # validates the averaged weights
    if isinstance(recipe.schedule, ReduceOnPlateau):
        callbacks.append(Plateau(recipe.schedule, checkpoint.history))
    _build_loss(model, train[1][:1])
    model.fit(
        batches,
        initial_epoch=first_epoch,
        epochs=recipe.epochs,
        validation_data=InOrder(*validation, VALIDATION_BATCH) if validation else None,
        shuffle=False,  # done by `Batches`
        verbose=0,
        callbacks=[*callbacks, keras.callbacks.CSVLogger(checkpoint.history, append=True), checkpoint, EpochLines()],
    )
    return checkpoint.progress


def _build_loss(model: keras.Model, targets: np.ndarray) -> None:
    """Builds loss and metrics; `fit` on JAX or PyTorch takes batches for that, and puts them back in disorder."""
    model.compute_loss(y=targets, y_pred=targets)
    model.compute_metrics(None, targets, targets)
    model.reset_metrics()
