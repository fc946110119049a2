"""Affine resampling against OpenCV's warp, its gradients, and its place in the network."""

import cv2
import keras
import numpy as np
import pytest
from example_networks import TUTORIAL, build, random_images
from keras import ops

from gtsrb.config.train import SpatialTransformer
from gtsrb.networks.spatial_transformer import AffineResampling

IMAGES = np.random.default_rng(0).random((6, 20, 30, 3), np.float32)


@pytest.mark.parametrize("deviation", [0.0, 0.1, 0.5])
def test_resampling_equals_opencvs_affine_warp(deviation):
    offsets = np.random.default_rng(1).normal(0, deviation, (6, 6)).astype(np.float32)
    resampled = AffineResampling()([IMAGES, offsets])
    to_half_sides = np.array([[2 / 29, 0, -1], [0, 2 / 19, -1], [0, 0, 1]])  # pixels -> half sides from the centre
    for i, image in enumerate(IMAGES):
        matrix = np.vstack([offsets[i].reshape(2, 3) + np.eye(2, 3), [0, 0, 1]])
        in_pixels = (np.linalg.inv(to_half_sides) @ matrix @ to_half_sides)[:2]
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        expected = cv2.warpAffine(image, in_pixels, (30, 20), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        np.testing.assert_allclose(resampled[i], expected, atol=2e-3)


@pytest.mark.seconds
def test_gradients_move_the_window():
    """Trained on an image shifted by one pixel, the window follows the shift."""
    ramp = np.broadcast_to(np.linspace(0, 1, 30, dtype=np.float32)[None, None, :, None], (1, 20, 30, 3))
    constant = keras.Input((6,))
    offsets = keras.layers.Dense(6, use_bias=False, kernel_initializer="zeros")(constant)
    images = keras.Input((20, 30, 3))
    model = keras.Model([images, constant], AffineResampling()([images, offsets]))
    model.compile(keras.optimizers.SGD(0.5), loss="mse", jit_compile=False)
    shifted = np.asarray(ops.clip(ramp + 0.05, 0, 1))
    inputs = [ramp, np.ones((1, 6), np.float32)]
    before = model.evaluate(inputs, shifted, verbose=0)
    model.fit(inputs, shifted, epochs=40, verbose=0)
    assert model.evaluate(inputs, shifted, verbose=0) < 0.1 * before


@pytest.mark.seconds
def test_it_starts_as_the_identity_and_learns():
    params = SpatialTransformer(filters=[4, 4], dense_units=8, stride=2)
    model, images = build(TUTORIAL.model_copy(update={"spatial_transformer": params})), random_images(2)
    resample, layer = keras.Model(model.input, model.get_layer("resample").output), model.get_layer("where_matrix")
    np.testing.assert_allclose(resample(images), images / np.float32(255), atol=1e-5)
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel, bias + np.float32([0, 0, 2 / 47, 0, 0, 0])])  # one pixel to the left
    np.testing.assert_allclose(resample(images)[:, :, :-1], images[:, :, 1:] / np.float32(255), atol=1e-4)

    model.compile("sgd", loss="categorical_crossentropy", jit_compile=False)
    model.train_on_batch(images, np.eye(43, dtype="float32")[:2])
    assert (layer.get_weights()[0] != kernel).any()
