"""Cropping to the centre and to the sign, and the limit on an image's size."""

import numpy as np
import pytest

from gtsrb.preprocessing.crop import Box, crop_center_square, crop_with_border, limit_size


def test_the_center_crop_is_the_tutorials():
    image = np.arange(7 * 9).reshape(7, 9, 1)
    assert crop_center_square(image)[..., 0].tolist() == image[0:6, 1:7, 0].tolist()  # an odd side loses a pixel


def test_the_sign_is_cropped_with_the_benchmarks_border():
    picture = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    image, box = crop_with_border(picture, Box(100, 50, 199, 129))  # 100 x 80: a border of 10
    assert (image == picture[40:140, 90:210]).all()
    assert box == Box(10, 10, 109, 89)
    image, box = crop_with_border(picture, Box(0, 290, 19, 299))  # no border beyond the edge of the picture
    assert (image == picture[285:300, 0:25]).all()
    assert box == Box(0, 5, 19, 14)
    repeated, same_box = crop_with_border(image, box)
    assert (repeated == image).all() and same_box == box


@pytest.mark.parametrize("shape", [(8, 8), (266, 512), (512, 9)])
def test_an_image_within_512_pixels_is_unchanged(shape):
    image = np.zeros((*shape, 3), np.uint8)
    limited, box = limit_size(image, Box(2, 3, 4, 5))
    assert limited is image and box == Box(2, 3, 4, 5)


@pytest.mark.parametrize(
    ("shape", "reduced"), [((3000, 4000), (384, 512)), ((513, 100), (512, 100)), ((8, 200_000), (8, 512)), ((3, 600), (3, 512))]
)
def test_a_larger_image_is_reduced(shape, reduced):
    full_box = Box(0, 0, shape[1] - 1, shape[0] - 1)
    image, box = limit_size(np.full((*shape, 3), 128, np.uint8), full_box)
    assert (image == np.full((*reduced, 3), 128)).all()
    assert box == Box(0, 0, reduced[1] - 1, reduced[0] - 1)


def test_a_large_picture_is_cropped_to_its_sign_and_then_reduced():
    picture = np.zeros((2048, 4096, 3), np.uint8)
    picture[800:2000, 400:1200] = 200
    image, box = limit_size(picture, Box(400, 800, 1199, 1999))  # a border of 120, 48 at the bottom: 1040 x 1368 pixels
    assert image.shape == (512, 389, 3)
    assert box == Box(44, 44, 343, 493)
    assert (image[box.y1 + 1 : box.y2, box.x1 + 1 : box.x2] == 200).all()
    assert image.mean() < 150  # so the dark border is included
