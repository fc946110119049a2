"""Muon on kernels of any rank: an orthogonal update, scaled as Keras scales that of dense kernels."""

import keras
import numpy as np
import pytest

from gtsrb.training.muon import Muon


def take_step(optimizer: keras.optimizers.Optimizer, value: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """The update that one step makes to a variable of this value."""
    variable = keras.Variable(value, name="kernel")
    optimizer.apply([gradient], [variable])
    return np.asarray(variable) - value


def draw(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


@pytest.mark.parametrize("shape", [(3, 3, 4, 8), (1, 1, 4, 16)])
def test_a_convolution_is_updated_as_the_matrix_of_its_inputs_and_outputs(shape):
    value, gradient, matrix = draw(*shape), draw(*shape) + 1, (-1, shape[-1])
    as_convolution = take_step(Muon(learning_rate=0.1), value, gradient)
    as_dense = take_step(keras.optimizers.Muon(learning_rate=0.1), value.reshape(matrix), gradient.reshape(matrix))
    np.testing.assert_allclose(as_convolution.reshape(matrix), as_dense, atol=1e-6)


def test_the_update_is_nearly_orthogonal():
    update = take_step(Muon(learning_rate=1.0, rms_rate=1.0), np.zeros((3, 3, 4, 8), "float32"), draw(3, 3, 4, 8))
    scale = np.linalg.svd(update.reshape(36, 8), compute_uv=False) / 6  # sqrt of the longer side
    assert scale.min() > 0.5
    assert scale.max() < 1.3  # five Newton-Schulz iterations end between 0.7 and 1.2 (Jordan et al. 2024)


def test_vectors_are_updated_as_by_adam():
    update = take_step(
        Muon(learning_rate=0.1, adam_weight_decay=None), np.ones(4, "float32"), np.array([1, -1, 10, -10], "float32")
    )
    np.testing.assert_allclose(update, [-0.1, 0.1, -0.1, 0.1], rtol=1e-4)
