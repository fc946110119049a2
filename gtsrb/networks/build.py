"""Builds a recipe's network: from images, uint8 or float32 as the arrays hold them, to class probabilities.

Every layer is named explicitly, since weight files hold the names: those that Keras counts up depend on what the process
has built before.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import layers
from keras.src.random import seed_generator

from gtsrb.config.train import Network, PlainNetwork, ResidualNetwork
from gtsrb.data.arrays import Images
from gtsrb.networks.layers import apply_layer, layer_options
from gtsrb.networks.plain import apply_plain_blocks
from gtsrb.networks.residual import apply_residual_stages
from gtsrb.networks.spatial_transformer import apply_spatial_transformer


@contextmanager
def seed_layers(seed: int) -> Iterator[None]:
    """Layers that are made in this block draw the seeds that they draw after `keras.utils.set_random_seed(seed)`, but from a
    generator of their own: Keras takes Python's, from which other threads of the process, such as Dask's, draw, too.
    """
    shared, seed_generator.python_random = seed_generator.python_random, random.Random(seed)
    try:
        yield
    finally:
        seed_generator.python_random = shared


def build_network(params: Network, *, size: int, channels: int, dtype: str, classes: int) -> keras.Model:
    """(n, size, size, channels) images -> (n, classes) float32 probabilities.

    The network scales uint8 images to [0, 1] itself; float32 images are expected in [0, 1].
    """
    images = keras.Input((size, size, channels), dtype=dtype, name="images")
    x = layers.Rescaling(1 / 255, name="scale")(images) if dtype == "uint8" else images
    if params.standardize in ("image", "channels"):  # mean 0, variance 1 over an image's pixels, all channels or each one
        axes = [1, 2, 3] if params.standardize == "image" else [1, 2]
        x = layers.LayerNormalization(axis=axes, center=False, scale=False, epsilon=1e-4, name="standardize")(x)
    elif params.standardize == "data_set":  # mean 0, variance 1 of each channel over the training images, estimated in batches
        x = layers.BatchNormalization(center=False, scale=False, name="standardize")(x)
    if params.spatial_transformer:
        x = apply_spatial_transformer(x, params.spatial_transformer, params)
    if isinstance(params, PlainNetwork):
        x = apply_plain_blocks(x, params)
    elif isinstance(params, ResidualNetwork):
        x = apply_residual_stages(x, params)
    head = {"flatten": layers.Flatten, "global_average_pooling": layers.GlobalAveragePooling2D}[params.head]
    x = head(name=params.head)(x)
    for d, units in enumerate(params.dense_units, 1):
        x = apply_layer(layers.Dense(units, name=f"dense{d}", **layer_options(params)), x, params)
        x = layers.Dropout(params.dense_dropout, name=f"dense{d}_dropout")(x)
    probabilities = layers.Dense(
        classes,
        activation="softmax",
        kernel_initializer=layer_options(params)["kernel_initializer"],
        dtype="float32",  # full precision under any dtype policy
        name="probabilities",
    )
    return keras.Model(images, probabilities(x), name="network")


def shape_of(images: Images, classes: int) -> dict[str, Any]:
    """The keyword arguments of `build_network` that describe the data, from (n, size, size, channels) images."""
    return {"size": images.shape[1], "channels": images.shape[3], "dtype": str(images.dtype), "classes": classes}
