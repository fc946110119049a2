"""Test-time augmentation: where a view shows the sign, and that the views' probabilities are averaged."""

import keras
import numpy as np
import pytest

from gtsrb.config.evaluate import View
from gtsrb.evaluation import tta
from gtsrb.networks import inference
from gtsrb.networks.build import build_network

IDENTITY = {"rotation": 0.0, "shift_x": 0.0, "shift_y": 0.0, "zoom": 1.0}
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 33, 33, 3), dtype=np.uint8)


def spot(row: int, column: int) -> np.ndarray:
    """A black image with one white square of 3 x 3 pixels around (row, column)."""
    image = np.zeros((1, 33, 33, 3), np.uint8)
    image[0, row - 1 : row + 2, column - 1 : column + 2] = 255
    return image


@pytest.mark.parametrize(
    ("change", "row", "column"),
    [
        ({}, 20, 16),
        ({"shift_x": 5 / 33}, 20, 21),  # to the right
        ({"shift_y": 5 / 33}, 25, 16),  # down
        ({"zoom": 2.0}, 24, 16),  # enlarged, so farther from the centre (16, 16)
        ({"rotation": 180.0}, 12, 16),
    ],
)
def test_where_a_view_shows_the_sign(change, row, column):
    seen = tta.apply_view(spot(20, 16), View(**IDENTITY | change))[0, :, :, 0].astype(float)
    center = np.argwhere(seen > 127).mean(axis=0)
    np.testing.assert_allclose(center, [row, column], atol=0.51)


def test_the_identity_view_is_the_image():
    assert (tta.apply_view(IMAGES, View(**IDENTITY)) == IMAGES).all()


def test_probabilities_are_averaged(params):
    keras.utils.set_random_seed(0)
    model = build_network(params.train["baseline"].network, size=33, channels=3, dtype="uint8", classes=4)
    rotated = View(**IDENTITY | {"rotation": 25.0})
    first, second = (inference.predict(model, images) for images in (IMAGES, tta.apply_view(IMAGES, rotated)))
    averaged = tta.predict(model, IMAGES, [View(**IDENTITY), rotated])
    np.testing.assert_allclose(averaged, (first + second) / 2, atol=1e-6)
    assert np.abs(first - second).max() > 1e-5
    assert (tta.predict(model, IMAGES, None) == first).all()
