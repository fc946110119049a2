"""What happens at the start and the end of an epoch."""

import time
from pathlib import Path

import keras
import pandas as pd

from gtsrb.config.train import ReduceOnPlateau
from gtsrb.progress import Bar, format_duration
from gtsrb.training.batches import DROPOUT, Batches, generator


class EpochDraws(keras.callbacks.Callback):
    """Goes on to an epoch's batches, and reseeds every random layer: no checkpoint of Keras keeps their state.

    Keras calls it before its workers start on the epoch, and the next time when all of them have ended.
    """

    def __init__(self, seed: int, batches: Batches):
        super().__init__()
        self.seed, self.batches = seed, batches

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.batches.start(epoch)
        rng = generator(self.seed, epoch, DROPOUT)
        keras.utils.set_random_seed(int(rng.integers(2**31)))  # PyTorch's dropout draws from the process's generator
        for layer in self.model.layers:
            if hasattr(layer, "seed_generator"):
                layer.seed_generator.state.assign(rng.integers(2**31, size=2, dtype="uint32"))


class LearningRate(keras.callbacks.Callback):
    """Logs the rate of each epoch's first step."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.rate = float(self.model.optimizer.learning_rate)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        logs["learning_rate"] = self.rate


class Plateau(keras.callbacks.ReduceLROnPlateau):
    """Keras' own, which forgets what it has seen; a resumed training shows it the validation losses of `history` again."""

    def __init__(self, params: ReduceOnPlateau, history: Path):
        super().__init__("val_loss", params.factor, params.patience, min_delta=params.min_delta)
        self.history = history

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        super().on_train_begin(logs)
        rate = float(self.model.optimizer.learning_rate)
        if self.history.exists() and self.history.stat().st_size:
            for epoch, loss in enumerate(pd.read_csv(self.history)["val_loss"]):
                self.on_epoch_end(epoch, {"val_loss": loss})
        self.model.optimizer.learning_rate = rate  # as the checkpoint has it


class EpochLines(keras.callbacks.Callback):
    """Prints one line per epoch; on a terminal, with a bar over the steps of the one that runs."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.started = time.perf_counter()
        self.name = f"epoch {epoch + 1:>{len(str(self.params['epochs']))}}/{self.params['epochs']}"
        self.bar = Bar(desc=self.name, total=self.params["steps"], unit=" steps", leave=False, disable=None)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self.bar.update()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        self.bar.close()
        line = f"{self.name}  loss {logs['loss']:.4f}  accuracy {logs['accuracy']:7.2%}"
        if "val_loss" in logs:
            line += f"  val_loss {logs['val_loss']:.4f}  val_accuracy {logs['val_accuracy']:7.2%}"
        seconds = time.perf_counter() - self.started
        print(f"{line}  learning_rate {logs['learning_rate']:<8.3g}  {format_duration(seconds)}", flush=True)
