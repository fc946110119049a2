"""Builds learning-rate schedules from params."""

import math

import keras
from keras import KerasTensor, ops
from keras.optimizers.schedules import CosineDecay, LearningRateSchedule

from gtsrb.config.train import Cosine, OneCycle, Schedule, Step


@keras.saving.register_keras_serializable("gtsrb")
class StepSchedule(LearningRateSchedule):
    """rate * factor ** (epoch // every) / (1 + decay * step), epoch = step // steps_per_epoch.

    The tutorial's step schedule per epoch, times the `SGD(decay=...)` per step of its Keras version, which Keras 3 ignores.
    """

    def __init__(self, rate: float, steps_per_epoch: int, every: int, factor: float, decay: float):
        self.rate, self.steps_per_epoch, self.every, self.factor, self.decay = rate, steps_per_epoch, every, factor, decay

    def __call__(self, step: KerasTensor) -> KerasTensor:
        reductions = ops.cast(ops.floor_divide(step, self.steps_per_epoch * self.every), "float32")
        return self.rate * self.factor**reductions / (1 + self.decay * ops.cast(step, "float32"))

    def get_config(self) -> dict:
        return dict(vars(self))


@keras.saving.register_keras_serializable("gtsrb")
class OneCycleSchedule(LearningRateSchedule):
    """Rises from `initial` to 1 times the rate in the first `warmup` of the steps, then falls to `final` times the rate.

    Smith and Topin 2017; both along half a cosine, as in fastai.
    """

    def __init__(self, rate: float, steps: int, initial: float, warmup: float, final: float):
        self.rate, self.steps, self.initial, self.warmup, self.final = rate, steps, initial, warmup, final

    def __call__(self, step: KerasTensor) -> KerasTensor:
        peak = self.warmup * self.steps
        step = ops.minimum(ops.cast(step, "float32"), self.steps)
        rising = self.initial + (1 - self.initial) * (1 - ops.cos(math.pi * step / max(peak, 1))) / 2
        falling = self.final + (1 - self.final) * (1 + ops.cos(math.pi * (step - peak) / (self.steps - peak))) / 2
        return self.rate * ops.where(step < peak, rising, falling)

    def get_config(self) -> dict:
        return dict(vars(self))


def build_learning_rate(
    rate: float, schedule: Schedule | None, *, steps_per_epoch: int, epochs: int
) -> float | LearningRateSchedule:
    """The `learning_rate` of a Keras optimiser: a number, which a callback may change, or a function of the step."""
    steps = steps_per_epoch * epochs
    match schedule:
        case Step():
            return StepSchedule(rate, steps_per_epoch, schedule.every, schedule.factor, schedule.decay)
        case OneCycle():
            return OneCycleSchedule(rate, steps, schedule.initial, schedule.warmup, schedule.final)
        case Cosine():
            warmup = round(schedule.warmup * steps)
            return CosineDecay(0.0 if warmup else rate, steps - warmup, schedule.final, warmup_target=rate, warmup_steps=warmup)
        case _:  # constant, or reduced by a callback when the validation loss reaches a plateau
            return rate
