"""Test-time augmentation: each test image in several views, rotated, shifted or zoomed; probabilities are averaged."""

import keras
import numpy as np

from gtsrb.augmentation.geometric import AffineDraws, warp
from gtsrb.config.evaluate import View
from gtsrb.networks import inference

VIEWED = 4 * inference.PREDICTION_BATCH  # images that are in memory in another view at a time


def predict(model: keras.Model, images: np.ndarray, views: list[View] | None) -> np.ndarray:
    """(n, size, size, channels) images -> (n, classes) float32 probabilities, averaged over `views`; None: without any."""
    if views is None or not len(images):
        return inference.predict(model, images)
    batches = (images[start : start + VIEWED] for start in range(0, len(images), VIEWED))
    return np.concatenate(
        [np.mean([inference.predict(model, apply_view(batch, view)) for view in views], axis=0) for batch in batches]
    )


def apply_view(images: np.ndarray, view: View) -> np.ndarray:
    """(n, size, size, channels) images -> the same shape and dtype, as seen in `view`.

    A zoom above 1 enlarges the sign; positive shifts move it right and down.
    """
    size = images.shape[1:3]
    one = np.ones(1)
    transform = AffineDraws(
        rotation=np.deg2rad(view.rotation) * one,
        shift_x=-view.shift_x * size[1] * one,
        shift_y=-view.shift_y * size[0] * one,
        shear=0 * one,
        zoom_x=one / view.zoom,
        zoom_y=one / view.zoom,
    )
    matrices = transform.matrices(size).repeat(len(images), axis=0)
    return warp(images, matrices, fill_mode="nearest", interpolation="bilinear")
