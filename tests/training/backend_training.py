"""Trains tiny networks on the backend of KERAS_BACKEND, for test_backends.py:  python -m tests.training.backend_training FOLDER

`plain` has fixed initial weights and no dropout, so that all backends have to agree; `dropout` adds random layers, averaged
weights and batch statistics of the images. Each is trained for two epochs of two steps, once without interruption
(uninterrupted) and once stopped after the first epoch (resumed).
"""

import sys
from pathlib import Path

import keras
import numpy as np

from gtsrb import device
from gtsrb.config import params
from gtsrb.config.train import Recipe
from gtsrb.networks import inference
from gtsrb.training import loop
from gtsrb.training.optimizers import build_optimizer
from tests.example_training import IMAGES, TRAIN, VALIDATION, N, build_model

EPOCHS = 2


def main(folder: Path) -> None:
    base = params.load().train["augmented"].model_copy(update={"epochs": EPOCHS, "batch_size": N // 2})
    recipes = {
        "plain": change(base, network={"block_dropout": 0.0, "dense_dropout": 0.0}),
        "dropout": change(base, network={"standardize": "data_set"}, optimizer={"ema_momentum": 0.5}),
    }
    machine = device.set_up("cpu", precision=base.precision, seed=0, deterministic=base.deterministic, threads=1)
    for name, recipe in recipes.items():
        train(recipe, machine, folder / name / "uninterrupted")
        train(recipe, machine, folder / name / "resumed", epochs=1)
        train(recipe, machine, folder / name / "resumed")


def change(recipe: Recipe, *, network: dict, optimizer: dict | None = None) -> Recipe:
    network = {"filters": [4], "dense_units": [8]} | network
    blocks = {
        "network": recipe.network.model_copy(update=network),
        "optimizer": recipe.optimizer.model_copy(update=optimizer or {}),
    }
    return recipe.model_copy(update=blocks)


def train(recipe: Recipe, machine: device.Device, folder: Path, epochs: int = EPOCHS) -> None:
    """Writes history.csv and weights.npz to `folder`: the last weights, the best, and the predictions of the last."""
    keras.utils.set_random_seed(0)
    model = build_model(recipe)
    rng = np.random.default_rng(1)
    for layer in model.layers:
        layer.set_weights([rng.normal(0, 0.2, weight.shape) ** 2 for weight in layer.get_weights()])
    optimizer = build_optimizer(recipe.optimizer, recipe.schedule, steps_per_epoch=2, epochs=EPOCHS)
    model.compile(optimizer, loss=recipe.loss, metrics=["accuracy"], jit_compile=machine.jit_compile)
    shorter = recipe.model_copy(update={"epochs": epochs})
    progress = loop.fit(model, shorter, train=TRAIN, validation=VALIDATION, folder=folder)
    last_weights = model.get_weights()
    np.savez(folder / "weights.npz", *last_weights, *progress.best_weights, inference.predict(model, IMAGES))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
