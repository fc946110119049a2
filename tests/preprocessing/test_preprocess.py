"""Preprocessing, compared with the tutorial's pipeline in scikit-image."""

import os
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from raw_tables import draw_signs
from skimage import color, exposure, transform

from gtsrb.config.preprocess import Clahe, Variant
from gtsrb.data import gtsrb_source
from gtsrb.data.tables import decode_ppm
from gtsrb.preprocessing.crop import Box
from gtsrb.preprocessing.preprocess import preprocess

ANY_BOX = Box(0, 0, 0, 0)  # for variants that do not crop to the sign


def preprocess_like_tutorial(image: np.ndarray, variant: Variant) -> np.ndarray:
    """The tutorial's steps: to HSV, equalise V, back to RGB, crop, resize; floats in [0, 1]."""
    if variant.equalize:
        hsv = color.rgb2hsv(image)
        hsv[..., 2] = exposure.equalize_hist(hsv[..., 2], nbins=variant.equalize.bins)
        image = color.hsv2rgb(hsv)
    else:
        image = image / 255
    if variant.crop:
        half = min(image.shape[:-1]) // 2
        row, column = image.shape[0] // 2, image.shape[1] // 2
        image = image[row - half : row + half, column - half : column + half]
    options = {"order": variant.interpolation_order, "mode": variant.mode, "anti_aliasing": variant.anti_aliasing}
    return transform.resize(image, (variant.size, variant.size), **options)


def assert_equal_to_the_rounding(images: list[np.ndarray], variant: Variant) -> None:
    """No value differs by more than one level, and at most 1 in 10,000 differs at all, except halves.

    A mean of integer levels is often halfway between two; the last bit decides how it is rounded, and both results are right.
    """
    expected = np.stack([preprocess_like_tutorial(image, variant) for image in images]) * 255
    actual = np.stack([preprocess(image, ANY_BOX, variant) for image in images])
    assert actual.dtype == np.uint8
    difference = np.abs(actual - np.rint(expected))
    assert difference.max() <= 1
    difference[np.abs(expected % 1 - 0.5) < 1e-9] = 0
    assert (difference > 0).mean() <= 1e-4


def make_edge_cases() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)

    def noise(height: int, width: int, high: int = 256) -> np.ndarray:
        return rng.integers(0, high, (height, width, 3), dtype=np.uint8)

    ramp = np.broadcast_to(np.linspace(0, 255, 61).astype(np.uint8)[:, None, None], (61, 50, 3))
    spotted = noise(40, 40)
    spotted[10:20] = 0
    return {
        "even": noise(48, 48),
        "odd": noise(47, 47),
        "odd and even": noise(43, 52),
        "tiny": noise(4, 5),
        "wide": noise(20, 200),
        "tall": noise(161, 30),
        "large": noise(240, 231),
        "dark": noise(35, 35, 12),
        "black": np.zeros((33, 31, 3), np.uint8),
        "white": np.full((30, 30, 3), 255, np.uint8),
        "grey": np.full((30, 44, 3), 117, np.uint8),
        "grey ramp": ramp,
        "black spots": spotted,
        "one colour": np.broadcast_to(np.uint8([200, 10, 30]), (25, 25, 3)),
    }


@pytest.mark.seconds
@pytest.mark.parametrize("variant", ["equalized", "plain"])
def test_equal_to_scikit_image_on_synthetic_signs(params, variant):
    train, _ = draw_signs(tracks_per_class=2, frames_per_track=2, test_images_per_class=1)
    assert_equal_to_the_rounding([decode_ppm(image) for *_, image in train], params.preprocess[variant])


@pytest.mark.parametrize("name", make_edge_cases())
@pytest.mark.parametrize("variant", ["equalized", "plain"])
def test_equal_to_scikit_image_on_edge_cases(params, variant, name):
    assert_equal_to_the_rounding([make_edge_cases()[name]], params.preprocess[variant])


@pytest.mark.parametrize("change", [
    {"interpolation_order": 0},
    {"interpolation_order": 3},
    {"mode": "edge"},
    {"mode": "reflect"},
    {"mode": "symmetric"},
    {"mode": "wrap"},
    {"anti_aliasing": True},
    {"crop": None},
    {"size": 31},
    {"size": 97},
], ids=str)  # fmt: skip
def test_every_option_is_equal_to_scikit_image(params, change):
    variant = params.preprocess["equalized"].model_copy(update=change)
    images = make_edge_cases()
    assert_equal_to_the_rounding([images[name] for name in ("odd and even", "large", "wide", "dark", "grey ramp")], variant)


@pytest.mark.parametrize("bins", [2, 64, 1000])
def test_every_number_of_bins_is_equal_to_scikit_image(params, bins):
    variant = params.preprocess["equalized"]
    variant = variant.model_copy(update={"equalize": variant.equalize.model_copy(update={"bins": bins})})
    assert_equal_to_the_rounding(list(make_edge_cases().values()), variant)


def test_float32_is_exact(params):
    variant = params.preprocess["equalized"].model_copy(update={"dtype": "float32"})
    for image in make_edge_cases().values():
        actual = preprocess(image, ANY_BOX, variant)
        assert actual.dtype == np.float32
        np.testing.assert_allclose(actual, preprocess_like_tutorial(image, variant), atol=1e-6)


@pytest.mark.parametrize(
    ("box", "margin", "rows", "columns"),
    [
        (Box(2, 3, 11, 12), 0.0, slice(3, 13), slice(2, 12)),  # includes both corners
        (Box(2, 3, 11, 12), 0.2, slice(1, 15), slice(0, 14)),
        (Box(2, 3, 11, 12), 1.0, slice(0, 20), slice(0, 22)),  # up to the edge of the image
    ],
)
def test_crop_roi_is_the_box_with_its_margin(params, box, margin, rows, columns):
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    variant = params.preprocess["plain"].model_copy(update={"crop": "roi", "margin": margin})
    uncropped = params.preprocess["plain"].model_copy(update={"crop": None})
    assert (preprocess(image, box, variant) == preprocess(image[rows, columns], ANY_BOX, uncropped)).all()


def test_clahe_is_equal_to_scikit_image(params):
    variant = params.preprocess["plain"].model_copy(update={"clahe": Clahe(tiles=4, clip_limit=0.03, bins=128), "crop": None})
    plain = params.preprocess["plain"].model_copy(update={"crop": None})
    for image in make_edge_cases().values():
        tile = (max(2, image.shape[0] // 4), max(2, image.shape[1] // 4))
        expected = np.rint(exposure.equalize_adapthist(image, tile, 0.03, 128) * 255).astype(np.uint8)
        actual = preprocess(image, ANY_BOX, variant).astype(int)
        assert np.abs(actual - preprocess(expected, ANY_BOX, plain)).max() <= 1
    dark = make_edge_cases()["dark"]
    assert preprocess(dark, ANY_BOX, variant).std() > 2 * preprocess(dark, ANY_BOX, plain).std()


@pytest.mark.parametrize("name", ["equalized", "clahe"])
def test_keep_original_appends_the_original_channels(params, name):
    clahe = {"equalize": None, "clahe": Clahe(tiles=4, clip_limit=0.1, bins=256)}
    equalized = params.preprocess["equalized"].model_copy(update=clahe if name == "clahe" else {})
    both = equalized.model_copy(update={"keep_original": True})
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    actual = preprocess(image, ANY_BOX, both)
    assert actual.shape == (48, 48, both.channels) and equalized.channels == 3
    assert (actual[..., :3] == preprocess(image, ANY_BOX, equalized)).all()
    assert (actual[..., 3:] == preprocess(image, ANY_BOX, params.preprocess["plain"])).all()
    assert (actual[..., :3] != actual[..., 3:]).any()


@pytest.mark.gtsrb
@pytest.mark.skipif("GTSRB_DIR" not in os.environ, reason="GTSRB_DIR is not set")
@pytest.mark.parametrize("variant", ["equalized", "plain"])
def test_equal_to_scikit_image_on_500_real_images(params, variant):
    from gtsrb.data import gtsrb_reader

    _, test = gtsrb_reader.read(gtsrb_source.locate(Path(os.environ["GTSRB_DIR"])), params.ingest.gtsrb, problems := [])
    images = [decode_ppm(row[-1]) for row in islice(test, 0, 12_500, 25)]
    assert len(images) == 500 and not problems
    assert_equal_to_the_rounding(images, params.preprocess[variant])
