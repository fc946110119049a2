"""The training loop: Keras' own, fed with batches in which every draw is a function of (seed, epoch)."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from gtsrb import networks, optimisation
from gtsrb.arrays import Arrays
from gtsrb.augmentation import augment
from gtsrb.checkpoints import Checkpoint, Progress
from gtsrb.errors import InputError
from gtsrb.metrics import accuracy_figures
from gtsrb.recipes import Recipe, ReduceOnPlateau
from gtsrb.split import split

ORDER, CHANGES, DROPOUT = range(3)  # streams of random numbers, each with its own generator an epoch
VALIDATION_BATCH = 256  # changes the speed, not the figures

Part = tuple[np.ndarray, np.ndarray]  # images (n, size, size, 3) and one-hot targets (n, classes) float32
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
    options = {"train": train, "validation": validation, "jit_compile": jit_compile}
    members = [train_member(recipe, i, folder=folder / f"member{i}", **options) for i in range(recipe.members)]
    return Trained(members, rows, held_out)


def check_classes(recipe: Recipe, classes: int) -> None:
    """Raises `InputError` where the recipe names a class that the data set does not have."""
    flips = recipe.augmentation and recipe.augmentation.flips
    if flips and flips.greatest >= classes:
        raise InputError(f"augmentation.flips names class {flips.greatest}; the data set has classes 0 to {classes - 1}")


def train_member(
    recipe: Recipe, number: int, *, train: Part, validation: Part, jit_compile: bool | str, folder: Path
) -> Member:
    """Trains the recipe's network of this number, or goes on from what `folder` keeps; a finished one is only read."""
    seed = recipe.seeds[number]
    recipe = recipe.model_copy(update={"seed": seed})
    keras.utils.set_random_seed(seed)
    model = networks.build(recipe.network, **networks.shape_of(train[0], train[1].shape[1]))
    steps = steps_per_epoch(len(train[0]), recipe.batch_size)
    optimizer = optimisation.build(recipe.optimizer, recipe.schedule, steps_per_epoch=steps, epochs=recipe.epochs)
    model.compile(optimizer, loss=recipe.loss, metrics=["accuracy"], jit_compile=jit_compile)
    images = f"{len(train[0])} training and {len(validation[0])} validation images"
    print(f"member {number}: {model.count_params()} parameters, {recipe.epochs} epochs of {steps} steps, {images}", flush=True)
    progress = fit(model, recipe, train=train, validation=validation if len(validation[0]) else None, folder=folder)
    return Member(
        last=model.get_weights(),
        best=progress.best_weights,
        best_epoch=progress.best_epoch,
        history=pd.read_csv(folder / "history.csv").reindex(columns=HISTORY),
        probabilities=networks.predict(model, validation[0]),
        seconds=progress.seconds,
        parameters=model.count_params(),
    )


def figures(trained: Trained, labels: np.ndarray) -> dict[str, Any]:
    """What metrics/RECIPE/training.json says of accuracy on the (validation images,) `labels`, and of cost.

    `val_*` are those of the last weights, of an ensemble's averaged probabilities; null without validation.
    """
    members = trained.members
    out: dict[str, Any] = {"val_accuracy": None, "val_loss": None}
    if len(labels):
        both = accuracy_figures(labels, trained.probabilities)
        out = {"val_accuracy": both["accuracy"], "val_loss": both["loss"]}
    if len(members) == 1 and len(labels):
        best = members[0].history.iloc[members[0].best_epoch]
        out["best_epoch"] = members[0].best_epoch  # counted from 0, as in history.csv
        out["best_val_accuracy"], out["best_val_loss"] = float(best["val_accuracy"]), float(best["val_loss"])
    if len(members) > 1:
        out["members"] = {}
        for number, member in enumerate(members):
            own = accuracy_figures(labels, member.probabilities) if len(labels) else {"accuracy": None}
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
    callbacks = [EpochSeeds(recipe.seed), LearningRate()]
    if recipe.optimizer.average and validation:
        callbacks.append(keras.callbacks.SwapEMAWeights())  # validates the averaged weights
    if isinstance(recipe.schedule, ReduceOnPlateau):
        callbacks.append(Plateau(recipe.schedule, checkpoint.history))
    model.fit(
        batches(*train, recipe, first_epoch=first_epoch),
        steps_per_epoch=steps_per_epoch(len(train[0]), recipe.batch_size),
        initial_epoch=first_epoch,
        epochs=recipe.epochs,
        validation_data=validation,
        validation_batch_size=VALIDATION_BATCH,
        shuffle=False,  # done by `batches`
        verbose=1 if sys.stdout.isatty() else 2,
        callbacks=[*callbacks, keras.callbacks.CSVLogger(checkpoint.history, append=True), checkpoint],
    )
    return checkpoint.progress


def steps_per_epoch(images: int, batch_size: int) -> int:
    """981 for the tutorial's 31,367 images in batches of 32; the last batch is a short one."""
    return -(-images // batch_size)


def batches(images: np.ndarray, targets: np.ndarray, recipe: Recipe, *, first_epoch: int) -> Iterator[Part]:
    """Endless batches from `first_epoch` on: as many images an epoch as there are, shuffled and augmented anew."""
    epoch, classes = first_epoch, targets.shape[1]
    while True:
        order = epoch_order(targets, recipe.sampling, generator(recipe.seed, epoch, ORDER))
        changes = generator(recipe.seed, epoch, CHANGES)
        for start in range(0, len(order), recipe.batch_size):
            rows = order[start : start + recipe.batch_size]
            chosen, wanted = images[rows], targets[rows]
            if recipe.augmentation:
                chosen, wanted = augment(chosen, wanted, recipe.augmentation, changes)
            if recipe.label_smoothing:  # here, not in the loss, so that val_loss stays comparable
                wanted = wanted * np.float32(1 - recipe.label_smoothing) + np.float32(recipe.label_smoothing / classes)
            yield chosen, wanted
        epoch += 1


def epoch_order(targets: np.ndarray, sampling: str, rng: np.random.Generator) -> np.ndarray:
    """(n, classes) one-hot targets -> (n,) rows to show in an epoch: each once, or every class equally often.

    Balanced, a class's images are all shown before one is shown again; a class with more than its share shows a part.
    """
    n = len(targets)
    if sampling == "natural":
        return rng.permutation(n)
    labels = targets.argmax(axis=1)
    present = rng.permutation(np.unique(labels))
    quotas = n // len(present) + (np.arange(len(present)) < n % len(present))
    rows = []
    for label, quota in zip(present, quotas, strict=True):
        own = np.flatnonzero(labels == label)
        rows.append(np.concatenate([rng.permutation(own) for _ in range(-(-quota // len(own)))])[:quota])
    return rng.permutation(np.concatenate(rows))


def generator(seed: int, epoch: int, stream: int) -> np.random.Generator:
    return np.random.default_rng([seed, epoch, stream])


class EpochSeeds(keras.callbacks.Callback):
    """Reseeds every random layer at the start of an epoch: no checkpoint of Keras keeps their state."""

    def __init__(self, seed: int):
        super().__init__()
        self.seed = seed

    def on_epoch_begin(self, epoch, logs=None):
        rng = generator(self.seed, epoch, DROPOUT)
        for layer in self.model.layers:
            if hasattr(layer, "seed_generator"):
                layer.seed_generator.state.assign(rng.integers(2**31, size=2, dtype="uint32"))


class LearningRate(keras.callbacks.Callback):
    """Logs the rate of each epoch's first step."""

    def on_epoch_begin(self, epoch, logs=None):
        self.rate = float(self.model.optimizer.learning_rate)

    def on_epoch_end(self, epoch, logs):
        logs["learning_rate"] = self.rate


class Plateau(keras.callbacks.ReduceLROnPlateau):
    """Keras' own, which forgets what it has seen; a resumed training shows it the validation losses of `history` again."""

    def __init__(self, params: ReduceOnPlateau, history: Path):
        super().__init__("val_loss", params.factor, params.patience, min_delta=params.min_delta)
        self.history = history

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        rate = float(self.model.optimizer.learning_rate)
        if self.history.exists() and self.history.stat().st_size:
            for epoch, loss in enumerate(pd.read_csv(self.history)["val_loss"]):
                self.on_epoch_end(epoch, {"val_loss": loss})
        self.model.optimizer.learning_rate = rate  # as the checkpoint has it
