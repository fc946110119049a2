"""What all families share: the images' scale and standardization, the head, the probabilities."""

import random

import keras
import numpy as np
import pytest
from example_networks import SHAPE, TUTORIAL, build, random_images

from gtsrb.networks.build import build_network, seed_layers


def test_probabilities_sum_to_1():
    probabilities = build(TUTORIAL)(random_images(8))
    assert probabilities.shape == (8, 43)
    np.testing.assert_allclose(np.sum(probabilities, axis=1), 1, atol=1e-5)


def test_uint8_and_float32_images_give_the_same_probabilities():
    images = random_images(4)
    of_uint8, of_float32 = build(TUTORIAL), build(TUTORIAL, dtype="float32")
    np.testing.assert_allclose(of_uint8(images), of_float32(images.astype("float32") / 255), atol=1e-6)


def test_probabilities_are_float32_in_any_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = build(TUTORIAL)
    assert model.get_layer("block1_conv1").compute_dtype == "bfloat16"
    assert np.asarray(model(random_images(2))).dtype == np.float32


def test_global_average_pooling_in_place_of_flattening():
    network = TUTORIAL.model_copy(update={"head": "global_average_pooling"})
    assert build(network).count_params() == 1_358_155 - 512 * (2048 - 128)


def test_the_initializer_takes_effect():
    def kernel_deviation(name: str) -> float:
        model = build(TUTORIAL.model_copy(update={"kernel_initializer": name}))
        return float(np.std(model.get_layer("dense1").get_weights()[0]))  # 2048 -> 512

    assert kernel_deviation("glorot_uniform") == pytest.approx(np.sqrt(2 / (2048 + 512)), rel=0.01)
    assert kernel_deviation("he_uniform") == pytest.approx(np.sqrt(2 / 2048), rel=0.01)


@pytest.mark.parametrize(("kind", "axes"), [("image", (1, 2, 3)), ("channels", (1, 2))])
def test_standardization_by_image(kind, axes):
    model = build(TUTORIAL.model_copy(update={"standardize": kind}))
    images = random_images(3)
    images[1] //= 4
    images[2, ..., 0] //= 2
    standardized = np.asarray(keras.Model(model.input, model.get_layer("standardize").output)(images))
    np.testing.assert_allclose(standardized.mean(axis=axes), 0, atol=1e-4)
    np.testing.assert_allclose(standardized.std(axis=axes), 1, atol=0.02)
    assert model.count_params() == 1_358_155


@pytest.mark.seconds
def test_standardization_by_data_set():
    model = build(TUTORIAL.model_copy(update={"standardize": "data_set"}))
    images = random_images(64)
    images[..., 1] //= 2
    standardize = keras.Model(model.input, model.get_layer("standardize").output)
    in_training = np.asarray(standardize(images, training=True))
    np.testing.assert_allclose(in_training.mean(axis=(0, 1, 2)), 0, atol=1e-3)
    np.testing.assert_allclose(in_training.std(axis=(0, 1, 2)), 1, atol=0.03)
    for _ in range(600):
        standardize(images, training=True)
    (in_inference,) = np.asarray(standardize(images[:1]))  # a single image, by the statistics of training
    np.testing.assert_allclose(in_inference.mean(axis=(0, 1)), 0, atol=0.05)
    assert np.abs(in_inference.mean(axis=(0, 1)) - images[0].mean(axis=(0, 1)) / 255).max() > 0.2


def test_initial_weights_are_those_of_the_seed_whatever_other_threads_draw():
    """Such as Dask's, in a worker: Keras takes the seeds of layers from Python's generator, which all threads share."""
    keras.utils.set_random_seed(5)
    expected = build_network(TUTORIAL, **SHAPE).get_weights()
    keras.utils.set_random_seed(5)
    random.random()  # as another thread would
    with seed_layers(5):
        weights = build_network(TUTORIAL, **SHAPE).get_weights()
    assert all((a == b).all() for a, b in zip(weights, expected, strict=True))
    keras.utils.set_random_seed(5)
    random.random()
    assert not all((a == b).all() for a, b in zip(build_network(TUTORIAL, **SHAPE).get_weights(), expected, strict=True))
