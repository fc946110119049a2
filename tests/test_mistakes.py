"""Which mistakes are shown, and how."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from gtsrb import mistakes


def test_each_kind_of_mistake_by_its_most_confident_image():
    labels = np.array([0, 0, 1, 2, 0, 1])
    probabilities = np.array(
        [
            [0.9, 0.1, 0.0],  # right
            [0.3, 0.7, 0.0],  # 0 for 1
            [0.6, 0.4, 0.0],  # 1 for 0
            [0.0, 1.0, 0.0],  # 2 for 1
            [0.1, 0.9, 0.0],  # 0 for 1, surer
            [0.6, 0.4, 0.0],  # 1 for 0, as sure as the first
        ]
    )
    assert mistakes.most_confident(labels, probabilities, 9) == [(3, 1), (4, 2), (2, 2)]
    assert mistakes.most_confident(labels, probabilities, 1) == [(3, 1)]
    assert mistakes.most_confident(labels[:1], probabilities[:1], 9) == []


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_map_lies_over_the_image_in_grey(dtype):
    image = np.zeros((2, 2, 3), dtype)
    image[..., 0] = 255 if dtype == np.uint8 else 1  # red: a third of white
    shown = mistakes.overlay(image, np.array([[0.4, -0.4], [0, 0]]))
    assert (shown.dtype, shown.shape) == (np.uint8, (2, 2, 3))
    assert shown[0, 0, 0] > shown[0, 0, 2] and shown[0, 1, 0] < shown[0, 1, 2]
    assert (shown[1] == 85).all()
    assert (mistakes.overlay(image, np.zeros((2, 2))) == 85).all()


def test_the_address_holds_the_image():
    image = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    kind, data = mistakes.data_uri(image).split(",")
    assert kind == "data:image/png;base64"
    assert (np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) == image).all()
