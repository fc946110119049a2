"""Keras' optimisers with the options of params: momentum, decoupled weight decay, clipping, moving averages."""

from typing import get_args

import keras
import numpy as np
import pytest
from example_training import IMAGES, TARGETS, build_model

from gtsrb.config.params import parse
from gtsrb.config.train import Optimizer, Step
from gtsrb.errors import InputError
from gtsrb.training.optimizers import build_optimizer

CLASS_NAMES = {
    "sgd": "SGD",
    "rmsprop": "RMSprop",
    "adam": "Adam",
    "adamw": "AdamW",
    "nadam": "Nadam",
    "lion": "Lion",
    "muon": "Muon",
}


def build(schedule: Step | None = None, **options) -> keras.optimizers.Optimizer:
    defaults = {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9, "nesterov": False, "weight_decay": 0.0}
    return build_optimizer(Optimizer.model_validate(defaults | options), schedule, steps_per_epoch=10, epochs=1)


def take_step(optimizer: keras.optimizers.Optimizer, gradient: float) -> dict[str, float]:
    """One step from three variables of value 1: by how much each decreased."""
    variables = [keras.Variable(np.ones(2), name=name) for name in ("kernel", "bias", "gamma")]
    optimizer.apply([np.full(2, gradient, "float32")] * 3, variables)
    return {variable.name: 1 - float(variable[0]) for variable in variables}


def test_each_name_of_an_optimiser_is_tested():
    assert set(CLASS_NAMES) == set(get_args(Optimizer.model_fields["name"].annotation))


@pytest.mark.parametrize("name", CLASS_NAMES)
def test_each_optimizer_is_keras_own_and_minimizes(name):
    optimizer = build(name=name)
    assert type(optimizer).__name__ == CLASS_NAMES[name]
    matrix = keras.Variable(np.ones((3, 2), "float32"), name="kernel")
    for _ in range(20):
        optimizer.apply([2 * np.asarray(matrix)], [matrix])
    assert np.square(matrix).sum() < 6


def test_the_schedule_is_part_of_the_optimizer():
    optimizer = build(schedule=Step(name="step", every=1, factor=0.5, decay=0.0))
    optimizer.iterations.assign(10)
    assert float(optimizer.learning_rate) == pytest.approx(0.005)


def test_a_constant_rate_can_be_changed():
    optimizer = build()
    optimizer.learning_rate = 0.001  # Keras does not allow this for a schedule object
    assert float(optimizer.learning_rate) == pytest.approx(0.001)


@pytest.mark.parametrize("nesterov", [True, False])
def test_sgd_with_momentum(nesterov):
    """v <- m v - rate g; w <- w + v, or w + m v - rate g with Nesterov's momentum (Keras' form)."""
    optimizer, variable = build(nesterov=nesterov), keras.Variable([1.0])
    w, v = 1.0, 0.0
    for gradient in (1.0, -2.0, 0.5):
        optimizer.apply([np.array([gradient], "float32")], [variable])
        v = 0.9 * v - 0.01 * gradient
        w += 0.9 * v - 0.01 * gradient if nesterov else v
        assert float(variable[0]) == pytest.approx(w, rel=1e-6)


@pytest.mark.parametrize("name", CLASS_NAMES)
def test_weight_decay_is_decoupled_and_applies_to_kernels_only(name):
    with_decay, without = (take_step(build(name=name, weight_decay=decay), 0.3) for decay in (0.5, 0.0))
    assert with_decay["kernel"] - without["kernel"] == pytest.approx(0.01 * 0.5, rel=0.02)
    assert with_decay["bias"] == without["bias"]
    assert with_decay["gamma"] == without["gamma"]


def test_the_gradient_is_clipped_by_its_global_norm():
    clipped = take_step(build(momentum=0.0, gradient_clip=1.0), 100.0)
    assert clipped["kernel"] == pytest.approx(0.01 / np.sqrt(6), rel=1e-5)  # six equal components of a vector of length 1
    assert take_step(build(momentum=0.0, gradient_clip=1.0), 0.1)["kernel"] == pytest.approx(0.001, rel=1e-5)


def test_momentum_is_beta_1_of_adam():
    assert build(name="adam", momentum=0.5).beta_1 == 0.5


def test_muon_has_its_momentum_for_kernels_and_vectors_and_three_iterations():
    muon = build(name="muon", momentum=0.5, nesterov=True)
    assert (muon.momentum, muon.adam_beta_1, muon.nesterov, muon.ns_steps) == (0.5, 0.5, True, 3)


@pytest.mark.seconds
def test_the_moving_average_follows_its_formula(recipe):
    """a <- 0.5 a + 0.5 w after each step, starting with the first step's weights."""
    weights = []

    class Recorder(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            weights.append(self.model.get_weights()[0])

    keras.utils.set_random_seed(0)
    model = build_model(recipe)
    model.compile(build(ema_momentum=0.5), loss=recipe.loss, jit_compile=False)
    model.fit(IMAGES, TARGETS, batch_size=16, shuffle=False, verbose=0, callbacks=[Recorder()])
    average = weights[0]
    for step_weights in weights[1:]:
        average = 0.5 * average + 0.5 * step_weights
    np.testing.assert_allclose(model.get_weights()[0], average, atol=1e-6)


def test_nesterov_without_such_an_option_is_an_error(raw_params):
    raw_params["train"]["baseline"]["optimizer"]["name"] = "adam"
    with pytest.raises(InputError, match=r"optimizer: nesterov = True: adam does not have it"):
        parse(raw_params)
