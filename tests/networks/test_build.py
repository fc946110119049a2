"""The network: its size, its layers, what its params change."""

import hashlib

import keras
import numpy as np
import pytest

from gtsrb.config.train import PlainNetwork, ResidualNetwork, SpatialTransformer
from gtsrb.networks import ensemble, inference
from gtsrb.networks.build import build_network

SHAPE = {"size": 48, "channels": 3, "dtype": "uint8", "classes": 43}
TUTORIAL = PlainNetwork(
    family="plain",
    standardize="none",
    filters=[32, 64, 128],
    padding=["same", "valid"],
    kernel_size=3,
    pool_size=2,
    block_dropout=0.2,
    batch_normalization=False,
    head="flatten",
    dense_units=[512],
    dense_dropout=0.5,
    activation="relu",
    kernel_initializer="glorot_uniform",
)


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def test_the_tutorials_network(params):
    model = build_network(TUTORIAL, **SHAPE)
    assert model.count_params() == 1_358_155
    kinds = [type(layer).__name__ for layer in model.layers[1:]]  # after the input
    block = ["Conv2D", "Conv2D", "MaxPooling2D", "Dropout"]
    assert kinds == ["Rescaling", *block * 3, "Flatten", "Dense", "Dropout", "Dense"]
    assert [layer.output.shape[1:] for layer in model.layers if "MaxPooling" in type(layer).__name__] == [
        (23, 23, 32),
        (10, 10, 64),
        (4, 4, 128),
    ]
    assert [layer.rate for layer in model.layers if hasattr(layer, "rate")] == [0.2, 0.2, 0.2, 0.5]
    initializers = {type(layer.kernel_initializer).__name__ for layer in model.layers if hasattr(layer, "kernel_initializer")}
    assert initializers == {"GlorotUniform"}


def test_probabilities():
    model = build_network(TUTORIAL, **SHAPE)
    out = model(np.random.default_rng(0).integers(0, 256, (8, 48, 48, 3), dtype=np.uint8))
    assert out.shape == (8, 43)
    np.testing.assert_allclose(np.sum(out, axis=1), 1, atol=1e-5)


def test_uint8_and_float32_images_are_the_same_to_it():
    images = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 3), dtype=np.uint8)
    of_uint8 = build_network(TUTORIAL, **SHAPE)
    of_float = build_network(TUTORIAL, **SHAPE | {"dtype": "float32"})
    of_float.set_weights(of_uint8.get_weights())
    np.testing.assert_allclose(of_uint8(images), of_float(images.astype("float32") / 255), atol=1e-6)


@pytest.mark.parametrize(
    ("change", "parameters"),
    [
        ({"filters": [32, 64]}, 32 * 28 + 32 * 289 + 64 * 289 + 64 * 577 + 512 * (6400 + 1) + 43 * 513),
        ({"padding": ["same"]}, 32 * 28 + 64 * 289 + 128 * 577 + 512 * (6 * 6 * 128 + 1) + 43 * 513),
        ({"dense_units": []}, 287_008 + 43 * 2049),
        ({"kernel_size": 5, "padding": ["same"]}, 32 * 76 + 64 * 801 + 128 * 1601 + 512 * 4609 + 43 * 513),
    ],
)
def test_a_param_changes_the_network(params, change, parameters):
    network = TUTORIAL.model_copy(update=change)
    assert build_network(network, **SHAPE).count_params() == parameters


def test_the_initializer_takes_effect():
    def spread(name: str) -> float:
        keras.utils.set_random_seed(0)
        network = TUTORIAL.model_copy(update={"kernel_initializer": name})
        return float(np.std(build_network(network, **SHAPE).layers[-3].get_weights()[0]))  # 2048 -> 512

    assert spread("glorot_uniform") == pytest.approx(np.sqrt(2 / (2048 + 512)), rel=0.01)
    assert spread("he_uniform") == pytest.approx(np.sqrt(2 / 2048), rel=0.01)


def test_final_side_is_what_keras_builds():
    network = TUTORIAL
    for size in (28, 37, 48, 60):
        model = build_network(network, **SHAPE | {"size": size})
        pooled = [layer for layer in model.layers if "MaxPooling" in type(layer).__name__][-1]
        assert pooled.output.shape[1] == network.final_side(size)


def test_same_weights_same_bytes(tmp_path):
    network = TUTORIAL
    weights = build_network(network, **SHAPE).get_weights()
    digests = set()
    for name in ("a", "b"):
        path = tmp_path / f"{name}.weights.h5"
        ensemble.save_weights(path, weights, network, **SHAPE)
        digests.add(hashlib.md5(path.read_bytes()).hexdigest())
    assert len(digests) == 1
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.weights.h5", "b.weights.h5"]
    other = build_network(network, **SHAPE)
    other.load_weights(tmp_path / "a.weights.h5")
    assert all((mine == theirs).all() for mine, theirs in zip(other.get_weights(), weights, strict=True))


RESIDUAL = {
    "family": "residual",
    "standardize": "none",
    "filters": [8, 16],
    "kernel_size": 3,
    "stem_stride": 2,
    "blocks": [1, 2],
    "block_dropout": 0.1,
    "batch_normalization": False,
    "head": "global_average_pooling",
    "dense_units": [],
    "dense_dropout": 0.0,
    "activation": "relu",
    "kernel_initializer": "he_normal",
}


def residual(**change) -> ResidualNetwork:
    return ResidualNetwork.model_validate(RESIDUAL | change)


def conv(size: int, before: int, after: int) -> int:
    return after * (size * size * before + 1)


def test_the_residual_network():
    model = build_network(residual(), **SHAPE)
    stages = conv(3, 8, 8) * 2 + conv(3, 8, 16) + conv(1, 8, 16) + 3 * conv(3, 16, 16)
    assert model.count_params() == conv(3, 3, 8) + stages + 43 * 17
    sides = {layer.name: layer.output.shape[1] for layer in model.layers if layer.name.endswith("_add")}
    assert sides == {"stage1_block1_add": 24, "stage2_block1_add": 12, "stage2_block2_add": 12}
    assert residual().final_side(48) == 12


@pytest.mark.parametrize("batch_normalization", [True, False])
def test_residual_blocks_start_as_their_shortcut(batch_normalization):
    model = build_network(residual(batch_normalization=batch_normalization), **SHAPE)
    images = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 3), dtype=np.uint8)
    ends = ["stem_activation" if batch_normalization else "stem", "stage1_block1"]
    before, after = keras.Model(model.input, [model.get_layer(name).output for name in ends])(images)
    np.testing.assert_allclose(before, after, atol=1e-6)


@pytest.mark.seconds
@pytest.mark.parametrize("batch_normalization", [True, False])
def test_every_convolution_of_a_residual_block_learns(batch_normalization):
    """One that starts at zero has to be linear: behind a ReLU it would get no gradient, ever."""
    model = build_network(residual(batch_normalization=batch_normalization), **SHAPE)
    model.compile("sgd", loss="categorical_crossentropy", jit_compile=False)
    images = np.random.default_rng(0).integers(0, 256, (8, 48, 48, 3), dtype=np.uint8)
    before = {layer.name: layer.get_weights() for layer in model.layers if layer.get_weights()}
    for _ in range(2):
        model.train_on_batch(images, np.eye(43, dtype="float32")[:8])
    for name, weights in before.items():
        assert any((old != new).any() for old, new in zip(weights, model.get_layer(name).get_weights(), strict=True)), name


@pytest.mark.parametrize(
    ("change", "parameters"),
    [
        ({"stem_stride": 4}, 0),
        ({"blocks": [2, 2]}, 2 * conv(3, 8, 8)),
        ({"kernel_size": 5}, 16 * 3 * 8 + 16 * 8 * 8 * 2 + 16 * 8 * 16 + 3 * 16 * 16 * 16),
        ({"dense_units": [20]}, 20 * 17 + 43 * 21 - 43 * 17),
        ({"head": "flatten"}, 43 * (12 * 12 - 1) * 16),
        ({"batch_normalization": True}, 3 * (8 + 8 + 8 + 4 * 16)),  # gamma, beta and two moments, without the bias
    ],
)
def test_a_param_changes_the_residual_network(change, parameters):
    more = build_network(residual(**change), **SHAPE).count_params() - build_network(residual(), **SHAPE).count_params()
    if change == {"batch_normalization": True}:
        parameters -= 16  # of the shortcut's convolution, which has no norm and loses its bias
    assert more == parameters


def test_batch_normalization_is_before_each_activation(params):
    network = TUTORIAL.model_copy(update={"batch_normalization": True})
    model = build_network(network, **SHAPE)
    kinds = [type(layer).__name__ for layer in model.layers[1:]]
    convolution, dense = (["Conv2D", "BatchNormalization", "Activation"], ["Dense", "BatchNormalization", "Activation"])
    block = [*convolution * 2, "MaxPooling2D", "Dropout"]
    assert kinds == ["Rescaling", *block * 3, "Flatten", *dense, "Dropout", "Dense"]
    assert model.count_params() == 1_358_155 + 3 * (2 * 224 + 512)  # three more and no bias


def test_the_heads(params):
    network = TUTORIAL.model_copy(update={"head": "global_average_pooling"})
    assert build_network(network, **SHAPE).count_params() == 1_358_155 - 512 * (2048 - 128)


@pytest.mark.parametrize(("kind", "axes"), [("image", (1, 2, 3)), ("channels", (1, 2))])
def test_the_standardization_of_each_image(params, kind, axes):
    network = TUTORIAL.model_copy(update={"standardize": kind})
    model = build_network(network, **SHAPE)
    images = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 3), dtype=np.uint8)
    images[1] //= 4
    images[2, ..., 0] //= 2
    seen = np.asarray(keras.Model(model.input, model.get_layer("standardize").output)(images))
    np.testing.assert_allclose(seen.mean(axis=axes), 0, atol=1e-4)
    np.testing.assert_allclose(seen.std(axis=axes), 1, atol=0.02)
    assert model.count_params() == 1_358_155


@pytest.mark.seconds
def test_the_standardization_of_the_data_set():
    network = TUTORIAL.model_copy(update={"standardize": "data_set"})
    model = build_network(network, **SHAPE)
    images = np.random.default_rng(0).integers(0, 256, (64, 48, 48, 3), dtype=np.uint8)
    images[..., 1] //= 2
    part = keras.Model(model.input, model.get_layer("standardize").output)
    seen = np.asarray(part(images, training=True))
    np.testing.assert_allclose(seen.mean(axis=(0, 1, 2)), 0, atol=1e-3)
    np.testing.assert_allclose(seen.std(axis=(0, 1, 2)), 1, atol=0.03)
    for _ in range(600):
        part(images, training=True)
    later = np.asarray(part(images[:1]))  # a single image, by what was seen in training
    np.testing.assert_allclose(later[0].mean(axis=(0, 1)), 0, atol=0.05)
    assert np.abs(later[0].mean(axis=(0, 1)) - images[0].mean(axis=(0, 1)) / 255).max() > 0.2


@pytest.mark.seconds
def test_the_spatial_transformer_starts_as_nothing_and_can_learn():
    where = SpatialTransformer(filters=[4, 4], dense_units=8, stride=2)
    network = TUTORIAL.model_copy(update={"spatial_transformer": where})
    model = build_network(network, **SHAPE)
    images = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 3), dtype=np.uint8)
    seen = keras.Model(model.input, model.get_layer("resample").output)
    np.testing.assert_allclose(seen(images), images / np.float32(255), atol=1e-5)
    kernel, bias = model.get_layer("where_matrix").get_weights()
    model.get_layer("where_matrix").set_weights([kernel, bias + np.float32([0, 0, 2 / 47, 0, 0, 0])])  # one pixel to the left
    np.testing.assert_allclose(seen(images)[:, :, :-1], images[:, :, 1:] / np.float32(255), atol=1e-4)

    model.compile("sgd", loss="categorical_crossentropy", jit_compile=False)
    model.train_on_batch(images, np.eye(43, dtype="float32")[:2])
    assert (model.get_layer("where_matrix").get_weights()[0] != kernel).any()


def test_probabilities_are_float32_in_any_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build_network(TUTORIAL, **SHAPE)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.get_layer("block1_conv1").compute_dtype == "bfloat16"
    assert inference.predict(model, np.zeros((2, 48, 48, 3), np.uint8)).dtype == np.float32


def test_no_images_no_probabilities():
    model = build_network(TUTORIAL, **SHAPE)
    assert inference.predict(model, np.zeros((0, 48, 48, 3), np.uint8)).shape == (0, 43)
