"""A layer with weights, its normalisation and its activation, as params say."""

from typing import Any

from keras import KerasTensor, layers

from gtsrb.config.train import Network


def layer_options(params: Network) -> dict[str, Any]:
    """Options of a layer with weights; a bias before batch normalisation would do nothing."""
    options: dict[str, Any] = {"kernel_initializer": params.kernel_initializer}
    return options | ({"use_bias": False} if params.batch_normalization else {"activation": params.activation})


def apply_layer(layer: layers.Layer, x: KerasTensor, params: Network) -> KerasTensor:
    """The layer of `weights(params)`, normalised where `params` says so, and its activation."""
    x = layer(x)
    if params.batch_normalization:
        x = layers.BatchNormalization(name=f"{layer.name}_norm")(x)
        x = layers.Activation(params.activation, name=f"{layer.name}_activation")(x)
    return x
