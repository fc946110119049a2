"""Cropping to the centre and to the sign, and the limit on an image's size."""

import numpy as np
import pytest

from gtsrb.preprocessing.crop import Box, crop_center_square, crop_with_border, limit_size


def test_the_center_crop_is_the_tutorials():
    image = np.arange(7 * 9).reshape(7, 9, 1)
    assert crop_center_square(image)[..., 0].tolist() == image[0:6, 1:7, 0].tolist()  # an odd side loses a pixel


def test_the_sign_is_cropped_with_the_benchmarks_border():
    picture = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    image, box = crop_with_border(picture, Box(100, 50, 199, 129))  # 100 x 80: a border of 11
    assert (image == picture[39:141, 89:211]).all()
    assert box == Box(11, 11, 110, 90)
    image, box = crop_with_border(picture, Box(0, 290, 19, 299))  # no border beyond the edge of the picture
    assert (image == picture[284:300, 0:26]).all()
    assert box == Box(0, 6, 19, 15)
    repeated, same_box = crop_with_border(image, box)
    assert (repeated == image).all() and same_box == box


@pytest.mark.parametrize(("width", "height", "box"), [(29, 30, Box(5, 6, 24, 25)), (68, 69, Box(7, 6, 62, 63))])
def test_a_picture_of_the_benchmark_is_left_as_it_is(width, height, box):
    """Sizes and boxes of two of its images; on many, a side of the border is a pixel wider than the rule of the others."""
    image = np.zeros((height, width, 3), np.uint8)
    cropped, same_box = crop_with_border(image, box)
    assert cropped.shape == image.shape and same_box == box


@pytest.mark.parametrize("shape", [(8, 8), (266, 512), (512, 9)])
def test_an_image_within_512_pixels_is_unchanged(shape):
    image = np.zeros((*shape, 3), np.uint8)
    limited, box = limit_size(image, Box(2, 3, 4, 5))
    assert limited is image and box == Box(2, 3, 4, 5)


@pytest.mark.parametrize(
    ("shape", "reduced"), [((3000, 4000), (375, 500)), ((513, 100), (256, 50)), ((8, 200_000), (8, 511)), ((3, 600), (3, 300))]
)
def test_a_larger_image_is_reduced(shape, reduced):
    full_box = Box(0, 0, shape[1] - 1, shape[0] - 1)
    image, box = limit_size(np.full((*shape, 3), 128, np.uint8), full_box)
    assert (image == np.full((*reduced, 3), 128)).all()
    assert box == Box(0, 0, reduced[1] - 1, reduced[0] - 1)


def test_a_large_picture_is_cropped_to_its_sign_and_then_reduced():
    picture = np.zeros((2048, 4096, 3), np.uint8)
    picture[810:2000, 400:1200] = 200
    image, box = limit_size(picture, Box(400, 810, 1199, 1999))  # a border of 120, 48 at the bottom: 1040 x 1358 pixels
    assert image.shape == (452, 346, 3)  # a third, without the last two rows and columns
    assert box == Box(40, 40, 306, 436)
    assert (image[box.y1 : box.y2, box.x1 : box.x2] == 200).all()
    assert image.mean() < 150  # so the dark border is included


def test_a_reduced_image_has_the_means_of_blocks():
    picture = np.random.default_rng(0).integers(0, 256, (700, 1030, 3), dtype=np.uint8)
    image, _ = limit_size(picture, Box(0, 0, 1029, 699))
    means = picture[:699, :1029].reshape(233, 3, 343, 3, 3).mean(axis=(1, 3))
    assert (image == np.floor(means + 0.5)).all()
