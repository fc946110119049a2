"""Photometric changes: each follows its formula, stays within its range, and changes only the images that were drawn."""

import cv2
import numpy as np
import pytest

from gtsrb.augmentation import photometric
from gtsrb.augmentation.pixels import LUMA, full_scale
from gtsrb.config.augmentation import (
    Augmentation,
    Blur,
    ColorJitter,
    Cutout,
    MotionBlur,
    Noise,
    Posterize,
    RGBShift,
    Shadow,
)

IMAGES = np.random.default_rng(0).integers(0, 256, (64, 24, 24, 3), dtype=np.uint8)
FLOATS = (IMAGES / 255).astype(np.float32)
ALL_CHANGES = Augmentation(
    shadow=Shadow(probability=0.5, strength=0.8),
    color_jitter=ColorJitter(brightness=0.3, contrast=0.3, saturation=0.3),
    rgb_shift=RGBShift(probability=0.5, offset=0.2),
    blur=Blur(probability=0.5, sigma=2.0),
    motion_blur=MotionBlur(probability=0.5, length=0.3),
    noise=Noise(probability=0.5, sigma=0.1),
    posterize=Posterize(probability=0.5, levels=8),
    cutout=Cutout(probability=0.5, max_side=0.5),
)


def rng():
    return np.random.default_rng(1)


def apply(images: np.ndarray, params: Augmentation) -> np.ndarray:
    return photometric.apply(images, params, rng())


def changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return (before != after).any(axis=(1, 2, 3))


@pytest.mark.parametrize("name", ["shadow", "color_jitter", "rgb_shift", "blur", "motion_blur", "noise", "posterize", "cutout"])
@pytest.mark.parametrize("images", [IMAGES, FLOATS], ids=["uint8", "float32"])
def test_each_changes_pixels_and_keeps_shape_and_dtype(name, images):
    original = images.copy()
    params = Augmentation(**{name: getattr(ALL_CHANGES, name)})
    out = apply(images, params)
    assert (out.dtype, out.shape) == (images.dtype, images.shape)
    assert changed(images, out).mean() > 0.3
    assert 0 <= out.min() <= out.max() <= full_scale(images)
    assert (images == original).all()
    assert (out == apply(images, params)).all()


def test_uint8_results_are_those_of_float32_rounded():
    for name in ("shadow", "color_jitter", "rgb_shift", "noise"):
        params = Augmentation(**{name: getattr(ALL_CHANGES, name)})
        ours, exact = (apply(images, params) for images in (IMAGES, FLOATS))
        assert np.abs(ours - exact * 255).max() <= 1


def test_no_params_no_change():
    assert (apply(IMAGES, Augmentation()) == IMAGES).all()


# Contrast is about the mean of all triples, which a shadow before it would make another for the mirrored image.
@pytest.mark.parametrize("without", ["shadow", "color_jitter"])
def test_all_rgb_triples_of_an_image_get_the_same_draws(without):
    params = ALL_CHANGES.model_copy(update={without: None})
    both = apply(np.concatenate([IMAGES, IMAGES[:, ::-1]], axis=3), params)
    assert (both[..., :3] == apply(IMAGES, params)).all()
    assert (both[..., 3:] == apply(IMAGES[:, ::-1], params)).all()
    assert (both[..., :3] != IMAGES).any()


def test_a_shadow_has_one_straight_edge_and_darkens_one_side():
    white = np.ones((2000, 21, 21, 3), np.float32)
    out = apply(white, Augmentation(shadow=Shadow(probability=0.5, strength=0.6)))[..., 0]
    assert changed(white, out[..., None]).mean() == pytest.approx(0.5, abs=0.05)
    darkest = out.min(axis=(1, 2))
    assert darkest.min() == pytest.approx(0.4, abs=0.01)
    in_shadow = out == darkest[:, None, None]
    on_edge = (out < 1) & ~in_shadow
    assert on_edge.sum(axis=(1, 2)).max() <= 3 * 21
    shadowed = darkest < 1
    assert np.abs(in_shadow[shadowed].mean(axis=0) - in_shadow[shadowed].mean()).max() < 0.1  # on any side
    for mask in in_shadow[shadowed][:50]:  # convex: along each row and each column the shadow is one piece
        for lines in (mask, mask.T):
            assert (np.abs(np.diff(lines.astype(int), axis=1, prepend=0, append=0)).sum(axis=1) <= 2).all()


def test_motion_smears_a_point_along_a_line():
    """The line has the drawn length, goes through the point, keeps its light, and takes every direction."""
    point = np.zeros((2000, 31, 31, 3), np.float32)
    point[:, 15, 15] = 1
    out = apply(point, Augmentation(motion_blur=MotionBlur(probability=0.5, length=0.5)))[..., 0].astype(float)
    assert changed(point, out[..., None].astype(np.float32)).mean() == pytest.approx(0.5, abs=0.05)
    assert out.sum(axis=(1, 2)) == pytest.approx(1, abs=1e-5)
    away = np.arange(31) - 15
    rows, columns = (out.sum(axis=axis) for axis in (2, 1))
    assert np.abs(rows @ away).max() < 1e-4
    assert np.abs(columns @ away).max() < 1e-4
    right_down = np.einsum("nij,i,j->n", out, away, away)
    covariances = np.array([[columns @ away**2, right_down], [right_down, rows @ away**2]]).transpose(2, 0, 1)
    across, along = np.linalg.eigvalsh(covariances).T
    assert across.max() < 0.5
    assert np.sqrt(12 * along.max()) == pytest.approx(0.5 * 31, abs=1.5)  # a line of length L has variance L ** 2 / 12
    assert np.median(np.sqrt(12 * along[along > 0])) == pytest.approx(0.25 * 31, abs=1.0)
    assert (rows @ away**2)[along > 0].mean() == pytest.approx((columns @ away**2)[along > 0].mean(), rel=0.1)


def test_posterizing_leaves_few_levels():
    ramp = np.tile(np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1), (400, 1, 1, 3))
    out = apply(ramp, Augmentation(posterize=Posterize(probability=0.5, levels=4)))
    levels = np.array([len(np.unique(image)) for image in out])
    assert (levels < 256).mean() == pytest.approx(0.5, abs=0.08)
    assert levels.min() in (4, 5)
    assert (np.median(levels[levels < 256])) == pytest.approx(2 ** ((2 + 8) / 2), rel=0.3)
    assert np.abs(out.astype(int) - ramp).max() <= 255 / (levels.min() - 1) / 2 + 1
    assert set(np.unique(out[levels.argmin()])) >= {0, 255}


@pytest.mark.parametrize(("name", "statistic"), [("brightness", "mean"), ("contrast", "std")])
def test_brightness_and_contrast_are_factors(name, statistic):
    grey = np.repeat(np.linspace(0.45, 0.55, 24 * 24).reshape(1, 24, 24, 1), 500, axis=0).repeat(3, axis=3).astype(np.float32)
    off = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0}
    out = photometric.jitter_color(grey, photometric.draw_color_jitter(500, ColorJitter(**off | {name: 0.5}), rng()))
    factors = getattr(out, statistic)(axis=(1, 2, 3)) / getattr(grey, statistic)(axis=(1, 2, 3))
    assert factors.min() == pytest.approx(0.5, abs=0.02)
    assert factors.max() == pytest.approx(1.5, abs=0.02)
    if name == "contrast":
        np.testing.assert_allclose(out.mean(axis=(1, 2, 3)), 0.5, atol=1e-4)  # about the mean, which stays


def test_saturation_keeps_grey_and_luma():
    params = ColorJitter(brightness=0.0, contrast=0.0, saturation=0.9)
    mild = 0.4 + FLOATS * 0.2  # far from clipping
    out = photometric.jitter_color(mild, photometric.draw_color_jitter(64, params, rng()))
    np.testing.assert_allclose(out @ LUMA, mild @ LUMA, atol=1e-5)
    assert np.abs(out - mild).max() > 0.05
    grey = np.full((4, 8, 8, 3), 0.3, np.float32)
    np.testing.assert_allclose(photometric.jitter_color(grey, photometric.draw_color_jitter(4, params, rng())), grey, atol=1e-6)


def test_rgb_shift_adds_a_constant_to_each_channel():
    grey = np.full((2000, 8, 8, 3), 0.5, np.float32)
    added = apply(grey, Augmentation(rgb_shift=RGBShift(probability=0.25, offset=0.2))) - grey
    assert (added == added[:, :1, :1]).all()
    shifted = (added[:, 0, 0] != 0).any(axis=1)
    assert shifted.mean() == pytest.approx(0.25, abs=0.07)
    assert 0.18 < added.max() <= 0.2
    assert -0.2 <= added.min() < -0.18
    assert np.abs(np.corrcoef(added[shifted, 0, 0].T) - np.eye(3)).max() < 0.3  # channels are independent


def test_blur_smooths_the_drawn_images_and_no_others():
    out = photometric.blur(FLOATS, photometric.draw_blur(64, Blur(probability=0.5, sigma=3.0), rng()))
    blurred = changed(FLOATS, out)
    assert 0.3 < blurred.mean() < 0.7
    steps = [np.abs(np.diff(images, axis=2)).mean(axis=(1, 2, 3)) for images in (FLOATS, out)]
    assert (steps[1][blurred] <= steps[0][blurred]).all()
    assert steps[1][blurred].mean() < 0.5 * steps[0][blurred].mean()
    assert (out[~blurred] == FLOATS[~blurred]).all()


def test_blur_is_opencvs():
    sigmas = photometric.draw_blur(1, Blur(probability=1.0, sigma=0.1), rng())  # 0.1 is also the smallest sigma drawn
    blurred = photometric.blur(FLOATS[:1], sigmas)
    np.testing.assert_allclose(blurred[0], cv2.GaussianBlur(FLOATS[0], (0, 0), 0.1, borderType=cv2.BORDER_REPLICATE))


def test_noise_has_its_probability_and_standard_deviation():
    grey = np.full((400, 16, 16, 3), 0.5, np.float32)
    out = apply(grey, Augmentation(noise=Noise(probability=0.25, sigma=0.1)))
    deviations = (out - grey).std(axis=(1, 2, 3))
    assert (deviations > 0).mean() == pytest.approx(0.25, abs=0.07)
    assert 0.08 < deviations.max() < 0.12


def test_cutout_hides_a_square_of_one_colour():
    grey = np.full((300, 20, 20, 3), 0.5, np.float32)
    out = apply(grey, Augmentation(cutout=Cutout(probability=0.5, max_side=0.5)))
    hidden = (out != grey).any(axis=3)
    assert 0.35 < hidden.any(axis=(1, 2)).mean() < 0.5  # half of the images are drawn; some squares are smaller than a pixel
    assert hidden.sum(axis=(1, 2)).max() == 10 * 10
    for image, mask in zip(out, hidden, strict=True):
        assert len(np.unique(image[mask], axis=0)) <= 1
        rows, columns = mask.any(axis=1), mask.any(axis=0)
        assert (mask == rows[:, None] & columns).all()


def test_squares_have_the_given_side_and_are_cut_at_the_border():
    squares = photometric.draw_squares(np.full(2000, 0.25), 16, rng())
    areas = squares.sum(axis=(1, 2))
    assert areas.max() == 4 * 4
    assert areas.min() >= 2 * 2
    assert np.abs(squares.mean(axis=0) - squares.mean()).max() < 0.05  # equally often everywhere, somewhat less at the border
