"""Two images become one, and so do their targets: mixup and CutMix."""

import numpy as np

from gtsrb.augmentation import photometric
from gtsrb.config.augmentation import Mix


def mixup(images: np.ndarray, targets: np.ndarray, params: Mix, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Zhang et al. 2018: an image and target become share * own + (1 - share) * another's; share ~ Beta(alpha, alpha)."""
    partner, share = _partners(len(images), params, rng)
    mixed = photometric.cast_pixels(
        images * share[:, None, None, None] + images[partner] * (1 - share[:, None, None, None]), images.dtype
    )
    return mixed, targets * share[:, None] + targets[partner] * (1 - share[:, None])


def cutmix(images: np.ndarray, targets: np.ndarray, params: Mix, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Yun et al. 2019: a box of another image is pasted in; targets are mixed by area; Beta(alpha, alpha) of it stays."""
    partner, share = _partners(len(images), params, rng)
    inside = photometric.draw_squares(np.sqrt(1 - share), images.shape[1], rng)
    mixed = np.where(inside[..., None], images[partner], images)
    share = 1 - inside.mean(axis=(1, 2), dtype=np.float32)
    return mixed, targets * share[:, None] + targets[partner] * (1 - share[:, None])


def _partners(n: int, params: Mix, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(n,) partner's row, and (n,) float32 share kept of each image; 1 where it is left alone."""
    partner = rng.permutation(n)
    share = rng.beta(params.alpha, params.alpha, n)
    return partner, np.where(rng.random(n) < params.probability, share, 1).astype(np.float32)
