"""What a killed training resumes from: a folder outside the outputs (DVC deletes those before it runs a stage)."""

import hashlib
import json
import math
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import filelock
import keras
import numpy as np

from gtsrb.config.train import Recipe
from gtsrb.errors import InputError
from gtsrb.outputs import atomic_write

ROOT = Path(".checkpoints")  # in .gitignore


@contextmanager
def checkpoint_dir(recipe: Recipe, data: Path, environment: str) -> Iterator[Path]:
    """The folder of this very training: .checkpoints/KEY/ENVIRONMENT, the key a hash of params, code and data.

    `environment` names the versions and the device, which decide the bits as well. What another environment has left lies
    beside it: a line says so, since this training starts anew, and all of KEY is deleted if the block ends well.
    Raises `InputError` while another process has the key: a training whose DVC was killed goes on by itself.
    """
    key = ROOT / fingerprint(recipe, data)
    folder = key / environment.replace("/", "-")
    key.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(key / "lock", timeout=0):
            others = sorted(path.name for path in key.iterdir() if path.is_dir())
            if others and folder.name not in others:
                print(f"starts anew on {environment}: {key} has only what other versions or devices left: {'; '.join(others)}")
            folder.mkdir(exist_ok=True)
            yield folder
            shutil.rmtree(key)
    except filelock.Timeout:
        raise InputError(f"{key} is in use: this training already runs in another process; wait for it or end it") from None


def fingerprint(recipe: Recipe, data: Path) -> str:
    """Hash of a training's params, the files in `data` and this project's loaded modules."""
    digest = hashlib.sha256(recipe.model_dump_json().encode())
    ours = {name: module for name, module in sys.modules.items() if name.split(".")[0] in ("gtsrb", "stages", "__main__")}
    code = [Path(file) for _, module in sorted(ours.items()) if (file := getattr(module, "__file__", None))]
    for path in [*sorted(data.iterdir()), *code]:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


@dataclass
class Progress:
    """Where a training stands."""

    epochs: int = 0  # finished
    best_epoch: int = 0  # the one with the least validation loss, counted from 0
    best_loss: float = math.inf
    seconds: float = 0.0  # in training and validation, over all sessions
    best_weights: list[np.ndarray] = field(default_factory=list)  # empty without validation


class Checkpoint(keras.callbacks.Callback):
    """Keeps weights, optimiser and `Progress` at each epoch's end, in one file that is replaced in one step.

    Comes after the `CSVLogger` on `history`: rows of an epoch that is not in the kept state are dropped on resuming.
    """

    def __init__(self, folder: Path):
        super().__init__()
        self.state = folder / "state.npz"
        self.history = folder / "history.csv"
        self.progress = Progress()

    def resume(self, model: keras.Model) -> int:
        """Puts the kept state, if there is one, into the compiled `model`; returns the number of finished epochs."""
        model.optimizer.build(model.trainable_variables)
        if self.state.exists():
            with np.load(self.state) as state:
                for i, variable in enumerate(_variables(model)):
                    variable.assign(state[f"variable_{i}"])
                best = [state[name] for name in (f"best_{i}" for i in range(len(model.weights))) if name in state]
                self.progress = Progress(**json.loads(str(state["progress"])), best_weights=best)
        if self.history.exists():
            lines = self.history.read_bytes().splitlines(keepends=True)
            self.history.write_bytes(b"".join(lines[: self.progress.epochs + 1]))
        return self.progress.epochs

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        val_loss = logs.get("val_loss")  # None without validation images
        if not math.isfinite(logs["loss"] + (val_loss or 0.0)):
            raise InputError(f"loss {logs['loss']}, val_loss {val_loss} after epoch {epoch}; try a lower learning rate")
        progress = self.progress
        progress.epochs = epoch + 1
        progress.seconds += time.perf_counter() - self.started
        if val_loss is not None and val_loss < progress.best_loss:
            progress.best_epoch, progress.best_loss = epoch, val_loss
            progress.best_weights = evaluated_weights(self.model)
        arrays: dict[str, Any] = {f"variable_{i}": np.asarray(variable) for i, variable in enumerate(_variables(self.model))}
        arrays |= {f"best_{i}": weight for i, weight in enumerate(progress.best_weights)}
        figures = {key: value for key, value in vars(progress).items() if key != "best_weights"}
        with atomic_write(self.state) as beside:
            np.savez(beside, progress=json.dumps(figures), **arrays)


def evaluated_weights(model: keras.Model) -> list[np.ndarray]:
    """The weights that are validated and kept: the optimiser's average of those that it trains, where it has one."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)  # of mixed_float16's loss scaling
    averages = {}
    if optimizer.use_ema:
        pairs = zip(model.trainable_variables, optimizer._model_variables_moving_average, strict=True)
        averages = {variable.path: average for variable, average in pairs}
    return [np.array(averages.get(variable.path, variable)) for variable in model.weights]


def _variables(model: keras.Model) -> list[keras.Variable]:
    return [*model.weights, *model.optimizer.variables]
