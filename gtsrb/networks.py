"""The networks, built from params. They take raw arrays (uint8 or float32 images) and give class probabilities.

Every layer has a name of its own, which weight files keep: names counted by Keras depend on what the process built before.
"""

from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, layers

from gtsrb.outputs import whole
from gtsrb.recipes import Network, PlainNetwork, ResidualNetwork, SpatialTransformer
from gtsrb.spatial_transformer import AffineResampling

PREDICTION_BATCH = 256  # changes the speed, not the figures


def build(params: Network, *, size: int, channels: int, dtype: str, classes: int) -> keras.Model:
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
        x = activated(layers.Dense(units, name=f"dense{d}", **weights(params)), x, params)
        x = layers.Dropout(params.dense_dropout, name=f"dense{d}_dropout")(x)
    probabilities = layers.Dense(
        classes,
        activation="softmax",
        kernel_initializer=params.kernel_initializer,
        dtype="float32",  # full precision, whatever the policy
        name="probabilities",
    )
    return keras.Model(images, probabilities(x), name="network")


def plain(x: KerasTensor, params: PlainNetwork) -> KerasTensor:
    """The tutorial's: blocks of convolutions, each ending in max-pooling and dropout."""
    for b, filters in enumerate(params.filters, 1):
        for c, padding in enumerate(params.padding, 1):
            conv = layers.Conv2D(filters, params.kernel_size, padding=padding, name=f"block{b}_conv{c}", **weights(params))
            x = activated(conv, x, params)
        x = layers.MaxPooling2D(params.pool_size, name=f"block{b}_pool")(x)
        x = layers.Dropout(params.block_dropout, name=f"block{b}_dropout")(x)
    return x


def residual(x: KerasTensor, params: ResidualNetwork) -> KerasTensor:
    """A stem, then stages of two-convolution residual blocks; each stage after the first halves the side.

    He et al. 2016; the last factor of each branch starts at zero (Goyal et al. 2017), so that a block starts as the
    identity and trains without batch normalisation too; shortcuts are halved by average pooling (He et al. 2019).
    """

    def convolution(
        filters: int, name: str, *, stride: int = 1, size: int = params.kernel_size, **options: Any
    ) -> layers.Conv2D:
        return layers.Conv2D(filters, size, strides=stride, padding="same", name=name, **(weights(params) | options))

    linear: dict[str, Any] = {"activation": None}
    x = activated(convolution(params.filters[0], "stem", stride=params.stem_stride), x, params)
    for s, (filters, blocks) in enumerate(zip(params.filters, params.blocks, strict=True), 1):
        for b in range(1, blocks + 1):
            name, stride = f"stage{s}_block{b}", 2 if s > 1 and b == 1 else 1
            branch = activated(convolution(filters, f"{name}_conv1", stride=stride), x, params)
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


def spatial_transformer(x: KerasTensor, window: SpatialTransformer, params: Network) -> KerasTensor:
    """A small network looks at the image and says through which window the next one sees it; starts as the whole image."""
    where = x
    for i, filters in enumerate(window.filters, 1):
        stride = window.stride if i == 1 else 1
        conv = layers.Conv2D(filters, 5, strides=stride, padding="same", name=f"where_conv{i}", **weights(params))
        where = activated(conv, where, params)
        where = layers.MaxPooling2D(2, padding="same", name=f"where_pool{i}")(where)
    where = layers.Flatten(name="where_flatten")(where)
    where = activated(layers.Dense(window.dense_units, name="where_dense", **weights(params)), where, params)
    matrix = layers.Dense(6, kernel_initializer="zeros", name="where_matrix", dtype="float32")(where)
    return AffineResampling(name="resample")([x, matrix])


def weights(params: Network) -> dict[str, Any]:
    """Options of a layer with weights; a bias before batch normalisation would do nothing."""
    options: dict[str, Any] = {"kernel_initializer": params.kernel_initializer}
    return options | ({"use_bias": False} if params.batch_normalization else {"activation": params.activation})


def activated(layer: layers.Layer, x: KerasTensor, params: Network) -> KerasTensor:
    """The layer of `weights(params)`, normalised where `params` says so, and its activation."""
    x = layer(x)
    if params.batch_normalization:
        x = layers.BatchNormalization(name=f"{layer.name}_norm")(x)
        x = layers.Activation(params.activation, name=f"{layer.name}_activation")(x)
    return x


def save_weights(path: Path, weights: list[np.ndarray], params: Network, **shape: Any) -> None:
    """Writes `weights` of the network of `params` and `shape` (see `build`) without an optimiser: same weights, same bytes."""
    model = build(params, **shape)
    model.set_weights(weights)
    with whole(path) as beside:
        model.save_weights(beside)


def weights_file(recipe: str, member: int, which: str) -> Path:
    """Where the member of this number has its weights: `which` is last or best."""
    return Path(f"models/{recipe}/member{member}/{which}.weights.h5")


def shape_of(images: np.ndarray, classes: int) -> dict[str, Any]:
    """What `build` has to know of the data: (n, size, size, channels) images of `classes` classes."""
    return {"size": images.shape[1], "channels": images.shape[3], "dtype": str(images.dtype), "classes": classes}


def predict(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """(n, size, size, channels) images -> (n, classes) float32 probabilities."""
    if not len(images):
        return np.zeros((0, model.output_shape[1]), np.float32)
    starts = range(0, len(images), PREDICTION_BATCH)  # not `model.predict`, which waits for tf.data's autotuning at its end
    return np.concatenate([model.predict_on_batch(images[start : start + PREDICTION_BATCH]) for start in starts])
