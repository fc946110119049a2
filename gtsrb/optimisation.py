"""Optimisers and learning-rate schedules, built from params."""

import math

import keras
from keras import KerasTensor, ops
from keras.optimizers.schedules import CosineDecay, LearningRateSchedule

from gtsrb.recipes import Cosine, OneCycle, Optimizer, Schedule, Step


@keras.saving.register_keras_serializable("gtsrb")
class StepSchedule(LearningRateSchedule):
    """rate * factor ** (epoch // every) / (1 + decay * step), epoch = step // steps_per_epoch.

    The tutorial's schedule an epoch times the `decay` a step of its Keras, which Keras 3 ignores in `SGD(decay=...)`.
    """

    def __init__(self, rate: float, steps_per_epoch: int, every: int, factor: float, decay: float):
        self.rate, self.steps_per_epoch, self.every, self.factor, self.decay = rate, steps_per_epoch, every, factor, decay

    def __call__(self, step: KerasTensor) -> KerasTensor:
        cuts = ops.cast(ops.floor_divide(step, self.steps_per_epoch * self.every), "float32")
        return self.rate * self.factor**cuts / (1 + self.decay * ops.cast(step, "float32"))

    def get_config(self) -> dict:
        return dict(vars(self))


@keras.saving.register_keras_serializable("gtsrb")
class OneCycleSchedule(LearningRateSchedule):
    """From `initial` up to 1 in the first `warmup` of the steps and down to `final`, times the rate, both along half a cosine.

    Smith and Topin 2017; the cosines are those of fastai.
    """

    def __init__(self, rate: float, steps: int, initial: float, warmup: float, final: float):
        self.rate, self.steps, self.initial, self.warmup, self.final = rate, steps, initial, warmup, final

    def __call__(self, step: KerasTensor) -> KerasTensor:
        top = self.warmup * self.steps
        step = ops.minimum(ops.cast(step, "float32"), self.steps)
        up = self.initial + (1 - self.initial) * (1 - ops.cos(math.pi * step / max(top, 1))) / 2
        down = self.final + (1 - self.final) * (1 + ops.cos(math.pi * (step - top) / (self.steps - top))) / 2
        return self.rate * ops.where(step < top, up, down)

    def get_config(self) -> dict:
        return dict(vars(self))


def build(optimizer: Optimizer, schedule: Schedule | None, *, steps_per_epoch: int, epochs: int) -> keras.optimizers.Optimizer:
    """The optimiser with its schedule in it. Weight decay is decoupled (Loshchilov and Hutter 2019), of kernels alone."""
    shared = {
        "learning_rate": rates(optimizer.learning_rate, schedule, steps_per_epoch=steps_per_epoch, epochs=epochs),
        "weight_decay": optimizer.weight_decay or (0.0 if optimizer.name == "adamw" else None),
        "global_clipnorm": optimizer.gradient_clip,
        "use_ema": optimizer.ema_momentum is not None,
        "ema_momentum": optimizer.ema_momentum or 0.0,
    }
    momentum = optimizer.momentum
    match optimizer.name:
        case "sgd":
            built = keras.optimizers.SGD(momentum=momentum, nesterov=optimizer.nesterov, **shared)
        case "rmsprop":
            built = keras.optimizers.RMSprop(momentum=momentum, **shared)
        case "muon":  # of dense kernels; Keras leaves convolutions and vectors to AdamW
            shared["adam_weight_decay"] = shared["weight_decay"]
            built = keras.optimizers.Muon(momentum=momentum, adam_beta_1=momentum, nesterov=optimizer.nesterov, **shared)
        case "adam" | "adamw" | "nadam" | "lion":
            kinds = {"adam": "Adam", "adamw": "AdamW", "nadam": "Nadam", "lion": "Lion"}
            built = getattr(keras.optimizers, kinds[optimizer.name])(beta_1=momentum, **shared)
    if optimizer.weight_decay:
        built.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return built


def rates(rate: float, schedule: Schedule | None, *, steps_per_epoch: int, epochs: int) -> float | LearningRateSchedule:
    """The rate as Keras takes it: a number, which a callback may change, or a function of the step."""
    steps = steps_per_epoch * epochs
    match schedule:
        case Step():
            return StepSchedule(rate, steps_per_epoch, schedule.every, schedule.factor, schedule.decay)
        case OneCycle():
            return OneCycleSchedule(rate, steps, schedule.initial, schedule.warmup, schedule.final)
        case Cosine():
            warmup = round(schedule.warmup * steps)
            return CosineDecay(0.0 if warmup else rate, steps - warmup, schedule.final, warmup_target=rate, warmup_steps=warmup)
        case _:  # constant, or changed by `training` where the validation loss stands still
            return rate
