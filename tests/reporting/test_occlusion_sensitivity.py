"""The map finds the pixel that a toy network looks at."""

import numpy as np
import pytest

from gtsrb.reporting.occlusion_sensitivity import log_odds_drop, score_drop


def brightness_of_one_pixel(images: np.ndarray) -> np.ndarray:
    """A score in [0, 1] that depends on the pixel at row 10, column 30 only."""
    return images[:, 10, 30].mean(axis=-1) / 255


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_score_drops_most_around_the_pixel_that_it_depends_on(dtype):
    image = np.zeros((48, 48, 3), dtype)
    image[10, 30] = 255
    drop = score_drop(brightness_of_one_pixel, image, patch=12, step=4)
    assert drop.shape == (48, 48)
    row, column = np.unravel_index(drop.argmax(), drop.shape)
    assert abs(row - 10) < 12 and abs(column - 30) < 12
    assert drop[10, 30] == pytest.approx(1, abs=0.01)  # every patch over it takes the whole score
    assert (drop[30:] == 0).all() and (drop[:, :15] == 0).all()
    inverted = score_drop(lambda images: 1 - brightness_of_one_pixel(images), image, patch=12, step=4)
    assert inverted[10, 30] == pytest.approx(-1, abs=0.01)
    assert (image[10, 30] == 255).all() and image.sum() == 3 * 255  # untouched


def test_log_odds_show_the_evidence_of_a_saturated_network():
    """A network that looks at one pixel only, and is so confident that its probability does not move."""

    def predict(images: np.ndarray) -> np.ndarray:
        wrong = np.exp(-20 - 10 * (images[:, 10, 30, 0] / 255.0))
        return np.column_stack([wrong, 1 - wrong]).astype(np.float32)

    image = np.zeros((48, 48, 3), np.uint8)
    image[10, 30] = 255
    drop = log_odds_drop(predict, image, 1)
    assert drop[10, 30] == drop.max() > 9
    assert drop[40, 5] == 0
    assert np.allclose(log_odds_drop(predict, image, 0), -drop)
