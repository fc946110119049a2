"""Predicts class probabilities of images."""

import keras
import numpy as np

from gtsrb.data.arrays import Images

PREDICTION_BATCH = 256  # changes the speed, not the results


def predict(model: keras.Model, images: Images) -> np.ndarray:
    """(n, size, size, channels) images, also none -> (n, classes) float32 probabilities."""
    if not len(images):
        return np.zeros((0, model.output_shape[1]), np.float32)
    starts = range(0, len(images), PREDICTION_BATCH)  # `model.predict` would wait for tf.data's autotuning at its end
    return np.concatenate([model.predict_on_batch(images[start : start + PREDICTION_BATCH]) for start in starts])
