"""Random changes to training images: drawn from params and a generator, applied to a whole batch at once.

Everything that moves pixels is composed into one warp an image, so one interpolation; its affine part equals that of Keras'
legacy `ImageDataGenerator`, the tutorial's, for the same draws. What changes colours is in `photometric.py`.
"""

import numpy as np

from gtsrb.augmentation import photometric
from gtsrb.augmentation.geometric import draw_affine, draw_perspective, flip, warp
from gtsrb.augmentation.mixing import cutmix, mixup
from gtsrb.config.augmentation import Augmentation


def augment(
    images: np.ndarray, targets: np.ndarray, params: Augmentation, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, size, size, channels), uint8 or float32, and targets (n, classes) float32 -> the same, changed.

    Each image has its own draws. Three channels are a picture; if an image has several, they change alike.
    Of mixup and CutMix a batch has one, either with probability 1/2 where `params` has both, as in timm; which of its images
    are mixed is drawn with that one's own `probability`.
    """
    if params.flips:
        images, targets = flip(images, targets, params.flips, rng)
    if params.affine:
        size = images.shape[1:3]
        matrices = draw_affine(len(images), size, params.affine, rng).matrices(size)
        if params.perspective:
            matrices = matrices @ draw_perspective(len(images), size, params.perspective, rng)
        images = warp(images, matrices, params.affine)
    images = photometric.apply(images, photometric.draw(len(images), images.shape[1], params, rng))
    mixes = [(mix, block) for mix, block in ((mixup, params.mixup), (cutmix, params.cutmix)) if block]
    if mixes:
        mix, block = mixes[rng.integers(len(mixes))]
        images, targets = mix(images, targets, block, rng)
    return images, targets
