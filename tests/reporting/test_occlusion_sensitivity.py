"""The map finds what a made-up network looks at."""

import numpy as np
import pytest

from gtsrb.reporting.occlusion_sensitivity import occlusion_map, occlusion_sensitivity


def one_pixel(images: np.ndarray) -> np.ndarray:
    """Class 1 as far as the pixel at row 10, column 30 is bright."""
    bright = images[:, 10, 30].mean(axis=-1) / 255
    return np.stack([1 - bright, bright], axis=1)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_map_is_greatest_where_the_network_looks(dtype):
    image = np.zeros((48, 48, 3), dtype)
    image[10, 30] = 255
    found = occlusion_map(one_pixel, image, 1, patch=12, step=4)
    assert found.shape == (48, 48)
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert abs(row - 10) < 12 and abs(column - 30) < 12
    assert found[10, 30] == pytest.approx(1, abs=0.01)  # every patch over it takes all there is
    assert (found[30:] == 0).all() and (found[:, :15] == 0).all()
    assert occlusion_map(one_pixel, image, 0, patch=12, step=4)[10, 30] == pytest.approx(-1, abs=0.01)
    assert (image[10, 30] == 255).all() and image.sum() == 3 * 255  # untouched


def test_the_map_is_where_the_evidence_is_however_sure_the_network():
    """A network that looks at one pixel alone, and is so sure that its probability does not move."""

    def sure(images: np.ndarray) -> np.ndarray:
        wrong = np.exp(-20 - 10 * (images[:, 10, 30, 0] / 255.0))
        return np.column_stack([wrong, 1 - wrong]).astype(np.float32)

    image = np.zeros((48, 48, 3), np.uint8)
    image[10, 30] = 255
    lost = occlusion_sensitivity(sure, image)
    assert lost[10, 30] == lost.max() > 9
    assert lost[40, 5] == 0
