"""The networks, built from params. They take raw arrays (uint8 or float32 images) and give class probabilities.

Every layer has a name of its own, which weight files keep: names counted by Keras depend on what the process built before.
"""

from typing import Any

import keras
import numpy as np
from keras import layers

from gtsrb.config.train import Network, PlainNetwork, ResidualNetwork
from gtsrb.networks.layers import apply_layer, layer_options
from gtsrb.networks.plain import plain
from gtsrb.networks.residual import residual
from gtsrb.networks.spatial_transformer import spatial_transformer


def build_network(params: Network, *, size: int, channels: int, dtype: str, classes: int) -> keras.Model:
    """(n, size, size, channels) images -> (n, classes) float32 probabilities.

    uint8 images are scaled to [0, 1] by the network itself; float32 ones are taken as they are.
    """
    images = keras.Input((size, size, channels), dtype=dtype, name="images")
    x = layers.Rescaling(1 / 255, name="scale")(images) if dtype == "uint8" else images
    if params.standardize in ("image", "channels"):  # mean 0, variance 1 over an image's pixels, of all or of each channel
        axes = [1, 2, 3] if params.standardize == "image" else [1, 2]
        x = layers.LayerNormalization(axis=axes, center=False, scale=False, epsilon=1e-4, name="standardize")(x)
    elif params.standardize == "data_set":  # of each channel over the training images, as batches show them
        x = layers.BatchNormalization(center=False, scale=False, name="standardize")(x)
    if params.spatial_transformer:
        x = spatial_transformer(x, params.spatial_transformer, params)
    if isinstance(params, PlainNetwork):
        x = plain(x, params)
    elif isinstance(params, ResidualNetwork):
        x = residual(x, params)
    head = {"flatten": layers.Flatten, "global_average_pooling": layers.GlobalAveragePooling2D}[params.head]
    x = head(name=params.head)(x)
    for d, units in enumerate(params.dense_units, 1):
        x = apply_layer(layers.Dense(units, name=f"dense{d}", **layer_options(params)), x, params)
        x = layers.Dropout(params.dense_dropout, name=f"dense{d}_dropout")(x)
    probabilities = layers.Dense(
        classes,
        activation="softmax",
        kernel_initializer=params.kernel_initializer,
        dtype="float32",  # full precision, whatever the policy
        name="probabilities",
    )
    return keras.Model(images, probabilities(x), name="network")


def shape_of(images: np.ndarray, classes: int) -> dict[str, Any]:
    """What `build_network` has to know of the data: (n, size, size, channels) images of `classes` classes."""
    return {"size": images.shape[1], "channels": images.shape[3], "dtype": str(images.dtype), "classes": classes}
