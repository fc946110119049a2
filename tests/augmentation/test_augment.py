"""How the changes are combined: all geometric ones in one warp, one kind of mixing per batch, none where params have none."""

import numpy as np
import pytest

from gtsrb.augmentation.augment import augment
from gtsrb.augmentation.geometric import draw_affine, draw_perspective, warp
from gtsrb.config.augmentation import Affine, Augmentation, Mix, Perspective

AFFINE = Affine(
    rotation=10.0, width_shift=0.1, height_shift=0.1, shear=5.73, zoom=0.2, fill_mode="reflect", interpolation="bilinear"
)
TARGETS = np.eye(43, dtype="float32")[np.arange(32)]
IMAGES = np.random.default_rng(0).integers(0, 256, (32, 48, 48, 3), dtype=np.uint8)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_ranges_of_zero_change_nothing(interpolation):
    zero = dict.fromkeys(("rotation", "width_shift", "height_shift", "shear", "zoom"), 0.0)
    params = Augmentation(affine=AFFINE.model_copy(update=zero | {"interpolation": interpolation}))
    images, targets = augment(IMAGES, TARGETS, params, np.random.default_rng(0))
    assert (images == IMAGES).all()
    assert (targets == TARGETS).all()


def test_no_params_no_change():
    images, targets = augment(IMAGES, TARGETS, Augmentation(), np.random.default_rng(0))
    assert (images == IMAGES).all() and (targets == TARGETS).all()


def test_same_seed_same_images():
    params = Augmentation(affine=AFFINE)
    first, again, other = (augment(IMAGES, TARGETS, params, np.random.default_rng(seed))[0] for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


def test_affine_and_perspective_are_one_warp():
    params = Augmentation(affine=AFFINE, perspective=Perspective(corner_shift=0.1))
    rng = np.random.default_rng(0)
    affine = draw_affine(32, (48, 48), AFFINE, rng).matrices((48, 48))
    matrices = affine @ draw_perspective(32, (48, 48), params.perspective, rng)
    expected = warp(IMAGES, matrices, fill_mode="reflect", interpolation="bilinear")
    assert (augment(IMAGES, TARGETS, params, np.random.default_rng(0))[0] == expected).all()
    without_perspective = augment(IMAGES, TARGETS, Augmentation(affine=AFFINE), np.random.default_rng(0))[0]
    assert (without_perspective != expected).any()
    assert np.abs(matrices[:, 2, :2]).max() > 1e-4  # parallel lines do not stay parallel


def test_a_batch_gets_mixup_or_cutmix_with_equal_probability():
    """Of images of one colour, mixup makes images of one new colour, CutMix images of the old colours."""
    images = np.ascontiguousarray(np.broadcast_to(np.linspace(0, 1, 8, dtype="float32")[:, None, None, None], (8, 16, 16, 3)))
    params = Augmentation(mixup=Mix(probability=1, alpha=1), cutmix=Mix(probability=1, alpha=1))
    mixup_batches = 0
    for seed in range(200):
        mixed, _ = augment(images, np.eye(8, dtype="float32"), params, np.random.default_rng(seed))
        has_one_color = (mixed == mixed[:, :1, :1, :1]).all()
        has_old_colors = np.isin(mixed, images).all()
        assert has_one_color != has_old_colors
        mixup_batches += has_one_color
    assert 80 <= mixup_batches <= 120  # three standard deviations
