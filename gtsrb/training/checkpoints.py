"""What a killed training resumes from, in a directory outside the stage's outputs, which DVC deletes before it runs a stage."""

import hashlib
import json
import math
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import filelock
import keras
import numpy as np

from gtsrb.config.base import Section
from gtsrb.config.train import Recipe
from gtsrb.errors import InputError
from gtsrb.outputs import atomic_write
from gtsrb.progress import print_line

ROOT = Path(".checkpoints")  # in .gitignore


@contextmanager
def checkpoint_dir(recipe: Recipe, data: Iterable[Path], *others: Section) -> Iterator[Path]:
    """Locks and yields this training's directory, .checkpoints/HASH; the hash is of params, code and data.

    `others` are params that tell apart two runs with the same recipe, such as a study's rows that only predict otherwise.

    It is deleted if the block ends without an error. Raises `InputError` while another process holds the lock: a training may
    outlive the DVC that started it.
    """
    folder = ROOT / fingerprint(recipe, data, *others)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(folder / "lock", timeout=0):
            yield folder
            shutil.rmtree(folder)
    except filelock.Timeout:
        raise InputError(f"{folder} is in use: this training already runs in another process; wait for it or end it") from None


@contextmanager
def member_dir(folder: Path, environment: str) -> Iterator[Path]:
    """The directory of a network in its training's, ENVIRONMENT in `folder` (.checkpoints/HASH/member0); a temporary one where
    the training's does not exist: on another machine.

    `environment` names versions and device, which also decide the exact weights: a network starts over where only other
    environments have left checkpoints, and says so.
    """
    if not folder.parent.is_dir():
        with TemporaryDirectory() as temporary:
            yield Path(temporary)
        return
    folder.mkdir(exist_ok=True)
    environments, own = sorted(path.name for path in folder.iterdir()), environment.replace("/", "-")
    if environments and own not in environments:
        print_line(f"starting over on {environment}: {folder} has checkpoints only of {'; '.join(environments)}")
    (folder / own).mkdir(exist_ok=True)
    yield folder / own


def fingerprint(recipe: Recipe, data: Iterable[Path], *others: Section) -> str:
    """Hash of the params, the files in the folders `data` and the source files of this project's loaded modules."""
    digest = hashlib.sha256("".join(params.model_dump_json() for params in (recipe, *others)).encode())
    ours = {name: module for name, module in sys.modules.items() if name.split(".")[0] in ("gtsrb", "stages", "__main__")}
    code = [Path(file) for _, module in sorted(ours.items()) if (file := getattr(module, "__file__", None))]
    for path in [*(path for folder in data for path in sorted(folder.iterdir())), *code]:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


@dataclass
class Progress:
    """How far a training has come."""

    epochs: int = 0  # finished
    best_epoch: int = 0  # the one with the lowest validation loss, counted from 0
    best_loss: float = math.inf
    fit_seconds: float = 0.0  # in training steps, the tracing in the first included: without validation
    spans: list[list[float]] = field(default_factory=list)  # [start, end] of each epoch with validation, Unix time
    best_weights: list[np.ndarray] = field(default_factory=list)  # empty without validation


def covered_seconds(spans: Iterable[list[float]]) -> float:
    """How long at least one of these spans of time, [start, end] each, was under way."""
    total, covered_until = 0.0, -math.inf
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, covered_until))
        covered_until = max(covered_until, end)
    return total


class Checkpoint(keras.callbacks.Callback):
    """Saves weights, optimiser state and `Progress` at the end of each epoch, in one file that is replaced atomically.

    Has to follow the `CSVLogger` on `history`: rows of epochs that the saved state does not include are dropped on resuming.
    Raises `InputError` if the loss is not finite.
    """

    def __init__(self, folder: Path):
        super().__init__()
        self.state = folder / "state.npz"
        self.history = folder / "history.csv"
        self.progress = Progress()
        self.fitted: float | None = None

    def resume(self, model: keras.Model) -> int:
        """Loads the saved state, if there is one, into the compiled `model`; returns the number of finished epochs."""
        model.optimizer.build(model.trainable_variables)
        if self.state.exists():
            with np.load(self.state) as state:
                for i, variable in enumerate(_variables(model)):
                    variable.assign(state[f"variable_{i}"])
                best = [state[name] for name in (f"best_{i}" for i in range(len(model.weights))) if name in state]
                self.progress = Progress(**json.loads(str(state["progress"])), best_weights=best)
        if self.history.exists():
            lines = self.history.read_bytes().splitlines(keepends=True)
            if len(lines) > self.progress.epochs + 1:
                with atomic_write(self.history) as temporary_path:
                    temporary_path.write_bytes(b"".join(lines[: self.progress.epochs + 1]))
        return self.progress.epochs

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.started, self.fitted = time.time(), None

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        self.fitted = time.time()  # validation follows, within the epoch

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        val_loss = logs.get("val_loss")  # None without validation images
        if not math.isfinite(logs["loss"] + (val_loss or 0.0)):
            raise InputError(f"loss {logs['loss']}, val_loss {val_loss} after epoch {epoch}; try a lower learning rate")
        progress = self.progress
        progress.epochs = epoch + 1
        ended = time.time()
        progress.fit_seconds += (self.fitted or ended) - self.started
        progress.spans.append([self.started, ended])
        if val_loss is not None and val_loss < progress.best_loss:
            progress.best_epoch, progress.best_loss = epoch, val_loss
            progress.best_weights = averaged_weights(self.model)
        arrays: dict[str, Any] = {f"variable_{i}": np.asarray(variable) for i, variable in enumerate(_variables(self.model))}
        arrays |= {f"best_{i}": weight for i, weight in enumerate(progress.best_weights)}
        counters = {key: value for key, value in vars(progress).items() if key != "best_weights"}
        with atomic_write(self.state) as temporary_path:
            np.savez(temporary_path, progress=json.dumps(counters), **arrays)


def averaged_weights(model: keras.Model) -> list[np.ndarray]:
    """The weights that are validated: moving averages if the optimiser has them, otherwise the model's own."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)  # mixed_float16 wraps it to scale the loss
    averages = {}
    if optimizer.use_ema:
        pairs = zip(model.trainable_variables, optimizer._model_variables_moving_average, strict=True)
        averages = {variable.path: average for variable, average in pairs}
    return [np.array(averages.get(variable.path, variable)) for variable in model.weights]


def _variables(model: keras.Model) -> list[keras.Variable]:
    return [*model.weights, *model.optimizer.variables]
