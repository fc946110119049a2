"""The networks, built from params. They take raw arrays (uint8 or float32 images) and give class probabilities."""

from pathlib import Path

import keras
import numpy as np
from keras import layers

from gtsrb.outputs import whole
from gtsrb.params import Network


def build(params: Network, *, size: int, dtype: str, classes: int) -> keras.Model:
    """The tutorial's CNN: (n, size, size, 3) images -> (n, classes) float32 probabilities.

    uint8 images are scaled to [0, 1] by the network itself; float32 ones are taken as they are. Every layer has a name of
    its own, which weight files keep: names counted by Keras would depend on what the process built before.
    """
    stack: list[layers.Layer] = [layers.Rescaling(1 / 255, name="scale")] if dtype == "uint8" else []
    shared = {"activation": params.activation, "kernel_initializer": params.kernel_initializer}
    for b, filters in enumerate(params.filters, 1):
        for c, padding in enumerate(params.padding, 1):
            stack.append(layers.Conv2D(filters, params.kernel_size, padding=padding, name=f"block{b}_conv{c}", **shared))
        stack.append(layers.MaxPooling2D(params.pool_size, name=f"block{b}_pool"))
        stack.append(layers.Dropout(params.block_dropout, name=f"block{b}_dropout"))
    stack.append(layers.Flatten(name="flatten"))
    for d, units in enumerate(params.dense_units, 1):
        stack.append(layers.Dense(units, name=f"dense{d}", **shared))
        stack.append(layers.Dropout(params.dense_dropout, name=f"dense{d}_dropout"))
    head = shared | {"activation": "softmax", "dtype": "float32"}  # probabilities in full precision, whatever the policy
    stack.append(layers.Dense(classes, name="probabilities", **head))
    return keras.Sequential([keras.Input((size, size, 3), dtype=dtype, name="images"), *stack], name="network")


def save_weights(path: Path, weights: list[np.ndarray], params: Network, **shape) -> None:
    """Writes `weights` of the network of `params` and `shape` (see `build`) without an optimiser: same weights, same bytes."""
    model = build(params, **shape)
    model.set_weights(weights)
    with whole(path) as beside:
        model.save_weights(beside)
