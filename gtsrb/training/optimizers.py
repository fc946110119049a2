"""Builds Keras optimisers from params."""

from typing import assert_never

import keras

from gtsrb.config.train import Optimizer, Schedule
from gtsrb.training.muon import Muon
from gtsrb.training.schedules import build_learning_rate


def build_optimizer(
    optimizer: Optimizer, schedule: Schedule | None, *, steps_per_epoch: int, epochs: int
) -> keras.optimizers.Optimizer:
    """The optimiser with its schedule. Weight decay is decoupled (Loshchilov and Hutter 2019) and applies to kernels only."""
    learning_rate = build_learning_rate(optimizer.learning_rate, schedule, steps_per_epoch=steps_per_epoch, epochs=epochs)
    shared = {
        "learning_rate": learning_rate,
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
        case "muon":
            shared["adam_weight_decay"] = shared["weight_decay"]
            built = Muon(momentum=momentum, adam_beta_1=momentum, nesterov=optimizer.nesterov, ns_steps=3, **shared)
        case "adam" | "adamw" | "nadam" | "lion":
            class_names = {"adam": "Adam", "adamw": "AdamW", "nadam": "Nadam", "lion": "Lion"}
            built = getattr(keras.optimizers, class_names[optimizer.name])(beta_1=momentum, **shared)
        case _:
            assert_never(optimizer.name)
    if optimizer.weight_decay:
        built.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return built
