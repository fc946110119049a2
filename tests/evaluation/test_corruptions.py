"""Each corruption against its formula, and on images of any size."""

import cv2
import numpy as np
import pytest
from scipy import ndimage

from gtsrb.config.robustness import Severities
from gtsrb.evaluation.corruptions import CORRUPTIONS
from gtsrb.reporting.plots import UNITS

IMAGE = np.random.default_rng(0).integers(0, 256, (60, 50, 3), dtype=np.uint8)
SEVERE = {
    "blur": 6,
    "noise": 0.2,
    "darkening": 0.8,
    "contrast_loss": 0.8,
    "jpeg": 95,
    "occlusion": 0.4,
    "rotation": 30,
    "scale": 0.3,
    "translation": 0.2,
}


def corrupt(kind: str, severity: float, image: np.ndarray = IMAGE, *, seed: int = 1) -> np.ndarray:
    return CORRUPTIONS[kind](image, severity, np.random.default_rng(seed))


def test_each_corruption_has_its_severities_its_unit_and_a_test():
    assert set(CORRUPTIONS) == set(Severities.model_fields) == set(UNITS) == set(SEVERE)


@pytest.mark.parametrize("kind", CORRUPTIONS)
@pytest.mark.parametrize("size", [(15, 17), (60, 50), (120, 90)])
def test_images_of_any_size_change_and_keep_shape_and_dtype(kind, size):
    image = np.random.default_rng(2).integers(0, 256, (*size, 3), dtype=np.uint8)
    original, out = image.copy(), corrupt(kind, SEVERE[kind], image)
    assert (out.dtype, out.shape) == (np.uint8, image.shape)
    assert (out != image).any() and (image == original).all()
    assert (out == corrupt(kind, SEVERE[kind], image)).all()  # same draws, same image


@pytest.mark.parametrize("kind", sorted(set(CORRUPTIONS) - {"blur", "jpeg"}))
def test_severity_0_changes_nothing(kind):
    assert (corrupt(kind, 0.0) == IMAGE).all()


def test_blur_is_gaussian_in_percent_of_the_shorter_side():
    expected = ndimage.gaussian_filter(IMAGE.astype(float), (2, 2, 0), mode="nearest", truncate=4)
    assert np.abs(corrupt("blur", 4) - expected).max() < 2  # 4 % of 50 pixels


def test_noise_has_the_given_standard_deviation():
    grey = np.full((200, 200, 3), 128, np.uint8)
    noise = corrupt("noise", 0.1, grey) - 128.0
    assert noise.std() == pytest.approx(25.5, rel=0.01) and noise.mean() == pytest.approx(0, abs=0.3)  # 120,000 draws
    assert (corrupt("noise", 0.1, grey, seed=2) - 128.0 != noise).any()


def test_darkening_and_contrast_loss_change_grey_levels():
    halves = np.full((10, 10, 3), 40, np.uint8)
    halves[5:] = 200
    assert np.unique(corrupt("darkening", 0.75, halves)).tolist() == [10, 50]
    assert np.unique(corrupt("contrast_loss", 0.75, halves)).tolist() == [100, 140]


@pytest.mark.parametrize("color", [(200, 30, 40), (30, 60, 200)], ids=["red", "blue"])
@pytest.mark.parametrize("severity", [10, 70, 85])
def test_jpeg_equals_another_codec_and_keeps_the_colour(color, severity):
    """With red and blue swapped the result would be coarser: JPEG keeps blue less precisely than red and green."""
    rows, columns = np.meshgrid(np.linspace(-1, 1, 61), np.linspace(-1, 1, 50), indexing="ij")
    image = np.where((rows**2 + columns**2 < 0.5)[..., None], 240, np.array(color)).astype(np.uint8)
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 100 - severity])
    expected = cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    out = corrupt("jpeg", severity, image)
    assert np.abs(out.astype(int) - expected).max() <= 3
    assert out.mean(axis=(0, 1)) == pytest.approx(image.mean(axis=(0, 1)), abs=4)


def test_occlusion_is_a_grey_square_inside_the_image():
    black, white = (corrupt("occlusion", 0.4, np.full((60, 50, 3), level, np.uint8)) for level in (0, 255))
    grey = (black == 128).all(axis=2)
    assert (black[~grey] == 0).all() and (white[grey] == 128).all() and (white[~grey] == 255).all()
    assert sorted({int(grey.sum(axis=axis).max()) for axis in (0, 1)}) == [20] and grey.sum() == 20 * 20


def test_rotation_is_by_the_given_angle_to_either_side():
    square = IMAGE[:50]
    rotated = [corrupt("rotation", 90, square, seed=seed) for seed in range(8)]
    quarter_turns = [next(k for k in (1, 3) if (np.rot90(square, k) == image).all()) for image in rotated]
    assert set(quarter_turns) == {1, 3}


def test_scale_shrinks_or_enlarges_about_the_centre():
    ramp = np.broadcast_to(np.arange(51, dtype=np.uint8)[:, None, None] * 4, (51, 51, 3)).copy()
    for seed in range(8):
        out = corrupt("scale", 0.25, ramp, seed=seed)[:, 25, 0].astype(float)
        assert out[25] == 100
        assert out[35] - 100 == pytest.approx(40 / (1.25 if out[35] < 140 else 0.75), abs=1)
    assert {bool(corrupt("scale", 0.25, ramp, seed=seed)[35, 25, 0] < 140) for seed in range(8)} == {True, False}


def test_translation_is_by_a_share_of_each_side_and_repeats_the_border():
    corners = {(y, x) for y in (0, 12) for x in (0, 10)}
    padded, directions = np.pad(IMAGE, ((6, 6), (5, 5), (0, 0)), mode="edge"), set()
    for seed in range(16):
        shifted = corrupt("translation", 0.1, seed=seed)
        directions |= {(y, x) for y, x in corners if (padded[y : y + 60, x : x + 50] == shifted).all()}
    assert directions == corners
