"""Trains tiny networks on the backend of KERAS_BACKEND, for test_backends.py:  python -m tests.training.backend_training FOLDER

`plain` has copied weights and no dropout, so that every backend has to come to the same; `dropout` has random layers, averaged
weights and batch statistics of the images, too. Each is trained for two epochs of two steps at once (whole), and for one, and
then from what that has kept to the end (cut).
"""

import sys
from pathlib import Path

import keras
import numpy as np

from gtsrb import device
from gtsrb.config import params
from gtsrb.config.train import Recipe
from gtsrb.networks import inference
from gtsrb.networks.build import build_network
from gtsrb.training import loop
from gtsrb.training.optimizers import build_optimizer

CLASSES, SIZE, N, EPOCHS = 3, 16, 44, 2
RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, CLASSES, N)
IMAGES = (RNG.integers(0, 100, (N, SIZE, SIZE, 3)) + 50 * LABELS[:, None, None, None]).astype("uint8")
PART = IMAGES, np.eye(CLASSES, dtype="float32")[LABELS]


def main(folder: Path) -> None:
    base = params.load().train["augmented"].model_copy(update={"epochs": EPOCHS, "batch_size": N // 2})
    still = {"block_dropout": 0.0, "dense_dropout": 0.0}
    recipes = {
        "plain": changed(base, network=still),
        "dropout": changed(base, network={"standardize": "data_set"}, optimizer={"ema_momentum": 0.5}),
    }
    machine = device.set_up("cpu", precision=base.precision, seed=0, deterministic=base.deterministic)
    for name, recipe in recipes.items():
        train(recipe, machine, folder / name / "whole")
        train(recipe, machine, folder / name / "cut", epochs=1)
        train(recipe, machine, folder / name / "cut")


def changed(recipe: Recipe, *, network: dict, optimizer: dict | None = None) -> Recipe:
    network = {"filters": [4], "dense_units": [8]} | network
    blocks = {
        "network": recipe.network.model_copy(update=network),
        "optimizer": recipe.optimizer.model_copy(update=optimizer or {}),
    }
    return recipe.model_copy(update=blocks)


def train(recipe: Recipe, machine: device.Device, folder: Path, epochs: int = EPOCHS) -> None:
    """Leaves history.csv and weights.npz in `folder`: the last weights, the best, and what the last ones predict."""
    keras.utils.set_random_seed(0)
    model = build_network(recipe.network, size=SIZE, channels=3, dtype="uint8", classes=CLASSES)
    rng = np.random.default_rng(1)
    for layer in model.layers:
        layer.set_weights([rng.normal(0, 0.2, weight.shape) ** 2 for weight in layer.get_weights()])
    optimizer = build_optimizer(recipe.optimizer, recipe.schedule, steps_per_epoch=2, epochs=EPOCHS)
    model.compile(optimizer, loss=recipe.loss, metrics=["accuracy"], jit_compile=machine.jit_compile)
    shorter = recipe.model_copy(update={"epochs": epochs})
    progress = loop.fit(model, shorter, train=PART, validation=(IMAGES[:20], PART[1][:20]), folder=folder)
    last = model.get_weights()
    np.savez(folder / "weights.npz", *last, *progress.best_weights, inference.predict(model, IMAGES))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
