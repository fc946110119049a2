"""Predicts class probabilities of images."""

import keras
import numpy as np

from gtsrb import device
from gtsrb.config.train import Recipe
from gtsrb.data.arrays import Images
from gtsrb.progress import say

PREDICTION_BATCH = 256  # changes the speed, not the results


def set_up_device(recipe: Recipe) -> None:
    """Sets up this process to predict with networks of the recipe, on all cores, and says on what; as `device.set_up`."""
    machine = device.set_up(
        recipe.device, precision=recipe.precision, seed=recipe.seed, deterministic=recipe.deterministic, threads=None
    )
    say(f"{machine}, {recipe.precision}")


def predict(model: keras.Model, images: Images) -> np.ndarray:
    """(n, size, size, channels) images, also none -> (n, classes) float32 probabilities."""
    if not len(images):
        return np.zeros((0, model.output_shape[1]), np.float32)
    starts = range(0, len(images), PREDICTION_BATCH)  # `model.predict` would wait for tf.data's autotuning at its end
    return np.concatenate([model.predict_on_batch(images[start : start + PREDICTION_BATCH]) for start in starts])
