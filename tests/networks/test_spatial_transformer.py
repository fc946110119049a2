"""The learned window against OpenCV's affine warp, and its gradients."""

import cv2
import keras
import numpy as np
import pytest
from keras import ops

from gtsrb.networks.spatial_transformer import AffineResampling

IMAGES = np.random.default_rng(0).random((6, 20, 30, 3), np.float32)


@pytest.mark.parametrize("spread", [0.0, 0.1, 0.5])
def test_it_is_an_affine_warp(spread):
    change = (np.random.default_rng(1).normal(0, spread, (6, 6))).astype(np.float32)
    seen = AffineResampling()([IMAGES, change])
    to_unit = np.array([[2 / 29, 0, -1], [0, 2 / 19, -1], [0, 0, 1]])  # pixels -> half sides from the centre
    for i, image in enumerate(IMAGES):
        matrix = np.vstack([change[i].reshape(2, 3) + np.eye(2, 3), [0, 0, 1]])
        pixels = (np.linalg.inv(to_unit) @ matrix @ to_unit)[:2]
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        theirs = cv2.warpAffine(image, pixels, (30, 20), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        np.testing.assert_allclose(seen[i], theirs, atol=2e-3)


@pytest.mark.seconds
def test_training_moves_the_window():
    """Shown a picture one pixel aside, the window follows it."""
    ramp = np.broadcast_to(np.linspace(0, 1, 30, dtype=np.float32)[None, None, :, None], (1, 20, 30, 3))
    source = keras.Input((6,))
    change = keras.layers.Dense(6, use_bias=False, kernel_initializer="zeros")(source)
    images = keras.Input((20, 30, 3))
    model = keras.Model([images, source], AffineResampling()([images, change]))
    model.compile(keras.optimizers.SGD(0.5), loss="mse", jit_compile=False)
    wanted = np.asarray(ops.clip(ramp + 0.05, 0, 1))
    one = np.ones((1, 6), np.float32)
    before = model.evaluate([ramp, one], wanted, verbose=0)
    model.fit([ramp, one], wanted, epochs=40, verbose=0)
    assert model.evaluate([ramp, one], wanted, verbose=0) < 0.1 * before
