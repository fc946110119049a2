"""The training loop: Keras' own, fed with batches in which every draw is a function of (seed, epoch)."""

import sys
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from gtsrb.augmentation import augment
from gtsrb.checkpoints import Checkpoint, Progress
from gtsrb.params import Recipe

ORDER, CHANGES, DROPOUT = range(3)  # streams of random numbers, each with its own generator an epoch
VALIDATION_BATCH = 256  # changes the speed, not the figures

Part = tuple[np.ndarray, np.ndarray]  # images (n, size, size, 3) and one-hot targets (n, classes) float32


def fit(model: keras.Model, recipe: Recipe, *, train: Part, validation: Part, folder: Path) -> Progress:
    """Trains the compiled `model` from where `folder` has it, or from the start, to the recipe's last epoch.

    Leaves history.csv in `folder`; the model ends with the last epoch's weights, the result has the best epoch's.
    """
    checkpoint = Checkpoint(folder)
    first_epoch = checkpoint.resume(model)
    if first_epoch:
        print(f"resumed after {first_epoch} of {recipe.epochs} epochs", flush=True)
    model.fit(
        batches(*train, recipe, first_epoch=first_epoch),
        steps_per_epoch=steps_per_epoch(len(train[0]), recipe.batch_size),
        initial_epoch=first_epoch,
        epochs=recipe.epochs,
        validation_data=validation,
        validation_batch_size=VALIDATION_BATCH,
        shuffle=False,  # done by `batches`
        verbose=1 if sys.stdout.isatty() else 2,
        callbacks=[
            EpochSeeds(recipe.seed),
            LearningRate(),
            keras.callbacks.CSVLogger(checkpoint.history, append=True),
            checkpoint,
        ],
    )
    return checkpoint.progress


def steps_per_epoch(images: int, batch_size: int) -> int:
    """981 for the tutorial's 31,367 images in batches of 32; the last batch is a short one."""
    return -(-images // batch_size)


def batches(images: np.ndarray, targets: np.ndarray, recipe: Recipe, *, first_epoch: int) -> Iterator[Part]:
    """Endless batches from `first_epoch` on: every image once an epoch, shuffled and augmented anew."""
    epoch = first_epoch
    while True:
        order = generator(recipe.seed, epoch, ORDER).permutation(len(images))
        changes = generator(recipe.seed, epoch, CHANGES)
        for start in range(0, len(order), recipe.batch_size):
            rows = order[start : start + recipe.batch_size]
            chosen = images[rows]
            if recipe.augmentation:
                chosen = augment(chosen, recipe.augmentation, changes)
            yield chosen, targets[rows]
        epoch += 1


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
