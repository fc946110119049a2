"""The batches of an epoch: every random draw is a function of (seed, epoch, step)."""

import keras
import numpy as np

from gtsrb.augmentation.augment import augment
from gtsrb.config.train import Recipe

ORDER, AUGMENTATION, DROPOUT = range(3)  # streams of random numbers
# Threads that prepare batches while the network trains. With one, Keras uses tf.data's prefetching, and every pass over the
# data waits seconds at its end for the autotuning; more than two gain nothing, since a batch takes a fraction of a step.
WORKERS = 2
Examples = tuple[np.ndarray, np.ndarray]  # images (n, size, size, channels) and one-hot targets (n, classes) float32


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Number of batches, the last of which may be smaller: 981 for the tutorial's 31,367 images in batches of 32."""
    return -(-images // batch_size)


class OrderedBatches(keras.utils.PyDataset):
    """Batches of images (n, size, size, channels) and targets (n, classes), in the given order and unchanged."""

    def __init__(self, images: np.ndarray, targets: np.ndarray, batch_size: int):
        super().__init__(workers=WORKERS)
        self.images, self.targets, self.batch_size = images, targets, batch_size

    def __len__(self) -> int:
        return steps_per_epoch(len(self.images), self.batch_size)

    def __getitem__(self, step: int) -> Examples:
        rows = np.s_[step * self.batch_size : (step + 1) * self.batch_size]
        return self.images[rows], self.targets[rows]


class TrainingBatches(OrderedBatches):
    """The batches of one epoch, shuffled and augmented; an epoch shows as many images as there are.

    A batch is a function of (seed, epoch, step), whatever thread asks for it and when.
    """

    def __init__(self, images: np.ndarray, targets: np.ndarray, recipe: Recipe, *, epoch: int):
        super().__init__(images, targets, recipe.batch_size)
        self.recipe = recipe
        self.start_epoch(epoch)

    def start_epoch(self, epoch: int) -> None:
        self.epoch = epoch
        self.order = draw_order(self.targets, self.recipe.sampling, make_generator(self.recipe.seed, epoch, ORDER))

    def __getitem__(self, step: int) -> Examples:
        rows = self.order[step * self.batch_size : (step + 1) * self.batch_size]
        images, targets = self.images[rows], self.targets[rows]
        if self.recipe.augmentation:
            rng = make_generator(self.recipe.seed, self.epoch, AUGMENTATION, step)
            images, targets = augment(images, targets, self.recipe.augmentation, rng)
        if smoothing := self.recipe.label_smoothing:  # here, not in the loss, so that val_loss stays comparable
            targets = targets * np.float32(1 - smoothing) + np.float32(smoothing / targets.shape[1])
        return images, targets


def draw_order(targets: np.ndarray, sampling: str, rng: np.random.Generator) -> np.ndarray:
    """(n, classes) one-hot targets -> (n,) rows that an epoch shows, in their order.

    natural: every row once. class_balanced: every class equally often; all images of a class are shown before one repeats,
    and a class with more images than its share shows a random sample of them.
    """
    n = len(targets)
    if sampling == "natural":
        return rng.permutation(n)
    labels = targets.argmax(axis=1)
    present = rng.permutation(np.unique(labels))
    quotas = n // len(present) + (np.arange(len(present)) < n % len(present))
    rows = []
    for label, quota in zip(present, quotas, strict=True):
        of_class = np.flatnonzero(labels == label)
        rows.append(np.concatenate([rng.permutation(of_class) for _ in range(-(-quota // len(of_class)))])[:quota])
    return rng.permutation(np.concatenate(rows))


def make_generator(seed: int, epoch: int, stream: int, step: int = 0) -> np.random.Generator:
    return np.random.default_rng([seed, epoch, stream, step])
