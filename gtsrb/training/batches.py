"""The batches of an epoch: every random draw is a function of (seed, epoch, step)."""

from typing import NamedTuple

import keras
import numpy as np

from gtsrb.augmentation.augment import augment
from gtsrb.config.train import Recipe, Shuffle
from gtsrb.data.arrays import Arrays, Images, Joined
from gtsrb.data.labels import WITHOUT_SIGN

ORDER, AUGMENTATION, DROPOUT = range(3)  # streams of random numbers
# Threads that prepare batches while the network trains. With one, Keras uses tf.data's prefetching, and every pass over the
# data waits seconds at its end for the autotuning; more than two gain nothing, since a batch takes a fraction of a step.
WORKERS = 2


class Examples(NamedTuple):
    """Images with their classes, photographs before synthetic ones. Those on disk are read a batch at a time."""

    images: Images  # (n, size, size, channels)
    labels: np.ndarray  # (n,), of synthetic ones also `WITHOUT_SIGN`
    classes: int
    synthetic: int = 0  # how many of them, at the end, are synthetic

    def read(self, rows: np.ndarray | slice) -> tuple[np.ndarray, np.ndarray]:
        """Images and targets (n, classes) float32: one-hot, or, without a sign, every class equally (Hendrycks et al. 2019)."""
        labels = self.labels[rows]
        targets = np.eye(self.classes, dtype=np.float32)[labels]
        targets[labels == WITHOUT_SIGN] = 1 / self.classes
        return self.images[rows], targets


def join(photographs: Examples, synthetic: Arrays) -> Examples:
    """The photographs, and after them the synthetic images if there are any."""
    if not len(synthetic.labels):
        return photographs
    images, labels = Joined(photographs.images, synthetic.images), np.concatenate([photographs.labels, synthetic.labels])
    return Examples(images, labels, photographs.classes, synthetic=len(synthetic.labels))


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Number of batches, the last of which may be smaller: 981 for the tutorial's 31,367 images in batches of 32."""
    return -(-images // batch_size)


def count_synthetic(photographs: int, synthetic: int, share: float) -> int:
    """How many synthetic images an epoch shows beside every photograph, so that they are `share` of it; all, if share is 1."""
    return synthetic if share == 1 else round(photographs * share / (1 - share))


class OrderedBatches(keras.utils.PyDataset):
    """Batches of images (n, size, size, channels) and targets (n, classes), in the given order and unchanged.

    For several replicas, as `share_out` gives them.
    """

    def __init__(self, examples: Examples, batch_size: int, replicas: int | None = None):
        super().__init__(workers=WORKERS)
        self.examples, self.batch_size, self.replicas = examples, batch_size, replicas

    def __len__(self) -> int:
        return steps_per_epoch(len(self.examples.labels), self.batch_size)

    def __getitem__(self, step: int) -> tuple[np.ndarray, ...]:
        batch = self.read(step)
        return share_out(*batch, self.replicas) if self.replicas else batch

    def read(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        return self.examples.read(np.s_[step * self.batch_size : (step + 1) * self.batch_size])


def share_out(images: np.ndarray, targets: np.ndarray, replicas: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A batch of a multiple of `replicas`, filled up by images of weight 0, and the weights, (n,) float32, which give the mean
    loss of the images that were there: that of one replica.
    """
    n = len(images)
    filled = -(-n // replicas) * replicas
    rows = np.arange(filled)
    weights = np.where(rows < n, filled / n, 0).astype(np.float32)
    return images[rows % n], targets[rows % n], weights


class TrainingBatches(OrderedBatches):
    """The batches of one epoch, shuffled and augmented; an epoch shows as many photographs as there are, and synthetic images
    to the share that the recipe says.

    A batch is a function of (seed, epoch, step), whatever thread asks for it and when.
    """

    def __init__(self, examples: Examples, recipe: Recipe, *, epoch: int):
        super().__init__(examples, recipe.batch_size, recipe.replicas)
        self.recipe = recipe
        self.start_epoch(epoch)

    def __len__(self) -> int:
        return steps_per_epoch(len(self.order), self.batch_size)

    def start_epoch(self, epoch: int) -> None:
        self.epoch = epoch
        rng = make_generator(self.recipe.seed, epoch, ORDER)
        shuffle, synthetic = self.recipe.shuffle, self.examples.synthetic
        n = len(self.examples.labels) - synthetic
        order = shuffle_blocks(n, shuffle, rng) if shuffle else draw_order(self.examples.labels[:n], self.recipe.sampling, rng)
        if drawn := count_synthetic(n, synthetic, self.recipe.synthetic.share):
            rows = np.concatenate([rng.permutation(synthetic) for _ in range(-(-drawn // synthetic))])[:drawn]
            order = rng.permutation(np.concatenate([order, n + rows]))
        self.order = order

    def read(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        images, targets = self.examples.read(self.order[step * self.batch_size : (step + 1) * self.batch_size])
        if self.recipe.augmentation:
            rng = make_generator(self.recipe.seed, self.epoch, AUGMENTATION, step)
            images, targets = augment(images, targets, self.recipe.augmentation, rng)
        if smoothing := self.recipe.label_smoothing:  # here, not in the loss, so that val_loss stays comparable
            targets = targets * np.float32(1 - smoothing) + np.float32(smoothing / targets.shape[1])
        return images, targets


def draw_order(labels: np.ndarray, sampling: str, rng: np.random.Generator) -> np.ndarray:
    """(n,) labels -> (n,) rows that an epoch shows, in their order.

    natural: every row once. class_balanced: every class equally often; all images of a class are shown before one repeats,
    and a class with more images than its share shows a random sample of them.
    """
    n = len(labels)
    if sampling == "natural" or n == 0:
        return rng.permutation(n)
    present = rng.permutation(np.unique(labels))
    quotas = n // len(present) + (np.arange(len(present)) < n % len(present))
    rows = []
    for label, quota in zip(present, quotas, strict=True):
        of_class = np.flatnonzero(labels == label)
        rows.append(np.concatenate([rng.permutation(of_class) for _ in range(-(-quota // len(of_class)))])[:quota])
    return rng.permutation(np.concatenate(rows))


def shuffle_blocks(n: int, shuffle: Shuffle, rng: np.random.Generator) -> np.ndarray:
    """(n,) rows, each once: blocks of consecutive rows in random order, and so many of them shuffled together at a time."""
    starts = np.arange(0, n, shuffle.block_images)
    groups = np.array_split(rng.permutation(starts), range(shuffle.blocks, len(starts), shuffle.blocks))
    rows = [np.concatenate([np.arange(start, min(start + shuffle.block_images, n)) for start in group]) for group in groups]
    return np.concatenate([rng.permutation(group) for group in rows])


def make_generator(seed: int, epoch: int, stream: int, step: int = 0) -> np.random.Generator:
    return np.random.default_rng([seed, epoch, stream, step])
