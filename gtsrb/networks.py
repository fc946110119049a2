"""The networks, built from params. They take raw arrays (uint8 or float32 images) and give class probabilities."""

from pathlib import Path

import keras
import numpy as np
from keras import layers

from gtsrb.outputs import whole
from gtsrb.params import Network


def build(params: Network, *, size: int, dtype: str, classes: int) -> keras.Model:
    """The tutorial's CNN: (n, size, size, 3) images -> (n, classes) float32 probabilities.

    uint8 images are scaled to [0, 1] by the network itself; float32 ones are taken as they are.
    """
    stack: list[layers.Layer] = [layers.Rescaling(1 / 255)] if dtype == "uint8" else []
    for filters in params.filters:
        for padding in params.padding:
            stack.append(
                layers.Conv2D(
                    filters,
                    params.kernel_size,
                    padding=padding,
                    activation=params.activation,
                    kernel_initializer=params.kernel_initializer,
                )
            )
        stack += [layers.MaxPooling2D(params.pool_size), layers.Dropout(params.block_dropout)]
    stack.append(layers.Flatten())
    for units in params.dense_units:
        stack.append(layers.Dense(units, activation=params.activation, kernel_initializer=params.kernel_initializer))
        stack.append(layers.Dropout(params.dense_dropout))
    stack.append(layers.Dense(classes, activation="softmax", kernel_initializer=params.kernel_initializer, dtype="float32"))
    return keras.Sequential([keras.Input((size, size, 3), dtype=dtype), *stack])


def save_weights(path: Path, weights: list[np.ndarray], params: Network, **shape) -> None:
    """Writes `weights` of the network of `params` and `shape` (see `build`) without an optimiser: same weights, same bytes."""
    model = build(params, **shape)
    model.set_weights(weights)
    with whole(path) as beside:
        model.save_weights(beside)
