"""Random changes to training images: drawn from params and a generator, applied to a whole batch at once.

All geometric changes are composed into one warp per image, so pixels are interpolated once; its affine part equals that of
Keras' legacy `ImageDataGenerator`, which the tutorial uses, for the same draws.
"""

import numpy as np

from gtsrb.augmentation import photometric
from gtsrb.augmentation.geometric import draw_affine, draw_perspective, flip, warp
from gtsrb.augmentation.mixing import cutmix, mixup
from gtsrb.config.augmentation import Augmentation


def augment(
    images: np.ndarray, targets: np.ndarray, params: Augmentation, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, size, size, channels), uint8 or float32, and targets (n, classes) float32 -> augmented, same shape and dtype.

    Every image has its own draws. An image may stack several RGB crops along its channels; they get the same draws.
    Where `params` has both mixup and CutMix, a batch gets one of them, each with probability 1/2, as in timm; `probability`
    is then the share of the batch's images that are mixed.
    """
    if params.flips:
        images, targets = flip(images, targets, params.flips, rng)
    if affine := params.affine:
        size = images.shape[1:3]
        matrices = draw_affine(len(images), size, affine, rng).matrices(size)
        if params.perspective:
            matrices = matrices @ draw_perspective(len(images), size, params.perspective, rng)
        images = warp(images, matrices, fill_mode=affine.fill_mode, interpolation=affine.interpolation)
    images = photometric.apply(images, params, rng)
    mixes = [(mix, block) for mix, block in ((mixup, params.mixup), (cutmix, params.cutmix)) if block]
    if mixes:
        mix, block = mixes[rng.integers(len(mixes))]
        images, targets = mix(images, targets, block, rng)
    return images, targets
