"""Trains the members of a recipe by Keras' `fit`, on batches in which every draw is a function of (seed, epoch, step)."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from gtsrb import device, parallel
from gtsrb.config.train import Recipe, ReduceOnPlateau
from gtsrb.data import arrays
from gtsrb.data.arrays import Rows, Sources
from gtsrb.data.labels import WITHOUT_SIGN
from gtsrb.data.sign_names import SIGN_NAMES
from gtsrb.errors import InputError
from gtsrb.evaluation.metrics import accuracy_metrics
from gtsrb.networks import inference
from gtsrb.networks.build import build_network, seed_layers, shape_of
from gtsrb.parallel import Workers
from gtsrb.progress import print_line, say
from gtsrb.training import checkpoints
from gtsrb.training.batches import Examples, OrderedBatches, TrainingBatches, count_synthetic, join, steps_per_epoch
from gtsrb.training.callbacks import EpochPrinter, EpochSeeding, LearningRateLog, ResumablePlateau
from gtsrb.training.checkpoints import Checkpoint, Progress, covered_seconds
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
    fit_seconds: float  # in training steps, the tracing in the first included: without validation
    spans: list[list[float]]  # [start, end] of each epoch with validation, Unix time, over all sessions
    parameters: int
    device: str  # the processor that trained it

    @property
    def seconds(self) -> float:
        """In training and validation, over all sessions."""
        return sum(end - start for start, end in self.spans)

    def weights(self, kind: str) -> list[np.ndarray]:
        """The `last` or the `best` weights, as params name them."""
        return {"last": self.last_weights, "best": self.best_weights}[kind]


@dataclass(frozen=True)
class TrainedRecipe:
    """All members of a recipe, and the rows of the training arrays that they were trained and validated on."""

    members: list[Member]
    train_rows: np.ndarray  # (training photographs,)
    validation_rows: np.ndarray  # (validation images,)
    images_per_epoch: int  # photographs and synthetic images

    @property
    def probabilities(self) -> np.ndarray:
        """(validation images, classes) float32 by the last weights, averaged over the members."""
        return np.mean([member.probabilities for member in self.members], axis=0)

    @property
    def history(self) -> pd.DataFrame:
        """One row per epoch, averaged over the members."""
        return pd.concat([member.history for member in self.members]).groupby("epoch", as_index=False).mean()


def source_dirs(recipe: Recipe) -> tuple[Path, Path]:
    """The folders of the photographs and of the synthetic images that the recipe trains on."""
    variant_dir = Path(f"data/processed/{recipe.images}")
    return variant_dir / "train", variant_dir / recipe.synthetic.set


def check_classes(recipe: Recipe, names: list[str], synthetic_labels: np.ndarray) -> None:
    """Raises `InputError` if the recipe flips or draws signs of classes that are not those of the data set, `names`."""
    flips, last = recipe.augmentation and recipe.augmentation.flips, len(names) - 1
    if flips and flips.max_class_id > last:
        raise InputError(f"augmentation.flips names class {flips.max_class_id}; the data set has classes 0 to {last}")
    if (synthetic_labels != WITHOUT_SIGN).any() and tuple(names) != SIGN_NAMES:
        raise InputError(
            f"synthetic.set = {recipe.synthetic.set!r}: its drawings are of the {len(SIGN_NAMES)} signs of GTSRB, and the data "
            "set has other classes; set synthetic: {set: none, share: 0.0}, or a set with tracks_per_class: 0"
        )


def set_up_device(recipe: Recipe) -> device.Device:
    """Sets up this process for the recipe; raises and warns as `device.set_up`."""
    return device.set_up(
        recipe.device,
        precision=recipe.precision,
        seed=recipe.seed,
        deterministic=recipe.deterministic,
        threads=recipe.threads,
        replicas=recipe.replicas or 1,
    )


@contextmanager
def open_trainers(recipe: Recipe, networks: int) -> Iterator[Workers]:
    """Workers that train this many networks of the recipe. Says on what; raises as `open_workers` and `device.set_up`.

    A cluster's workers each have their own device; otherwise this process uses the same as its workers.
    """
    if parallel.scheduler():
        gpu = False
    else:
        machine = set_up_device(recipe)
        say(f"{machine}, {recipe.precision}")
        gpu = machine.gpu
    with parallel.open_workers(networks, threads=recipe.threads, gpu=gpu) as workers:
        if workers.cluster:
            say(f"{workers.count} workers of {parallel.scheduler()}, {recipe.precision}")
        yield workers


def share_sources(sources: Sources, workers: Workers) -> Sources:
    """The same, as the workers can open them: the arrays themselves, if they have no such folders."""
    return Sources(*(workers.share(arrays.read, source) if isinstance(source, Path) else source for source in sources))


def train(recipe: Recipe, sources: Sources, *, classes: int, folder: Path, workers: Workers, name: str = "") -> TrainedRecipe:
    """Splits the photographs and trains every member of the recipe, resuming from the checkpoints in `folder`.

    Lines about a member begin with `name` and, if there are several, its own. Raises `InputError` if the photographs cannot be
    split so.
    """
    photographs, synthetic = map(arrays.open_shared, sources)
    rows = rows_trained_on(recipe, split(photographs.labels, photographs.tracks, recipe.validation))
    shared = share_sources(sources, workers)

    def call(number: int) -> partial[Member]:
        member = f"member{number}"
        label = ", ".join([name] * bool(name) + [member] * (recipe.members > 1))
        of_member = partial(train_member_on, recipe, number, *rows, sources=shared)
        return partial(of_member, classes=classes, folder=folder / member, name=label)

    members = dict(workers.run(map(call, range(recipe.members))))
    images = len(rows[0]) + count_synthetic(len(rows[0]), len(synthetic.labels), recipe.synthetic.share)
    return TrainedRecipe([members[number] for number in range(recipe.members)], *rows, images)


def rows_trained_on(recipe: Recipe, rows: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Rows for training and validation, of which none trains if all images are synthetic."""
    train_rows, validation_rows = rows
    return train_rows[: 0 if recipe.synthetic.share == 1 else None], validation_rows


def train_member_on(
    recipe: Recipe,
    number: int,
    train_rows: np.ndarray,
    validation_rows: np.ndarray,
    *,
    sources: Sources,
    classes: int,
    folder: Path,
    name: str,
) -> Member:
    """`train_member` on these rows of the photographs, and the synthetic images, in any process: sets up its device and frees
    what it held.
    """
    keras.utils.clear_session()  # the network that this process trained before
    machine = set_up_device(recipe)
    photographs, synthetic = map(arrays.open_shared, sources)
    train_rows, validation_rows = rows_trained_on(recipe, (train_rows, validation_rows))
    train, validation = (
        Examples(Rows(photographs.images, rows), photographs.labels[rows], classes) for rows in (train_rows, validation_rows)
    )
    train = join(train, synthetic)
    with checkpoints.member_dir(folder, f"{device.versions()} on {machine}") as own_folder:
        return train_member(recipe, number, train=train, validation=validation, machine=machine, folder=own_folder, name=name)


def train_member(
    recipe: Recipe,
    number: int,
    *,
    train: Examples,
    validation: Examples,
    machine: device.Device,
    folder: Path,
    name: str = "",
) -> Member:
    """Trains member `number`, counted from 0, resuming from the checkpoint in `folder`; a finished member is only loaded."""
    seed = recipe.seeds[number]
    recipe = recipe.model_copy(update={"seed": seed})
    keras.utils.set_random_seed(seed)
    shape = shape_of(train.images, train.classes)
    photographs = len(train.labels) - train.synthetic
    drawn = count_synthetic(photographs, train.synthetic, recipe.synthetic.share)
    steps = steps_per_epoch(photographs + drawn, recipe.batch_size)
    images = f"{photographs:,} training and {len(validation.labels):,} validation images"
    if drawn:
        images = f"{drawn:,} of {train.synthetic:,} synthetic, {images}"
    prefix = f"{name}  " if name else ""
    validation_or_none = validation if len(validation.labels) else None
    with machine.scope():
        with seed_layers(seed):
            model = build_network(recipe.network, **shape)
        optimizer = build_optimizer(recipe.optimizer, recipe.schedule, steps_per_epoch=steps, epochs=recipe.epochs)
        metrics = {"weighted_metrics" if recipe.replicas else "metrics": ["accuracy"]}
        model.compile(optimizer, loss=recipe.loss, jit_compile=machine.jit_compile, **metrics)
        shown = name or f"member{number}"
        print_line(f"{shown}: {model.count_params():,} parameters; {recipe.epochs} epochs of {steps} steps; {images}")
        progress = fit(model, recipe, train=train, validation=validation_or_none, folder=folder, prefix=prefix)
    last_weights = model.get_weights()
    if recipe.replicas:  # each would predict the whole batch
        model = build_network(recipe.network, **shape)
        model.set_weights(last_weights)
    return Member(
        last_weights=last_weights,
        best_weights=progress.best_weights,
        best_epoch=progress.best_epoch,
        history=pd.read_csv(folder / "history.csv").reindex(columns=HISTORY),
        probabilities=inference.predict(model, validation.images),
        fit_seconds=progress.fit_seconds,
        spans=progress.spans,
        parameters=model.count_params(),
        device=machine.name,
    )


def fit(
    model: keras.Model,
    recipe: Recipe,
    *,
    train: Examples,
    validation: Examples | None,
    folder: Path,
    prefix: str = "",
) -> Progress:
    """Trains the compiled `model` to the recipe's last epoch, from the checkpoint in `folder` if there is one.

    Prints a line per epoch, after `prefix`. Writes history.csv to `folder`. The model ends with the last epoch's weights (their
    moving averages, if the optimiser has `ema_momentum`); the returned `Progress` has the best epoch's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = Checkpoint(folder)
    first_epoch = checkpoint.resume(model)
    if first_epoch:
        print_line(f"{prefix}resumed after {first_epoch} of {recipe.epochs} epochs")
    batches = TrainingBatches(train, recipe, epoch=first_epoch)
    callbacks = [EpochSeeding(recipe.seed, batches), LearningRateLog()]
    if recipe.optimizer.ema_momentum and validation:
        callbacks.append(keras.callbacks.SwapEMAWeights())  # validates the averaged weights
    if isinstance(recipe.schedule, ReduceOnPlateau):
        callbacks.append(ResumablePlateau(recipe.schedule, checkpoint.history))
    _build_loss(model, train.read(np.s_[:1])[1])
    model.fit(
        batches,
        initial_epoch=first_epoch,
        epochs=recipe.epochs,
        validation_data=OrderedBatches(validation, VALIDATION_BATCH, recipe.replicas) if validation else None,
        shuffle=False,  # `TrainingBatches` does it
        verbose=0,
        callbacks=[*callbacks, keras.callbacks.CSVLogger(checkpoint.history, append=True), checkpoint, EpochPrinter(prefix)],
    )
    return checkpoint.progress


def _build_loss(model: keras.Model, targets: np.ndarray) -> None:
    """Builds loss and metrics; otherwise Keras' `fit` on JAX or PyTorch draws batches for it, which changes their order."""
    model.compute_loss(y=targets, y_pred=targets)
    model.compute_metrics(None, targets, targets)
    model.reset_metrics()


def total_seconds(members: Iterable[Member]) -> dict[str, float]:
    """`seconds` in training and validation and `fit_seconds` in training steps, each the sum over the members, and
    `elapsed_seconds`, in which at least one of them trained or validated; all over all sessions.
    """
    members = list(members)
    return {
        "seconds": sum(member.seconds for member in members),
        "fit_seconds": sum(member.fit_seconds for member in members),
        "elapsed_seconds": covered_seconds(span for member in members for span in member.spans),
    }


def name_devices(members: Iterable[Member]) -> str:
    """The processors that trained them."""
    return "; ".join(sorted({member.device for member in members}))


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
            times = {"seconds": round(member.seconds, 1), "fit_seconds": round(member.fit_seconds, 1)}
            metrics["members"][f"member{number}"] = {"val_accuracy": accuracy, **times}
    seconds = total_seconds(members)
    metrics |= {key: round(value, 1) for key, value in seconds.items()}
    images = trained.images_per_epoch * len(trained.history) * len(members)
    metrics["images_per_second"] = round(images / seconds["elapsed_seconds"], 1)
    metrics["parameters"] = members[0].parameters  # of one member
    return metrics
