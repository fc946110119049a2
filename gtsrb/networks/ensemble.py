"""The networks of a recipe, each with weights of its own: where they lie, how they are written and read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from gtsrb.config.train import Network, Recipe
from gtsrb.networks.build import build_network
from gtsrb.outputs import atomic_write


def save_weights(path: Path, weights: list[np.ndarray], params: Network, **shape: Any) -> None:
    """Writes `weights` of the network of `params` and `shape` (see `build_network`), without an optimiser: same weights, same
    bytes."""
    model = build_network(params, **shape)
    model.set_weights(weights)
    with atomic_write(path) as beside:
        model.save_weights(beside)


def weights_file(recipe: str, member: int, which: str) -> Path:
    """Where the member of this number has its weights: `which` is last or best."""
    return Path(f"models/{recipe}/member{member}/{which}.weights.h5")


def load_members(name: str, recipe: Recipe, which: str, **shape: Any) -> Iterator[tuple[int, keras.Model]]:
    """Number and trained network of each member of recipe `name`: one network, which loads its `which` (last, best) weights."""
    model = build_network(recipe.network, **shape)
    for number in range(recipe.members):
        model.load_weights(weights_file(name, number, which))
        yield number, model
