"""What all families share: a layer with weights, followed by normalisation and activation as params say."""

from typing import Any

from keras import KerasTensor, layers

from gtsrb.config.train import Network
from gtsrb.networks.initializers import Dirac


def layer_options(params: Network) -> dict[str, Any]:
    """Keyword arguments of a layer with weights; no bias before batch normalisation, which would remove it."""
    initializer = Dirac() if params.kernel_initializer == "dirac" else params.kernel_initializer
    options: dict[str, Any] = {"kernel_initializer": initializer}
    return options | ({"use_bias": False} if params.batch_normalization else {"activation": params.activation})


def apply_layer(layer: layers.Layer, x: KerasTensor, params: Network) -> KerasTensor:
    """Applies `layer`, made with `layer_options(params)`, then batch normalisation if `params` has it, and the activation."""
    x = layer(x)
    if params.batch_normalization:
        x = layers.BatchNormalization(name=f"{layer.name}_norm")(x)
        x = layers.Activation(params.activation, name=f"{layer.name}_activation")(x)
    return x
