"""The rate of every step against its closed form, and the update against the formula of SGD."""

import keras
import numpy as np
import pytest

from gtsrb import optimisation


def rates(optimizer: keras.optimizers.Optimizer, steps: list[int]) -> np.ndarray:
    out = []
    for step in steps:
        optimizer.iterations.assign(step)
        out.append(float(optimizer.learning_rate))
    return np.array(out)


def test_the_tutorials_rate(params):
    recipe = params.train["baseline"]
    optimizer = optimisation.build(recipe.optimizer, recipe.schedule, steps_per_epoch=981)
    steps = [0, 1, 980, 981, 9809, 9810, 9811, 19619, 19620, 29429]
    closed_form = [0.01 * 0.1 ** (step // 981 // 10) / (1 + 1e-6 * step) for step in steps]
    np.testing.assert_allclose(rates(optimizer, steps), closed_form, rtol=1e-6)


def test_the_decay_works(params):
    recipe = params.train["baseline"]
    schedule = recipe.schedule.model_copy(update={"decay": 0.01, "factor": 1.0})
    optimizer = optimisation.build(recipe.optimizer, schedule, steps_per_epoch=10)
    np.testing.assert_allclose(rates(optimizer, [0, 100, 300]), [0.01, 0.005, 0.0025], rtol=1e-6)


def test_every_and_factor(params):
    recipe = params.train["baseline"]
    schedule = recipe.schedule.model_copy(update={"decay": 0.0, "factor": 0.5, "every": 2})
    optimizer = optimisation.build(recipe.optimizer, schedule, steps_per_epoch=10)
    np.testing.assert_allclose(rates(optimizer, [19, 20, 39, 40]), [0.01, 0.005, 0.005, 0.0025], rtol=1e-6)


def test_no_schedule_is_a_constant_rate(params):
    optimizer = optimisation.build(params.train["baseline"].optimizer, None, steps_per_epoch=10)
    assert rates(optimizer, [0, 10_000]) == pytest.approx(0.01)


@pytest.mark.parametrize("nesterov", [True, False])
def test_sgd_with_momentum(params, nesterov):
    """v <- m v - rate g; w <- w + v, or w + m v - rate g with Nesterov's momentum (Keras' form)."""
    settings = params.train["baseline"].optimizer.model_copy(update={"nesterov": nesterov, "momentum": 0.9})
    optimizer = optimisation.build(settings, None, steps_per_epoch=10)
    variable = keras.Variable([1.0])
    w, v = 1.0, 0.0
    for gradient in (1.0, -2.0, 0.5):
        optimizer.apply([np.array([gradient], "float32")], [variable])
        v = 0.9 * v - 0.01 * gradient
        w += 0.9 * v - 0.01 * gradient if nesterov else v
        assert float(variable[0]) == pytest.approx(w, rel=1e-6)
