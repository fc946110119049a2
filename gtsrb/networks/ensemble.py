"""The weight files of a recipe's members: where they are, how they are written and loaded."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from gtsrb.config.train import Network, Recipe
from gtsrb.errors import find_output
from gtsrb.networks.build import build_network
from gtsrb.outputs import atomic_write


def weights_file(recipe: str, member: int, kind: str) -> Path:
    """Path of one member's weights, counted from 0; `kind` is last or best."""
    return Path(f"models/{recipe}/member{member}/{kind}.weights.h5")


def find_weights(recipe: str, member: int, kind: str) -> Path:
    """The same of a trained member. Raises `InputError` if it is not there."""
    return find_output(weights_file(recipe, member, kind), f"train@{recipe}")


def save_weights(path: Path, weights: list[np.ndarray], params: Network, **shape: Any) -> None:
    """Writes `weights` of the network that `build_network` makes of `params` and `shape`.

    The file holds no optimiser state, so that the same weights give the same bytes.
    """
    model = build_network(params, **shape)
    model.set_weights(weights)
    with atomic_write(path) as temporary_path:
        model.save_weights(temporary_path)


def load_members(name: str, recipe: Recipe, kind: str, **shape: Any) -> Iterator[tuple[int, keras.Model]]:
    """Number and network of each member of recipe `name`, with its last or best weights.

    One model object loads all of them in turn: use each before asking for the next. Raises as `find_weights`.
    """
    files = [find_weights(name, number, kind) for number in range(recipe.members)]
    model = build_network(recipe.network, **shape)
    for number, file in enumerate(files):
        model.load_weights(file)
        yield number, model
