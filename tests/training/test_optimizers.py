"""The rate of every step against its closed form, and the update against the formula of SGD."""

import keras
import numpy as np
import pytest

from gtsrb.config.params import parse
from gtsrb.config.train import Cosine, OneCycle, Optimizer, ReduceOnPlateau
from gtsrb.errors import InputError
from gtsrb.training.optimizers import build_optimizer


def rates(optimizer: keras.optimizers.Optimizer, steps: list[int]) -> np.ndarray:
    out = []
    for step in steps:
        optimizer.iterations.assign(step)
        out.append(float(optimizer.learning_rate))
    return np.array(out)


def test_the_tutorials_rate(params):
    recipe = params.train["baseline"]
    optimizer = build_optimizer(recipe.optimizer, recipe.schedule, steps_per_epoch=981, epochs=30)
    steps = [0, 1, 980, 981, 9809, 9810, 9811, 19619, 19620, 29429]
    closed_form = [0.01 * 0.1 ** (step // 981 // 10) / (1 + 1e-6 * step) for step in steps]
    np.testing.assert_allclose(rates(optimizer, steps), closed_form, rtol=1e-6)


def test_the_decay_works(params):
    recipe = params.train["baseline"]
    schedule = recipe.schedule.model_copy(update={"decay": 0.01, "factor": 1.0})
    optimizer = build_optimizer(recipe.optimizer, schedule, steps_per_epoch=10, epochs=30)
    np.testing.assert_allclose(rates(optimizer, [0, 100, 300]), [0.01, 0.005, 0.0025], rtol=1e-6)


def test_every_and_factor(params):
    recipe = params.train["baseline"]
    schedule = recipe.schedule.model_copy(update={"decay": 0.0, "factor": 0.5, "every": 2})
    optimizer = build_optimizer(recipe.optimizer, schedule, steps_per_epoch=10, epochs=30)
    np.testing.assert_allclose(rates(optimizer, [19, 20, 39, 40]), [0.01, 0.005, 0.005, 0.0025], rtol=1e-6)


def test_no_schedule_is_a_constant_rate(params):
    optimizer = build_optimizer(params.train["baseline"].optimizer, None, steps_per_epoch=10, epochs=30)
    assert rates(optimizer, [0, 10_000]) == pytest.approx(0.01)


@pytest.mark.parametrize("nesterov", [True, False])
def test_sgd_with_momentum(params, nesterov):
    """v <- m v - rate g; w <- w + v, or w + m v - rate g with Nesterov's momentum (Keras' form)."""
    settings = params.train["baseline"].optimizer.model_copy(update={"nesterov": nesterov, "momentum": 0.9})
    optimizer = build_optimizer(settings, None, steps_per_epoch=10, epochs=30)
    variable = keras.Variable([1.0])
    w, v = 1.0, 0.0
    for gradient in (1.0, -2.0, 0.5):
        optimizer.apply([np.array([gradient], "float32")], [variable])
        v = 0.9 * v - 0.01 * gradient
        w += 0.9 * v - 0.01 * gradient if nesterov else v
        assert float(variable[0]) == pytest.approx(w, rel=1e-6)


@pytest.mark.parametrize("warmup", [0.0, 0.2])
def test_cosine(params, warmup):
    """A linear warm-up to the rate, then half a cosine down to `final` of it at the last step."""
    schedule = Cosine(name="cosine", warmup=warmup, final=0.1)
    optimizer = build_optimizer(params.train["baseline"].optimizer, schedule, steps_per_epoch=10, epochs=10)
    steps = np.array([0, 1, 10, 19, 20, 21, 50, 99, 100])
    top = warmup * 100
    down = 0.1 + 0.9 * (1 + np.cos(np.pi * (steps - top) / (100 - top))) / 2
    closed_form = 0.01 * np.where(steps < top, steps / max(top, 1), down)
    np.testing.assert_allclose(rates(optimizer, steps), closed_form, rtol=1e-5)


@pytest.mark.parametrize("warmup", [0.0, 0.3])
def test_one_cycle(params, warmup):
    schedule = OneCycle(name="one_cycle", initial=0.04, warmup=warmup, final=0.001)
    optimizer = build_optimizer(params.train["baseline"].optimizer, schedule, steps_per_epoch=10, epochs=10)
    steps = np.array([0, 1, 15, 29, 30, 31, 65, 99, 100])
    top = warmup * 100
    up = 0.04 + 0.96 * (1 - np.cos(np.pi * steps / max(top, 1))) / 2
    down = 0.001 + 0.999 * (1 + np.cos(np.pi * (steps - top) / (100 - top))) / 2
    np.testing.assert_allclose(rates(optimizer, steps), 0.01 * np.where(steps < top, up, down), rtol=1e-4)


def test_a_plateau_is_watched_from_a_constant_rate(params):
    schedule = ReduceOnPlateau(name="reduce_on_plateau", factor=0.1, patience=2, min_delta=0.0)
    optimizer = build_optimizer(params.train["baseline"].optimizer, schedule, steps_per_epoch=10, epochs=10)
    assert rates(optimizer, [0, 10_000]) == pytest.approx(0.01)
    optimizer.learning_rate = 0.001  # which a schedule object would not allow


NAMES = {"sgd": "SGD", "rmsprop": "RMSprop", "adam": "Adam", "adamw": "AdamW", "nadam": "Nadam", "lion": "Lion", "muon": "Muon"}


def settings(**change) -> Optimizer:
    off = {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9, "nesterov": False, "weight_decay": 0.0}
    return Optimizer.model_validate(off | change)


@pytest.mark.parametrize("name", NAMES)
def test_each_optimizer_is_keras_own_and_goes_downhill(name):
    optimizer = build_optimizer(settings(name=name), None, steps_per_epoch=10, epochs=1)
    assert type(optimizer).__name__ == NAMES[name]
    matrix = keras.Variable(np.ones((3, 2), "float32"), name="kernel")
    for _ in range(20):
        optimizer.apply([2 * np.asarray(matrix)], [matrix])
    assert np.square(matrix).sum() < 6


def step(optimizer: Optimizer, gradient: float) -> dict[str, float]:
    """One step of the optimiser: how far each of three variables of value 1 moved."""
    built = build_optimizer(optimizer, None, steps_per_epoch=10, epochs=1)
    variables = [keras.Variable(np.ones(2), name=name) for name in ("kernel", "bias", "gamma")]
    built.apply([np.full(2, gradient, "float32")] * 3, variables)
    return {variable.name: 1 - float(variable[0]) for variable in variables}


@pytest.mark.parametrize("name", NAMES)
def test_weight_decay_is_decoupled_and_of_kernels_alone(name):
    with_decay, without = (step(settings(name=name, weight_decay=decay), 0.3) for decay in (0.5, 0.0))
    assert with_decay["kernel"] - without["kernel"] == pytest.approx(0.01 * 0.5, rel=0.02)
    assert with_decay["bias"] == without["bias"]
    assert with_decay["gamma"] == without["gamma"]


def test_the_gradient_is_clipped_by_its_global_norm():
    moved = step(settings(momentum=0.0, gradient_clip=1.0), 100.0)
    assert moved["kernel"] == pytest.approx(0.01 / np.sqrt(6), rel=1e-5)  # six equal components of a vector of length 1
    assert step(settings(momentum=0.0, gradient_clip=1.0), 0.1)["kernel"] == pytest.approx(0.001, rel=1e-5)


def test_momentum_is_beta_1_of_adams_kind():
    first = build_optimizer(settings(name="adam", momentum=0.5), None, steps_per_epoch=10, epochs=1)
    assert first.beta_1 == 0.5


def test_nesterov_where_there_is_no_such_choice_is_an_error(raw_params):
    raw_params["train"]["baseline"]["optimizer"]["name"] = "adam"
    with pytest.raises(InputError, match=r"optimizer: nesterov = True: adam does not have it"):
        parse(raw_params)
