"""Changes of colour: each moves pixels as its formula says, within its range, and only the images that it draws."""

import cv2
import numpy as np
import pytest

from gtsrb.augmentation import photometric
from gtsrb.config.augmentation import Augmentation, Blur, ColorJitter, Cutout, Noise, RGBShift

IMAGES = np.random.default_rng(0).integers(0, 256, (64, 24, 24, 3), dtype=np.uint8)
FLOATS = (IMAGES / 255).astype(np.float32)
EVERYTHING = Augmentation(
    color_jitter=ColorJitter(brightness=0.3, contrast=0.3, saturation=0.3),
    rgb_shift=RGBShift(probability=0.5, offset=0.2),
    blur=Blur(probability=0.5, sigma=2.0),
    noise=Noise(probability=0.5, sigma=0.1),
    cutout=Cutout(probability=0.5, size=0.5),
)


def rng():
    return np.random.default_rng(1)


def change(images: np.ndarray, params: Augmentation) -> np.ndarray:
    return photometric.apply(images, photometric.draw(len(images), images.shape[1], params, rng()))


def changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return (before != after).any(axis=(1, 2, 3))


@pytest.mark.parametrize("name", ["color_jitter", "rgb_shift", "blur", "noise", "cutout"])
@pytest.mark.parametrize("images", [IMAGES, FLOATS], ids=["uint8", "float32"])
def test_each_moves_pixels_and_keeps_the_form(name, images):
    kept = images.copy()
    params = Augmentation(**{name: getattr(EVERYTHING, name)})
    out = change(images, params)
    assert (out.dtype, out.shape) == (images.dtype, images.shape)
    assert changed(images, out).mean() > 0.3
    assert 0 <= out.min() <= out.max() <= photometric.full_scale(images)
    assert (images == kept).all()
    assert (out == change(images, params)).all()


def test_uint8_is_float32_rounded():
    for name in ("color_jitter", "rgb_shift", "noise"):
        params = Augmentation(**{name: getattr(EVERYTHING, name)})
        ours, exact = (change(images, params) for images in (IMAGES, FLOATS))
        assert np.abs(ours - exact * 255).max() <= 1


def test_nothing_asked_nothing_done():
    assert (change(IMAGES, Augmentation()) == IMAGES).all()


def test_the_pictures_of_an_image_get_the_same_draws():
    both = change(np.concatenate([IMAGES, IMAGES[:, ::-1]], axis=3), EVERYTHING)
    assert (both[..., :3] == change(IMAGES, EVERYTHING)).all()
    assert (both[..., 3:] == change(IMAGES[:, ::-1], EVERYTHING)).all()
    assert (both[..., :3] != IMAGES).any()


@pytest.mark.parametrize(("name", "statistic"), [("brightness", "mean"), ("contrast", "std")])
def test_brightness_and_contrast_are_factors(name, statistic):
    grey = np.repeat(np.linspace(0.45, 0.55, 24 * 24).reshape(1, 24, 24, 1), 500, axis=0).repeat(3, axis=3).astype(np.float32)
    off = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0}
    out = photometric.jitter_color(grey, photometric.draw_color(500, ColorJitter(**off | {name: 0.5}), rng()))
    factors = getattr(out, statistic)(axis=(1, 2, 3)) / getattr(grey, statistic)(axis=(1, 2, 3))
    assert factors.min() == pytest.approx(0.5, abs=0.02)
    assert factors.max() == pytest.approx(1.5, abs=0.02)
    if name == "contrast":
        np.testing.assert_allclose(out.mean(axis=(1, 2, 3)), 0.5, atol=1e-4)  # about the mean, which stays


def test_saturation_keeps_grey_and_luma():
    params = ColorJitter(brightness=0.0, contrast=0.0, saturation=0.9)
    mild = 0.4 + FLOATS * 0.2  # far from clipping
    out = photometric.jitter_color(mild, photometric.draw_color(64, params, rng()))
    np.testing.assert_allclose(out @ photometric.LUMA, mild @ photometric.LUMA, atol=1e-5)
    assert np.abs(out - mild).max() > 0.05
    grey = np.full((4, 8, 8, 3), 0.3, np.float32)
    np.testing.assert_allclose(photometric.jitter_color(grey, photometric.draw_color(4, params, rng())), grey, atol=1e-6)


def test_tint_adds_a_constant_to_each_channel():
    grey = np.full((2000, 8, 8, 3), 0.5, np.float32)
    added = change(grey, Augmentation(rgb_shift=RGBShift(probability=0.25, offset=0.2))) - grey
    assert (added == added[:, :1, :1]).all()
    touched = (added[:, 0, 0] != 0).any(axis=1)
    assert touched.mean() == pytest.approx(0.25, abs=0.07)
    assert 0.18 < added.max() <= 0.2
    assert -0.2 <= added.min() < -0.18
    assert np.abs(np.corrcoef(added[touched, 0, 0].T) - np.eye(3)).max() < 0.3  # each channel its own


def test_blur_smooths_its_share_and_keeps_the_mean():
    out = photometric.blur(FLOATS, photometric.draw_blur(64, Blur(probability=0.5, sigma=3.0), rng()))
    touched = changed(FLOATS, out)
    assert 0.3 < touched.mean() < 0.7
    steps = [np.abs(np.diff(images, axis=2)).mean(axis=(1, 2, 3)) for images in (FLOATS, out)]
    assert (steps[1][touched] <= steps[0][touched]).all()
    assert steps[1][touched].mean() < 0.5 * steps[0][touched].mean()
    assert (out[~touched] == FLOATS[~touched]).all()
    one = photometric.blur(
        FLOATS[:1], photometric.draw_blur(1, Blur(probability=1.0, sigma=0.1), rng())
    )  # the least sigma is the greatest
    np.testing.assert_allclose(one[0], cv2.GaussianBlur(FLOATS[0], (0, 0), 0.1, borderType=cv2.BORDER_REPLICATE))


def test_noise_has_its_share_and_strength():
    grey = np.full((400, 16, 16, 3), 0.5, np.float32)
    out = change(grey, Augmentation(noise=Noise(probability=0.25, sigma=0.1)))
    deviations = (out - grey).std(axis=(1, 2, 3))
    assert (deviations > 0).mean() == pytest.approx(0.25, abs=0.07)
    assert 0.08 < deviations.max() < 0.12


def test_cutout_hides_a_square_of_one_colour():
    grey = np.full((300, 20, 20, 3), 0.5, np.float32)
    out = change(grey, Augmentation(cutout=Cutout(probability=0.5, size=0.5)))
    hidden = (out != grey).any(axis=3)
    assert 0.35 < hidden.any(axis=(1, 2)).mean() < 0.5  # of half of the images, some squares are smaller than a pixel
    assert hidden.sum(axis=(1, 2)).max() == 10 * 10
    for image, mask in zip(out, hidden, strict=True):
        assert len(np.unique(image[mask], axis=0)) <= 1
        rows, columns = mask.any(axis=1), mask.any(axis=0)
        assert (mask == rows[:, None] & columns).all()


def test_squares_have_their_sides_and_are_cut_at_the_border():
    squares = photometric.draw_squares(np.full(2000, 0.25), 16, rng())
    areas = squares.sum(axis=(1, 2))
    assert areas.max() == 4 * 4
    assert areas.min() >= 2 * 2
    assert np.abs(squares.mean(axis=0) - squares.mean()).max() < 0.05  # everywhere, less at the border
