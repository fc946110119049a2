"""The training loop: Keras' own, fed with batches in which every draw is a function of (seed, epoch, step)."""

import sys
from dataclasses import dataclass
from functools import partial
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

ORDER, CHANGES, DROPOUT = range(3)  # streams of random numbers
VALIDATION_BATCH = 256  # changes the speed, not the figures
# Threads that make batches while the network trains. From two on Keras does without tf.data's own, for whose autotuning each
# pass over the data waits at its end, for seconds; more bring nothing, since a batch takes a fraction of a step.
WORKERS = 2

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
    each = partial(train_member, recipe, train=train, validation=validation, jit_compile=jit_compile)
    members = [each(number, folder=folder / f"member{number}") for number in range(recipe.members)]
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
        verbose=1 if sys.stdout.isatty() else 2,
        callbacks=[*callbacks, keras.callbacks.CSVLogger(checkpoint.history, append=True), checkpoint],
    )
    return checkpoint.progress


def _build_loss(model: keras.Model, targets: np.ndarray) -> None:
    """Builds loss and metrics; `fit` on JAX or PyTorch takes batches for that, and puts them back in disorder."""
    model.compute_loss(y=targets, y_pred=targets)
    model.compute_metrics(None, targets, targets)
    model.reset_metrics()


def steps_per_epoch(images: int, batch_size: int) -> int:
    """981 for the tutorial's 31,367 images in batches of 32; the last batch is a short one."""
    return -(-images // batch_size)


class InOrder(keras.utils.PyDataset):
    """Images (n, size, size, channels) and targets (n, classes) as they are, in batches."""

    def __init__(self, images: np.ndarray, targets: np.ndarray, batch_size: int):
        super().__init__(workers=WORKERS)
        self.images, self.targets, self.batch_size = images, targets, batch_size

    def __len__(self) -> int:
        return steps_per_epoch(len(self.images), self.batch_size)

    def __getitem__(self, step: int) -> Part:
        rows = np.s_[step * self.batch_size : (step + 1) * self.batch_size]
        return self.images[rows], self.targets[rows]


class Batches(InOrder):
    """The batches of one epoch: as many images as there are, shuffled and augmented.

    Step by step a function of (seed, epoch, step), whichever thread asks for it and when; `start` goes to another epoch.
    """

    def __init__(self, images: np.ndarray, targets: np.ndarray, recipe: Recipe, *, epoch: int):
        super().__init__(images, targets, recipe.batch_size)
        self.recipe = recipe
        self.start(epoch)

    def start(self, epoch: int) -> None:
        self.epoch = epoch
        self.order = epoch_order(self.targets, self.recipe.sampling, generator(self.recipe.seed, epoch, ORDER))

    def __getitem__(self, step: int) -> Part:
        rows = self.order[step * self.batch_size : (step + 1) * self.batch_size]
        images, targets = self.images[rows], self.targets[rows]
        if self.recipe.augmentation:
            rng = generator(self.recipe.seed, self.epoch, CHANGES, step)
            images, targets = augment(images, targets, self.recipe.augmentation, rng)
        if smoothing := self.recipe.label_smoothing:  # here, not in the loss, so that val_loss stays comparable
            targets = targets * np.float32(1 - smoothing) + np.float32(smoothing / targets.shape[1])
        return images, targets


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


def generator(seed: int, epoch: int, stream: int, step: int = 0) -> np.random.Generator:
    return np.random.default_rng([seed, epoch, stream, step])


class EpochDraws(keras.callbacks.Callback):
    """Goes on to an epoch's batches, and reseeds every random layer: no checkpoint of Keras keeps their state.

    Keras calls it before its workers start on the epoch, and the next time when all of them have ended.
    """

    def __init__(self, seed: int, batches: Batches):
        super().__init__()
        self.seed, self.batches = seed, batches

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.batches.start(epoch)
        rng = generator(self.seed, epoch, DROPOUT)
        keras.utils.set_random_seed(int(rng.integers(2**31)))  # PyTorch's dropout draws from the process's generator
        for layer in self.model.layers:
            if hasattr(layer, "seed_generator"):
                layer.seed_generator.state.assign(rng.integers(2**31, size=2, dtype="uint32"))


class LearningRate(keras.callbacks.Callback):
    """Logs the rate of each epoch's first step."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.rate = float(self.model.optimizer.learning_rate)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        logs["learning_rate"] = self.rate


class Plateau(keras.callbacks.ReduceLROnPlateau):
    """Keras' own, which forgets what it has seen; a resumed training shows it the validation losses of `history` again."""

    def __init__(self, params: ReduceOnPlateau, history: Path):
        super().__init__("val_loss", params.factor, params.patience, min_delta=params.min_delta)
        self.history = history

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        super().on_train_begin(logs)
        rate = float(self.model.optimizer.learning_rate)
        if self.history.exists() and self.history.stat().st_size:
            for epoch, loss in enumerate(pd.read_csv(self.history)["val_loss"]):
                self.on_epoch_end(epoch, {"val_loss": loss})
        self.model.optimizer.learning_rate = rate  # as the checkpoint has it
