"""Keras callbacks: reseeding at the start of each epoch, the logged learning rate, a plateau schedule that can be resumed."""

import time
from pathlib import Path

import keras
import pandas as pd

from gtsrb.config.train import ReduceOnPlateau
from gtsrb.progress import format_duration, print_line, step_bar
from gtsrb.training.batches import DROPOUT, TrainingBatches, make_generator


class EpochSeeding(keras.callbacks.Callback):
    """Starts the epoch's batches and reseeds every random layer, since Keras' checkpoints do not keep the layers' state.

    Keras calls it before its workers start on the epoch, and again only after all of them have finished.
    """

    def __init__(self, seed: int, batches: TrainingBatches):
        super().__init__()
        self.seed, self.batches = seed, batches

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.batches.start_epoch(epoch)
        rng = make_generator(self.seed, epoch, DROPOUT)
        keras.utils.set_random_seed(int(rng.integers(2**31)))  # PyTorch's dropout draws from the global generator
        for layer in self.model.layers:
            if hasattr(layer, "seed_generator"):
                layer.seed_generator.state.assign(rng.integers(2**31, size=2, dtype="uint32"))


class LearningRateLog(keras.callbacks.Callback):
    """Logs the learning rate of each epoch's first step."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.rate = float(self.model.optimizer.learning_rate)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        logs["learning_rate"] = self.rate


class ResumablePlateau(keras.callbacks.ReduceLROnPlateau):
    """Keras' `ReduceLROnPlateau`, which does not store its state: on resuming, it is shown the losses in `history` again."""

    def __init__(self, params: ReduceOnPlateau, history: Path):
        super().__init__("val_loss", params.factor, params.patience, min_delta=params.min_delta)
        self.history = history

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        super().on_train_begin(logs)
        rate = float(self.model.optimizer.learning_rate)
        if self.history.exists() and self.history.stat().st_size:
            for epoch, loss in enumerate(pd.read_csv(self.history)["val_loss"]):
                self.on_epoch_end(epoch, {"val_loss": loss})
        self.model.optimizer.learning_rate = rate  # that of the checkpoint


class EpochPrinter(keras.callbacks.Callback):
    """Prints one line per epoch, after `prefix`; on a terminal also a bar over the steps of the current epoch."""

    def __init__(self, prefix: str):
        super().__init__()
        self.prefix = prefix

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.started = time.perf_counter()
        self.name = f"{self.prefix}epoch {epoch + 1:>{len(str(self.params['epochs']))}}/{self.params['epochs']}"
        self.bar = step_bar(self.name, self.params["steps"])

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self.bar.update()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        self.bar.close()
        line = f"{self.name}  loss {logs['loss']:.4f}  accuracy {logs['accuracy']:7.2%}"
        if "val_loss" in logs:
            line += f"  val_loss {logs['val_loss']:.4f}  val_accuracy {logs['val_accuracy']:7.2%}"
        seconds = time.perf_counter() - self.started
        print_line(f"{line}  learning_rate {logs['learning_rate']:<8.3g}  {format_duration(seconds)}")
