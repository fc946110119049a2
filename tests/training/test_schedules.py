"""The learning rate of every step against its closed form."""

import numpy as np
import pytest

from gtsrb.config.train import Cosine, OneCycle, ReduceOnPlateau, Schedule, Step
from gtsrb.training.schedules import build_learning_rate


def rates(schedule: Schedule | None, steps: np.ndarray, *, steps_per_epoch: int = 10, epochs: int = 10) -> np.ndarray:
    """The rates of these steps, from an initial rate of 0.01."""
    rate = build_learning_rate(0.01, schedule, steps_per_epoch=steps_per_epoch, epochs=epochs)
    return np.array([rate(step) if callable(rate) else rate for step in steps])


def step_schedule(*, every: int = 10, factor: float = 0.1, decay: float = 1e-6) -> Step:
    return Step(name="step", every=every, factor=factor, decay=decay)


def test_the_tutorials_schedule():
    steps = [0, 1, 980, 981, 9809, 9810, 9811, 19619, 19620, 29429]
    closed_form = [0.01 * 0.1 ** (step // 981 // 10) / (1 + 1e-6 * step) for step in steps]
    np.testing.assert_allclose(rates(step_schedule(), steps, steps_per_epoch=981, epochs=30), closed_form, rtol=1e-6)


def test_decay():
    schedule = step_schedule(decay=0.01, factor=1.0)
    np.testing.assert_allclose(rates(schedule, [0, 100, 300]), [0.01, 0.005, 0.0025], rtol=1e-6)


def test_every_and_factor():
    schedule = step_schedule(decay=0.0, factor=0.5, every=2)
    np.testing.assert_allclose(rates(schedule, [19, 20, 39, 40]), [0.01, 0.005, 0.005, 0.0025], rtol=1e-6)


@pytest.mark.parametrize("warmup", [0.0, 0.2])
def test_cosine(warmup):
    """A linear warm-up to the rate, then half a cosine down to `final` of it at the last step."""
    steps = np.array([0, 1, 10, 19, 20, 21, 50, 99, 100])
    peak = warmup * 100
    falling = 0.1 + 0.9 * (1 + np.cos(np.pi * (steps - peak) / (100 - peak))) / 2
    closed_form = 0.01 * np.where(steps < peak, steps / max(peak, 1), falling)
    np.testing.assert_allclose(rates(Cosine(name="cosine", warmup=warmup, final=0.1), steps), closed_form, rtol=1e-5)


@pytest.mark.parametrize("warmup", [0.0, 0.3])
def test_one_cycle(warmup):
    schedule = OneCycle(name="one_cycle", initial=0.04, warmup=warmup, final=0.001)
    steps = np.array([0, 1, 15, 29, 30, 31, 65, 99, 100])
    peak = warmup * 100
    rising = 0.04 + 0.96 * (1 - np.cos(np.pi * steps / max(peak, 1))) / 2
    falling = 0.001 + 0.999 * (1 + np.cos(np.pi * (steps - peak) / (100 - peak))) / 2
    np.testing.assert_allclose(rates(schedule, steps), 0.01 * np.where(steps < peak, rising, falling), rtol=1e-4)


@pytest.mark.parametrize("schedule", [None, ReduceOnPlateau(name="reduce_on_plateau", factor=0.1, patience=2, min_delta=0.0)])
def test_without_a_schedule_or_with_a_plateau_the_rate_is_a_number(schedule):
    """A callback changes it, which Keras does not allow for a schedule object."""
    assert build_learning_rate(0.01, schedule, steps_per_epoch=10, epochs=10) == 0.01
