"""The tutorial's network: blocks of convolutions."""

from keras import KerasTensor, layers

from gtsrb.config.train import PlainNetwork
from gtsrb.networks.layers import apply_layer, layer_options


def apply_plain_blocks(x: KerasTensor, params: PlainNetwork) -> KerasTensor:
    """(n, size, size, channels) -> (n, side, side, filters[-1]): blocks of convolutions, one max-pooling in each, then dropout.

    Pooling after a block's first convolution instead of its last makes those that follow four times as cheap.
    """
    for b, filters in enumerate(params.filters, 1):
        for c, padding in enumerate(params.padding, 1):
            conv = layers.Conv2D(
                filters, params.kernel_size, padding=padding, name=f"block{b}_conv{c}", **layer_options(params)
            )
            x = apply_layer(conv, x, params)
            if c == params.pool_after:
                x = layers.MaxPooling2D(params.pool_size, name=f"block{b}_pool")(x)
        x = layers.Dropout(params.block_dropout, name=f"block{b}_dropout")(x)
    return x
