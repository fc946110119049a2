"""Trains a tiny network, for test_backends.py:  python -m tests.training.replicas_training FOLDER REPLICAS

On the CPU, by the backend of KERAS_BACKEND; 0 replicas are a recipe without them. Without dropout and batch normalisation;
of 44 images, each epoch's last batch has four, and those that validate are 19.
"""

import sys
from pathlib import Path

import numpy as np

from gtsrb.config import params
from gtsrb.training import loop
from gtsrb.training.batches import Examples
from tests.example_training import CLASSES, IMAGES, LABELS, TRAIN

VALIDATION = Examples(IMAGES[:19], LABELS[:19], CLASSES)


def main(folder: Path, replicas: int) -> None:
    base = params.load().train["augmented"]
    network = {"filters": [4], "dense_units": [8], "block_dropout": 0.0, "dense_dropout": 0.0}
    changes = {"epochs": 3, "batch_size": 20, "device": "cpu", "threads": 1, "replicas": replicas or None}
    recipe = base.model_copy(update=changes | {"network": base.network.model_copy(update=network)})
    machine = loop.set_up_device(recipe)
    member = loop.train_member(recipe, 0, train=TRAIN, validation=VALIDATION, machine=machine, folder=folder)
    np.savez(folder / "weights.npz", *member.last_weights, member.probabilities)
    print(member.device)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
