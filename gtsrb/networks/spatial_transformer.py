"""A spatial transformer (Jaderberg et al. 2015): a window that the network learns to look through."""

import keras
from keras import KerasTensor, layers, ops

from gtsrb.config.train import Network, SpatialTransformer
from gtsrb.networks.layers import apply_layer, layer_options


def spatial_transformer(x: KerasTensor, window: SpatialTransformer, params: Network) -> KerasTensor:
    """A small network looks at the image and says through which window the next one sees it; starts as the whole image."""
    where = x
    for i, filters in enumerate(window.filters, 1):
        stride = window.stride if i == 1 else 1
        conv = layers.Conv2D(filters, 5, strides=stride, padding="same", name=f"where_conv{i}", **layer_options(params))
        where = apply_layer(conv, where, params)
        where = layers.MaxPooling2D(2, padding="same", name=f"where_pool{i}")(where)
    where = layers.Flatten(name="where_flatten")(where)
    where = apply_layer(layers.Dense(window.dense_units, name="where_dense", **layer_options(params)), where, params)
    matrix = layers.Dense(6, kernel_initializer="zeros", name="where_matrix", dtype="float32")(where)
    return AffineResampling(name="resample")([x, matrix])


@keras.saving.register_keras_serializable("gtsrb")
class AffineResampling(keras.layers.Layer):
    """Images (n, height, width, channels) and (n, 6) float32 changes -> the images seen through them, same shape.

    The six are added to the rows of the identity, (x, y, 1) -> (x, y) in units of half a side from the centre, and say for
    each pixel from where it comes; bilinear, border pixels repeated. Differentiable in both (Jaderberg et al. 2015).
    """

    def call(self, inputs: tuple[KerasTensor, KerasTensor]) -> KerasTensor:
        images, change = inputs
        _, height, width, channels = images.shape
        x, y = ops.meshgrid(ops.linspace(-1.0, 1.0, width), ops.linspace(-1.0, 1.0, height))
        grid = ops.stack([ops.ravel(x), ops.ravel(y), ops.ones(height * width)])  # (3, pixels)
        change = ops.cast(change, "float32")
        where = ops.matmul(ops.reshape(change, (-1, 2, 3)) + ops.eye(2, 3), grid)  # (n, 2, pixels)
        column = ops.clip((where[:, 0] + 1) * ((width - 1) / 2), 0, width - 1)
        row = ops.clip((where[:, 1] + 1) * ((height - 1) / 2), 0, height - 1)
        left = ops.clip(ops.floor(column), 0, width - 2)
        top = ops.clip(ops.floor(row), 0, height - 2)
        right_share, lower_share = ((column - left)[..., None], (row - top)[..., None])
        flat = ops.reshape(images, (-1, height * width, channels))
        first = ops.cast(top * width + left, "int32")
        a, b, c, d = (
            ops.cast(ops.take_along_axis(flat, (first + offset)[..., None], axis=1), "float32")
            for offset in (0, 1, width, width + 1)
        )
        upper, lower = (p + (q - p) * right_share for p, q in ((a, b), (c, d)))
        seen = upper + (lower - upper) * lower_share
        return ops.cast(ops.reshape(seen, (-1, height, width, channels)), self.compute_dtype)

    def compute_output_shape(self, input_shape: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        return input_shape[0]
