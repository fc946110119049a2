"""The network: its size, its layers, what its params change."""

import hashlib

import keras
import numpy as np
import pytest

from gtsrb import networks

SHAPE = {"size": 48, "dtype": "uint8", "classes": 43}


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def test_the_tutorials_network(params):
    model = networks.build(params.train["baseline"].network, **SHAPE)
    assert model.count_params() == 1_358_155
    kinds = [type(layer).__name__ for layer in model.layers]
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


def test_both_recipes_have_the_same_network(params):
    assert params.train["baseline"].network == params.train["augmented"].network


def test_probabilities(params):
    model = networks.build(params.train["baseline"].network, **SHAPE)
    out = model(np.random.default_rng(0).integers(0, 256, (8, 48, 48, 3), dtype=np.uint8))
    assert out.shape == (8, 43)
    np.testing.assert_allclose(np.sum(out, axis=1), 1, atol=1e-5)


def test_uint8_and_float32_images_are_the_same_to_it(params):
    images = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 3), dtype=np.uint8)
    of_uint8 = networks.build(params.train["baseline"].network, **SHAPE)
    of_float = networks.build(params.train["baseline"].network, **SHAPE | {"dtype": "float32"})
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
    network = params.train["baseline"].network.model_copy(update=change)
    assert networks.build(network, **SHAPE).count_params() == parameters


def test_the_initializer_takes_effect(params):
    def spread(name: str) -> float:
        keras.utils.set_random_seed(0)
        network = params.train["baseline"].network.model_copy(update={"kernel_initializer": name})
        return float(np.std(networks.build(network, **SHAPE).layers[-3].get_weights()[0]))  # 2048 -> 512

    assert spread("glorot_uniform") == pytest.approx(np.sqrt(2 / (2048 + 512)), rel=0.01)
    assert spread("he_uniform") == pytest.approx(np.sqrt(2 / 2048), rel=0.01)


def test_final_side_is_what_keras_builds(params):
    network = params.train["baseline"].network
    for size in (28, 37, 48, 60):
        model = networks.build(network, **SHAPE | {"size": size})
        pooled = [layer for layer in model.layers if "MaxPooling" in type(layer).__name__][-1]
        assert pooled.output.shape[1] == network.final_side(size)


def test_same_weights_same_bytes(params, tmp_path):
    network = params.train["baseline"].network
    weights = networks.build(network, **SHAPE).get_weights()
    digests = set()
    for name in ("a", "b"):
        path = tmp_path / f"{name}.weights.h5"
        networks.save_weights(path, weights, network, **SHAPE)
        digests.add(hashlib.md5(path.read_bytes()).hexdigest())
    assert len(digests) == 1
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.weights.h5", "b.weights.h5"]
    other = networks.build(network, **SHAPE)
    other.load_weights(tmp_path / "a.weights.h5")
    assert all((mine == theirs).all() for mine, theirs in zip(other.get_weights(), weights, strict=True))
