"""Mixup and CutMix: targets are mixed in the proportion of the images."""

import numpy as np
import pytest

from gtsrb.augmentation.mixing import cutmix, mixup
from gtsrb.config.augmentation import Mix


@pytest.mark.parametrize("mix", [mixup, cutmix])
def test_targets_are_mixed_as_the_images_are(mix):
    """Every class is one shade of grey, so the mean of a mixed image shows the shares of its two classes."""
    labels, params = np.arange(32), Mix(probability=0.7, alpha=1.0)
    images = np.broadcast_to((labels / 31)[:, None, None, None], (32, 16, 16, 3)).astype(np.float32)
    before = np.eye(43, dtype="float32")[labels]
    mixed, targets = mix(images, before, params, np.random.default_rng(0))
    np.testing.assert_allclose(mixed.mean(axis=(1, 2, 3)), targets[:, :32] @ (labels / 31), atol=1e-5)
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
    assert (mixed.dtype, targets.dtype) == (np.float32, np.float32)
    assert 0.3 < (targets.max(axis=1) < 1).mean() <= 0.9
    mixed_uint8, _ = mix((images * 255).astype(np.uint8), before, params, np.random.default_rng(0))
    assert mixed_uint8.dtype == np.uint8
    assert np.abs(mixed_uint8 - mixed * 255).max() <= 1
