"""Test-time augmentation: each test image in several views, turned, shifted or zoomed; probabilities are averaged."""

import keras
import numpy as np

from gtsrb.augmentation.geometric import AffineDraws, warp
from gtsrb.config.augmentation import Affine
from gtsrb.config.evaluate import View
from gtsrb.networks import inference

IDENTITY = {"rotation": 0.0, "width_shift": 0.0, "height_shift": 0.0, "shear": 0.0, "zoom": 0.0}
WARP = Affine(**IDENTITY, fill_mode="nearest", interpolation="bilinear")


def predict(model: keras.Model, images: np.ndarray, views: list[View] | None) -> np.ndarray:
    """(n, size, size, 3) images -> (n, classes) float32 probabilities, averaged over `views`; None: of the image as it is."""
    if views is None:
        return inference.predict(model, images)
    return np.mean([inference.predict(model, apply_view(images, view)) for view in views], axis=0)


def apply_view(images: np.ndarray, view: View, chunk: int = 1024) -> np.ndarray:
    """(n, size, size, 3) images -> the same in one view: zoom above 1 enlarges the sign, shifts move it right and down."""
    size = images.shape[1:3]
    one = np.ones(1)
    change = AffineDraws(
        rotation=np.deg2rad(view.rotation) * one,
        shift_x=-view.shift_x * size[1] * one,
        shift_y=-view.shift_y * size[0] * one,
        shear=0 * one,
        zoom_x=one / view.zoom,
        zoom_y=one / view.zoom,
    )
    (matrix,) = change.matrices(size)
    parts = (images[start : start + chunk] for start in range(0, len(images), chunk))
    return np.concatenate([warp(part, np.repeat(matrix[None], len(part), axis=0), WARP) for part in parts])
