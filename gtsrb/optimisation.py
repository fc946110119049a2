"""Optimisers and learning-rate schedules, built from params."""

import keras
from keras import ops

from gtsrb.params import Optimizer, Schedule


@keras.saving.register_keras_serializable("gtsrb")
class StepSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """rate * factor ** (epoch // every) / (1 + decay * step), epoch = step // steps_per_epoch.

    The tutorial's schedule an epoch times the `decay` a step of its Keras, which Keras 3 ignores in `SGD(decay=...)`.
    """

    def __init__(self, rate: float, steps_per_epoch: int, every: int, factor: float, decay: float):
        self.rate, self.steps_per_epoch, self.every, self.factor, self.decay = rate, steps_per_epoch, every, factor, decay

    def __call__(self, step):
        cuts = ops.cast(ops.floor_divide(step, self.steps_per_epoch * self.every), "float32")
        return self.rate * self.factor**cuts / (1 + self.decay * ops.cast(step, "float32"))

    def get_config(self) -> dict:
        return dict(vars(self))


def build(optimizer: Optimizer, schedule: Schedule | None, *, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """The optimiser with its schedule in it."""
    rate = optimizer.learning_rate
    if schedule:
        rate = StepSchedule(rate, steps_per_epoch, schedule.every, schedule.factor, schedule.decay)
    return keras.optimizers.SGD(rate, momentum=optimizer.momentum, nesterov=optimizer.nesterov)
