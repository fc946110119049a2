"""Mixes pairs of images and their targets: mixup and CutMix."""

import numpy as np

from gtsrb.augmentation.photometric import draw_squares
from gtsrb.augmentation.pixels import cast_pixels
from gtsrb.config.augmentation import Mix


def mixup(images: np.ndarray, targets: np.ndarray, params: Mix, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Zhang et al. 2018: image and target become share * itself + (1 - share) * its partner; share ~ Beta(alpha, alpha).

    Images (n, size, size, channels), uint8 or float32, and targets (n, classes) float32, and so the result.
    """
    partner, share = _draw_partners(len(images), params, rng)
    mixed = cast_pixels(images * share[:, None, None, None] + images[partner] * (1 - share[:, None, None, None]), images.dtype)
    return mixed, targets * share[:, None] + targets[partner] * (1 - share[:, None])


def cutmix(images: np.ndarray, targets: np.ndarray, params: Mix, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Yun et al. 2019: a square of the partner is pasted in, and targets are mixed by area; shapes and dtypes as in `mixup`.

    The share of the image that remains is drawn from Beta(alpha, alpha), before the square is cut at the border.
    """
    partner, share = _draw_partners(len(images), params, rng)
    inside = draw_squares(np.sqrt(1 - share), images.shape[1], rng)
    mixed = np.where(inside[..., None], images[partner], images)
    share = 1 - inside.mean(axis=(1, 2), dtype=np.float32)
    return mixed, targets * share[:, None] + targets[partner] * (1 - share[:, None])


def _draw_partners(n: int, params: Mix, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(n,) row of each image's partner, and (n,) float32 share that the image itself keeps; 1 leaves it unmixed."""
    partner = rng.permutation(n)
    share = rng.beta(params.alpha, params.alpha, n)
    return partner, np.where(rng.random(n) < params.probability, share, 1).astype(np.float32)
