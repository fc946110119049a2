"""A residual network (He et al. 2016)."""

from typing import Any

from keras import KerasTensor, layers

from gtsrb.config.train import ResidualNetwork
from gtsrb.networks.layers import apply_layer, layer_options


def apply_residual_stages(x: KerasTensor, params: ResidualNetwork) -> KerasTensor:
    """(n, size, size, channels) -> (n, side, side, filters[-1]): a stem, then stages of residual blocks of two convolutions.

    Each stage after the first halves the side; its shortcut by average pooling (He et al. 2019). The last factor of each
    branch starts at zero (Goyal et al. 2017): a block starts as its shortcut, and trains without batch normalisation too.
    """

    def convolution(
        filters: int, name: str, *, stride: int = 1, size: int = params.kernel_size, **options: Any
    ) -> layers.Conv2D:
        return layers.Conv2D(filters, size, strides=stride, padding="same", name=name, **(layer_options(params) | options))

    linear: dict[str, Any] = {"activation": None}
    x = apply_layer(convolution(params.filters[0], "stem", stride=params.stem_stride), x, params)
    for s, (filters, blocks) in enumerate(zip(params.filters, params.blocks, strict=True), 1):
        for b in range(1, blocks + 1):
            name, stride = f"stage{s}_block{b}", 2 if s > 1 and b == 1 else 1
            branch = apply_layer(convolution(filters, f"{name}_conv1", stride=stride), x, params)
            if params.batch_normalization:
                branch = convolution(filters, f"{name}_conv2", **linear)(branch)
                branch = layers.BatchNormalization(gamma_initializer="zeros", name=f"{name}_conv2_norm")(branch)
            else:
                branch = convolution(filters, f"{name}_conv2", kernel_initializer="zeros", **linear)(branch)
            if stride == 2:
                x = layers.AveragePooling2D(2, padding="same", name=f"{name}_halve")(x)
            if x.shape[-1] != filters:
                x = convolution(filters, f"{name}_widen", size=1, **linear)(x)
            x = layers.Add(name=f"{name}_add")([x, branch])
            x = layers.Activation(params.activation, name=name)(x)
        x = layers.Dropout(params.block_dropout, name=f"stage{s}_dropout")(x)
    return x
