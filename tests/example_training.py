"""A few random images of three classes, and trainings on them that take a second."""

from pathlib import Path

import keras
import numpy as np

from gtsrb.config.train import Recipe
from gtsrb.device import Device
from gtsrb.networks.build import build_network
from gtsrb.training import loop
from gtsrb.training.batches import Examples
from gtsrb.training.checkpoints import Progress
from gtsrb.training.optimizers import build_optimizer

N, CLASSES, SIZE = 44, 3, 16
RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, CLASSES, N)
IMAGES = (RNG.integers(0, 100, (N, SIZE, SIZE, 3)) + 50 * LABELS[:, None, None, None]).astype("uint8")
TARGETS = np.eye(CLASSES, dtype="float32")[LABELS]
MACHINE = Device("some processor", gpu=False)
TRAIN, VALIDATION = Examples(IMAGES, LABELS, CLASSES), Examples(IMAGES[:20], LABELS[:20], CLASSES)


def build_model(recipe: Recipe) -> keras.Model:
    return build_network(recipe.network, size=SIZE, channels=3, dtype="uint8", classes=CLASSES)


def fit(recipe: Recipe, folder: Path, *, until: int | None = None) -> tuple[keras.Model, Progress]:
    """Trains a new model with the recipe's seed; stops after `until` epochs as if killed."""
    keras.utils.set_random_seed(recipe.seed)
    model = build_model(recipe)
    optimizer = build_optimizer(recipe.optimizer, recipe.schedule, steps_per_epoch=3, epochs=recipe.epochs)
    model.compile(optimizer, loss=recipe.loss, metrics=["accuracy"], jit_compile=False)
    shorter = recipe.model_copy(update={"epochs": until}) if until else recipe
    return model, loop.fit(model, shorter, train=TRAIN, validation=VALIDATION, folder=folder)


def equal(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    """Whether two networks have the same weights."""
    return all((a == b).all() for a, b in zip(first, second, strict=True))
