"""Images and maps for HTML: the colours of a map, the channels shown, and that a data URL holds the exact image."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from gtsrb.reporting.html_images import data_url, overlay_map, to_uint8


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_map_is_laid_over_the_image_in_grey(dtype):
    image = np.zeros((2, 2, 3), dtype)
    image[..., 1] = 255 if dtype == np.uint8 else 1
    overlay = overlay_map(image, np.float32([[0.4, -0.4], [0, 0]]), 64)
    assert (overlay.dtype, overlay.shape) == (np.uint8, (64, 64, 3))
    red, _, blue = overlay[5, 5].astype(int)
    assert red > blue + 100  # for the class: orange
    red, _, blue = overlay[5, 58].astype(int)
    assert blue > red + 100
    grey = overlay_map(image, np.zeros((2, 2), np.float32), 64)
    assert (grey == grey[0, 0, 0]).all()


def test_the_first_three_of_six_channels_are_shown():
    image = np.random.default_rng(0).random((4, 4, 6), dtype=np.float32)
    assert (to_uint8(image) == np.rint(image[..., :3] * 255)).all()


@pytest.mark.parametrize("channels", [3, 4])
def test_a_data_url_holds_the_image_and_its_transparency(channels):
    image = np.random.default_rng(0).integers(0, 256, (4, 5, channels), dtype=np.uint8)
    header, data = data_url(image).split(",")
    assert header == "data:image/png;base64"
    assert (np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) == image).all()
