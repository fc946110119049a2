"""A spatial transformer (Jaderberg et al. 2015): the network learns which affine window of the image to look at."""

import keras
from keras import KerasTensor, layers, ops

from gtsrb.config.train import Network, SpatialTransformer
from gtsrb.networks.layers import apply_layer, layer_options


def apply_spatial_transformer(x: KerasTensor, params: SpatialTransformer, network: Network) -> KerasTensor:
    """Resamples (n, height, width, channels) images as a small localization network says; it starts as the identity."""
    located = x
    for i, filters in enumerate(params.filters, 1):
        stride = params.stride if i == 1 else 1
        conv = layers.Conv2D(filters, 5, strides=stride, padding="same", name=f"where_conv{i}", **layer_options(network))
        located = apply_layer(conv, located, network)
        located = layers.MaxPooling2D(2, padding="same", name=f"where_pool{i}")(located)
    located = layers.Flatten(name="where_flatten")(located)
    dense = layers.Dense(params.dense_units, name="where_dense", **layer_options(network))
    located = apply_layer(dense, located, network)
    offsets = layers.Dense(6, kernel_initializer="zeros", name="where_matrix", dtype="float32")(located)
    return AffineResampling(name="resample")([x, offsets])


@keras.saving.register_keras_serializable("gtsrb")
class AffineResampling(keras.layers.Layer):
    """Images (n, height, width, channels) and affine offsets (n, 6) float32 -> resampled images, same shape.

    The offsets are added to the 2 x 3 identity. The matrix maps output (x, y, 1) to input (x, y), in half sides from the
    centre; bilinear, border pixels repeated. Differentiable in images and offsets (Jaderberg et al. 2015).
    """

    def call(self, inputs: tuple[KerasTensor, KerasTensor]) -> KerasTensor:
        images, offsets = inputs
        _, height, width, channels = images.shape
        x, y = ops.meshgrid(ops.linspace(-1.0, 1.0, width), ops.linspace(-1.0, 1.0, height))
        grid = ops.stack([ops.ravel(x), ops.ravel(y), ops.ones(height * width)])  # (3, pixels)
        matrices = ops.reshape(ops.cast(offsets, "float32"), (-1, 2, 3)) + ops.eye(2, 3)
        positions = ops.matmul(matrices, grid)  # (n, 2, pixels)
        column = ops.clip((positions[:, 0] + 1) * ((width - 1) / 2), 0, width - 1)
        row = ops.clip((positions[:, 1] + 1) * ((height - 1) / 2), 0, height - 1)
        left = ops.clip(ops.floor(column), 0, width - 2)
        top = ops.clip(ops.floor(row), 0, height - 2)
        right_share, lower_share = ((column - left)[..., None], (row - top)[..., None])
        pixels = ops.reshape(images, (-1, height * width, channels))
        top_left = ops.cast(top * width + left, "int32")
        a, b, c, d = (
            ops.cast(ops.take_along_axis(pixels, (top_left + step)[..., None], axis=1), "float32")
            for step in (0, 1, width, width + 1)
        )
        upper, lower = (p + (q - p) * right_share for p, q in ((a, b), (c, d)))
        resampled = upper + (lower - upper) * lower_share
        return ops.cast(ops.reshape(resampled, (-1, height, width, channels)), self.compute_dtype)

    def compute_output_shape(self, input_shape: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        return input_shape[0]
