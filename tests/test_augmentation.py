"""The warp against Keras' legacy ImageDataGenerator, the tutorial's; the draws against their ranges."""

import numpy as np
import pytest
from keras.src.legacy.preprocessing.image import ImageDataGenerator

from gtsrb.augmentation import augment, draw_affine, warp
from gtsrb.params import Affine, Augmentation

TUTORIAL = {
    "rotation": 10.0,
    "width_shift": 0.1,
    "height_shift": 0.1,
    "shear": 5.73,
    "zoom": 0.2,
    "fill_mode": "nearest",
    "interpolation": "nearest",
}
IMAGES = np.random.default_rng(0).integers(0, 256, (32, 48, 48, 3), dtype=np.uint8)


def legacy(images: np.ndarray, draws, params: Affine) -> np.ndarray:
    """The same draws through `ImageDataGenerator.apply_transform`, image by image."""
    order = {"nearest": 0, "bilinear": 1}[params.interpolation]
    keras_generator = ImageDataGenerator(fill_mode=params.fill_mode, interpolation_order=order)
    out = []
    for i, image in enumerate(images):
        transform = {
            "theta": np.rad2deg(draws.rotation[i]),
            "tx": draws.shift_x[i],
            "ty": draws.shift_y[i],
            "shear": np.rad2deg(draws.shear[i]),
            "zx": draws.zoom_x[i],
            "zy": draws.zoom_y[i],
        }
        out.append(keras_generator.apply_transform(image.astype(np.float32), transform))
    return np.stack(out)


@pytest.mark.filterwarnings("ignore:Please import `affine_transform`:DeprecationWarning")  # Keras' own import
@pytest.mark.parametrize("fill_mode", ["nearest", "reflect", "constant"])
@pytest.mark.parametrize(("interpolation", "tolerance"), [("nearest", 0), ("bilinear", 1e-3)])
@pytest.mark.parametrize("size", [(48, 48), (33, 33)])
def test_warp_equals_the_legacy_generator(fill_mode, interpolation, tolerance, size):
    params = Affine(**TUTORIAL | {"fill_mode": fill_mode, "interpolation": interpolation, "rotation": 40.0})
    images = IMAGES[:, : size[0], : size[1]].astype(np.float32)
    draws = draw_affine(len(images), size, params, np.random.default_rng(1))
    ours = warp(images, draws.matrices(size), params)
    theirs = legacy(images, draws, params)
    assert ours.dtype == np.float32
    assert np.abs(ours - theirs).max() <= tolerance
    assert np.abs(ours - images).mean() > 10  # it does move


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_uint8_images_stay_uint8_and_are_rounded(interpolation):
    params = Affine(**TUTORIAL | {"interpolation": interpolation})
    matrices = draw_affine(len(IMAGES), (48, 48), params, np.random.default_rng(1)).matrices((48, 48))
    ours = warp(IMAGES, matrices, params)
    assert ours.dtype == np.uint8
    assert np.abs(ours - warp(IMAGES.astype(np.float32), matrices, params)).max() <= 0.5


def test_draws_fill_their_ranges_and_no_more():
    draws = draw_affine(20_000, (48, 40), Affine(**TUTORIAL), np.random.default_rng(0))
    ranges = {
        "rotation": (-np.deg2rad(10), np.deg2rad(10)),
        "shift_y": (-4.8, 4.8),
        "shift_x": (-4.0, 4.0),
        "shear": (-0.1, 0.1),  # the tutorial's, in radians
        "zoom_y": (0.8, 1.2),
        "zoom_x": (0.8, 1.2),
    }
    for name, (low, high) in ranges.items():
        values = getattr(draws, name)
        assert low * 1.001 - 1e-3 <= values.min() < low + (high - low) * 0.001, name
        assert high - (high - low) * 0.001 < values.max() <= high * 1.001 + 1e-3, name
    assert abs(np.corrcoef(draws.zoom_y, draws.zoom_x)[0, 1]) < 0.05  # each axis its own


def test_identity_changes_nothing():
    still = TUTORIAL | dict.fromkeys(("rotation", "width_shift", "height_shift", "shear", "zoom"), 0.0)
    for interpolation in ("nearest", "bilinear"):
        params = Augmentation(affine=Affine(**still | {"interpolation": interpolation}))
        assert (augment(IMAGES, params, np.random.default_rng(0)) == IMAGES).all()


def test_absent_means_off_and_same_seed_means_same_images():
    assert augment(IMAGES, Augmentation(), np.random.default_rng(0)) is IMAGES
    params = Augmentation(affine=Affine(**TUTORIAL))
    first, again, other = (augment(IMAGES, params, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()
