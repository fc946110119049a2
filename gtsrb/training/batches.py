"""The batches of an epoch, in which every draw is a function of (seed, epoch, step)."""

import keras
import numpy as np

from gtsrb.augmentation.augment import augment
from gtsrb.config.train import Recipe

ORDER, CHANGES, DROPOUT = range(3)  # streams of random numbers
# Threads that make batches while the network trains. From two on Keras does without tf.data's own, for whose autotuning each
# pass over the data waits at its end, for seconds; more bring nothing, since a batch takes a fraction of a step.
WORKERS = 2
Part = tuple[np.ndarray, np.ndarray]  # images (n, size, size, 3) and one-hot targets (n, classes) float32


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
