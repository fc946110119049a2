"""Resizing: exact sums, so that every processor gives the same bytes, and the weights that make them exact."""

import numpy as np
import pytest

from gtsrb.config.preprocess import Variant
from gtsrb.preprocessing.crop import MAX_SIDE
from gtsrb.preprocessing.resize import resize_image, resize_matrix


def resize_in_integers(image: np.ndarray, variant: Variant) -> np.ndarray:
    """`resize_image` in int64, exact in any order of summation, rounding halves to even."""
    height, width, channels = image.shape
    options = (variant.size, variant.interpolation_order, variant.mode, variant.anti_aliasing)
    rows, columns = (
        (resize_matrix(side, n_channels, *options) * 2**24).astype(np.int64)
        for side, n_channels in ((height, 1), (width, channels))
    )
    steps = np.rint(image * 2.0**16).astype(np.int64)
    products = rows @ steps.reshape(height, width * channels)
    rounded, remainder = products >> 24, products & (2**24 - 1)
    rounded += (remainder > 2**23) | ((remainder == 2**23) & (rounded % 2 == 1))
    out = (rounded @ columns.T).reshape(variant.size, variant.size, channels)
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
def test_sums_are_exact_and_so_independent_of_their_order(params, change):
    """Processors add in different orders. Each image in integer levels, and in fractional ones as after equalisation."""
    variant = params.preprocess["plain"].model_copy(update=change)
    rng = np.random.default_rng(0)
    half_black = np.full((40, 40, 3), 200, np.uint8)
    half_black[:20] = 0
    shapes_and_levels = (((43, 52, 3), 256), ((4, 5, 3), 256), ((161, 30, 3), 256), ((35, 35, 3), 12))
    noise = [rng.integers(0, levels, shape, np.uint8) for shape, levels in shapes_and_levels]
    for image in (half_black, *noise):
        for levels in (image, rng.uniform(0, 255, image.shape)):
            assert (resize_image(levels, variant) == resize_in_integers(levels, variant)).all()


@pytest.mark.parametrize("order", range(6))
@pytest.mark.parametrize("mode", ["constant", "edge", "symmetric", "reflect", "wrap"])
def test_absolute_weights_add_up_to_less_than_2(order, mode):
    """The exactness of the sums in `resize_image` follows from it."""
    for anti_aliasing in (False, True):
        for side in (2, 3, 7, 48, 100, MAX_SIDE):
            for size in (8, 31, 48, 97):
                weights = resize_matrix.__wrapped__(side, 1, size, order, mode, anti_aliasing)
                assert np.abs(weights).sum(axis=1).max() < 2


def test_mode_constant_darkens_the_border_of_an_enlarged_image():
    """The tutorial's `mode: constant` mixes black into the outermost pixels."""
    weights = resize_matrix(24, 1, 48, 1, "constant", False).sum(axis=1)
    assert weights[0] == weights[-1] == pytest.approx(0.75)
    assert weights[1:-1] == pytest.approx(1)
