"""Preprocessing against the tutorial's pipeline, written with scikit-image as the tutorial has it."""

import os
from pathlib import Path

import numpy as np
import pytest
from skimage import color, exposure, transform

from gtsrb.config.preprocess import Clahe
from gtsrb.data import gtsrb_source
from gtsrb.data.tables import decode_ppm
from gtsrb.preprocessing.crop import MAX_SIDE, Box, crop_center_square, crop_with_border, limit_size
from gtsrb.preprocessing.preprocess import preprocess
from gtsrb.preprocessing.resize import resize_image, resize_matrix
from gtsrb.synthetic.scenes import render

NOWHERE = Box(0, 0, 0, 0)  # for variants that do not crop to the sign


def tutorial(image: np.ndarray, variant) -> np.ndarray:
    """The plain pipeline: HSV, equalise V, back, crop, resize; floats in [0, 1]."""
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


def assert_equal_to_the_rounding(images: list[np.ndarray], variant) -> None:
    """No value more than one level apart; halves aside, at most one in 10,000 that differs at all.

    A mean of whole levels often lies halfway between two, where the last bit of either pipeline decides; there either is right.
    """
    theirs = np.stack([tutorial(image, variant) for image in images]) * 255
    ours = np.stack([preprocess(image, NOWHERE, variant) for image in images])
    assert ours.dtype == np.uint8
    difference = np.abs(ours - np.rint(theirs))
    assert difference.max() <= 1
    difference[np.abs(theirs % 1 - 0.5) < 1e-9] = 0
    assert (difference > 0).mean() <= 1e-4


def awkward_images() -> dict[str, np.ndarray]:
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
def test_equal_to_scikit_image_on_rendered_signs(params, variant):
    small = params.ingest.synthetic.model_copy(
        update={"tracks_per_class": 2, "frames_per_track": 2, "test_images_per_class": 1}
    )
    train, _ = render(small)
    assert_equal_to_the_rounding([decode_ppm(image) for image in train["image"]], params.preprocess[variant])


@pytest.mark.parametrize("name", awkward_images())
@pytest.mark.parametrize("variant", ["equalized", "plain"])
def test_equal_to_scikit_image_on_awkward_images(params, variant, name):
    assert_equal_to_the_rounding([awkward_images()[name]], params.preprocess[variant])


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
def test_every_option_is_scikit_images(params, change):
    variant = params.preprocess["equalized"].model_copy(update=change)
    images = awkward_images()
    assert_equal_to_the_rounding([images[name] for name in ("odd and even", "large", "wide", "dark", "grey ramp")], variant)


@pytest.mark.parametrize("bins", [2, 64, 1000])
def test_bins(params, bins):
    variant = params.preprocess["equalized"]
    variant = variant.model_copy(update={"equalize": variant.equalize.model_copy(update={"bins": bins})})
    assert_equal_to_the_rounding(list(awkward_images().values()), variant)


def test_float32_is_exact(params):
    variant = params.preprocess["equalized"].model_copy(update={"dtype": "float32"})
    for image in awkward_images().values():
        ours = preprocess(image, NOWHERE, variant)
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, tutorial(image, variant), atol=1e-6)


def test_the_crop_is_the_tutorials():
    image = np.arange(7 * 9).reshape(7, 9, 1)
    assert crop_center_square(image)[..., 0].tolist() == image[0:6, 1:7, 0].tolist()  # an odd side loses a pixel


@pytest.mark.parametrize(
    ("box", "margin", "rows", "columns"),
    [
        (Box(2, 3, 11, 12), 0.0, slice(3, 13), slice(2, 12)),  # both corners are inside
        (Box(2, 3, 11, 12), 0.2, slice(1, 15), slice(0, 14)),
        (Box(2, 3, 11, 12), 1.0, slice(0, 20), slice(0, 22)),  # cut at the border of the image
    ],
)
def test_the_region_of_the_sign(params, box, margin, rows, columns):
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    variant = params.preprocess["plain"].model_copy(update={"crop": "roi", "margin": margin})
    whole = params.preprocess["plain"].model_copy(update={"crop": None})
    assert (preprocess(image, box, variant) == preprocess(image[rows, columns], NOWHERE, whole)).all()


def test_the_box_is_cut_out_with_the_benchmarks_border():
    picture = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    image, box = crop_with_border(picture, Box(100, 50, 199, 129))  # 100 x 80: a border of 10
    assert (image == picture[40:140, 90:210]).all()
    assert box == Box(10, 10, 109, 89)
    image, box = crop_with_border(picture, Box(0, 290, 19, 299))  # at the picture's edge there is none
    assert (image == picture[285:300, 0:25]).all()
    assert box == Box(0, 5, 19, 14)
    again, same = crop_with_border(image, box)
    assert (again == image).all() and same == box


@pytest.mark.parametrize("shape", [(8, 8), (266, 512), (512, 9)])
def test_what_is_within_512_pixels_stays_as_it_is(shape):
    image = np.zeros((*shape, 3), np.uint8)
    same, box = limit_size(image, Box(2, 3, 4, 5))
    assert same is image and box == Box(2, 3, 4, 5)


@pytest.mark.parametrize(
    ("shape", "smaller"), [((3000, 4000), (384, 512)), ((513, 100), (512, 100)), ((8, 200_000), (8, 512)), ((3, 600), (3, 512))]
)
def test_what_is_larger_is_made_smaller(shape, smaller):
    whole = Box(0, 0, shape[1] - 1, shape[0] - 1)
    image, box = limit_size(np.full((*shape, 3), 128, np.uint8), whole)
    assert (image == np.full((*smaller, 3), 128)).all()
    assert box == Box(0, 0, smaller[1] - 1, smaller[0] - 1)


def test_the_sign_of_a_large_picture_is_cut_out_and_then_made_smaller():
    picture = np.zeros((2048, 4096, 3), np.uint8)
    picture[800:2000, 400:1200] = 200
    image, box = limit_size(picture, Box(400, 800, 1199, 1999))  # a border of 120, at the bottom of 48: 1040 x 1368 pixels
    assert image.shape == (512, 389, 3)
    assert box == Box(44, 44, 343, 493)
    assert (image[box.y1 + 1 : box.y2, box.x1 + 1 : box.x2] == 200).all()
    assert image.mean() < 150  # the border is there


def test_clahe_is_scikit_images(params):
    variant = params.preprocess["plain"].model_copy(update={"clahe": Clahe(tiles=4, clip_limit=0.03, bins=128), "crop": None})
    plain = params.preprocess["plain"].model_copy(update={"crop": None})
    for image in awkward_images().values():
        tile = (max(2, image.shape[0] // 4), max(2, image.shape[1] // 4))
        theirs = np.rint(exposure.equalize_adapthist(image, tile, 0.03, 128) * 255).astype(np.uint8)
        ours = preprocess(image, NOWHERE, variant).astype(int)
        assert np.abs(ours - preprocess(theirs, NOWHERE, plain)).max() <= 1
    dark = awkward_images()["dark"]
    assert preprocess(dark, NOWHERE, variant).std() > 2 * preprocess(dark, NOWHERE, plain).std()


@pytest.mark.parametrize("name", ["equalized", "clahe"])
def test_the_original_behind_the_equalised(params, name):
    clahe = {"equalize": None, "clahe": Clahe(tiles=4, clip_limit=0.1, bins=256)}
    alone = params.preprocess["equalized"].model_copy(update=clahe if name == "clahe" else {})
    both = alone.model_copy(update={"keep_original": True})
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    found = preprocess(image, NOWHERE, both)
    assert found.shape == (48, 48, both.channels) and alone.channels == 3
    assert (found[..., :3] == preprocess(image, NOWHERE, alone)).all()
    assert (found[..., 3:] == preprocess(image, NOWHERE, params.preprocess["plain"])).all()
    assert (found[..., :3] != found[..., 3:]).any()


def in_whole_numbers(image: np.ndarray, variant) -> np.ndarray:
    """`resize_image` in int64, whose sums no order changes; Python's own rounding, to the even of two neighbours."""
    height, width, channels = image.shape
    options = (variant.size, variant.interpolation_order, variant.mode, variant.anti_aliasing)
    rows, columns = (
        (resize_matrix(side, depth, *options) * 2**24).astype(np.int64) for side, depth in ((height, 1), (width, channels))
    )
    steps = np.rint(image * 2.0**16).astype(np.int64)
    tall = rows @ steps.reshape(height, width * channels)
    whole, rest = tall >> 24, tall & (2**24 - 1)
    whole += (rest > 2**23) | ((rest == 2**23) & (whole % 2 == 1))
    out = (whole @ columns.T).reshape(variant.size, variant.size, channels)
    low, high = steps.min(), steps.max()
    if variant.mode == "constant" and not low <= 0 <= high and out.min() <= 0 <= out.max():
        low, high = min(low, 0), max(high, 0)
    return out.clip(low << 24, high << 24) / 2**40


@pytest.mark.parametrize("change", [
    {},
    {"size": 8},
    {"size": 97},
    {"anti_aliasing": True},
    {"anti_aliasing": True, "mode": "edge"},
    {"interpolation_order": 3, "mode": "reflect"},
    {"interpolation_order": 5, "mode": "wrap"},
    {"interpolation_order": 0, "mode": "symmetric"},
], ids=str)  # fmt: skip
def test_sums_are_exact_so_that_their_order_does_not_matter(params, change):
    """Processors add in different orders. The images: whole levels, and levels as equalisation leaves them."""
    variant = params.preprocess["plain"].model_copy(update=change)
    rng = np.random.default_rng(0)
    images = awkward_images()
    for image in (images[name] for name in ("odd and even", "tiny", "tall", "dark", "black spots")):
        for levels in (image, rng.uniform(0, 255, image.shape)):
            assert (resize_image(levels, variant) == in_whole_numbers(levels, variant)).all()


@pytest.mark.parametrize("order", range(6))
@pytest.mark.parametrize("mode", ["constant", "edge", "symmetric", "reflect", "wrap"])
def test_what_the_exact_sums_rest_on(order, mode):
    """No row of weights has magnitudes that sum to 2."""
    for anti_aliasing in (False, True):
        for side in (2, 3, 7, 48, 100, MAX_SIDE):
            for size in (8, 31, 48, 97):
                weights = resize_matrix.__wrapped__(side, 1, size, order, mode, anti_aliasing)
                assert np.abs(weights).sum(axis=1).max() < 2


def test_a_constant_border_is_darker_where_an_image_grows(params):
    """The tutorial's `mode: constant` mixes black into the outermost pixels of an enlarged image."""
    weights = resize_matrix(24, 1, 48, 1, "constant", False).sum(axis=1)
    assert weights[0] == weights[-1] == pytest.approx(0.75)
    assert weights[1:-1] == pytest.approx(1)


@pytest.mark.gtsrb
@pytest.mark.skipif("GTSRB_DIR" not in os.environ, reason="GTSRB_DIR is not set")
@pytest.mark.parametrize("variant", ["equalized", "plain"])
def test_equal_to_scikit_image_on_500_real_images(params, variant):
    from gtsrb.data import gtsrb_reader

    _, test = gtsrb_reader.read(gtsrb_source.locate(Path(os.environ["GTSRB_DIR"])), params.ingest.gtsrb)
    images = test["image"].sample(500, random_state=0)
    assert_equal_to_the_rounding([decode_ppm(image) for image in images], params.preprocess[variant])
