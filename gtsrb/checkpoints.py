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

import filelock
import keras
import numpy as np

from gtsrb.errors import InputError
from gtsrb.outputs import whole
from gtsrb.params import Recipe

ROOT = Path(".checkpoints")  # in .gitignore


@contextmanager
def reserved(recipe: Recipe, data: Path) -> Iterator[Path]:
    """The folder of this very training, keyed by a hash of params, code and data; deleted if the block ends well.

    Raises `InputError` while another process has it: a training whose DVC was killed goes on by itself.
    """
    folder = ROOT / fingerprint(recipe, data)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(folder / "lock", timeout=0):
            yield folder
            shutil.rmtree(folder)
    except filelock.Timeout:
        raise InputError(f"{folder} is in use: this training already runs in another process; wait for it or end it") from None


def fingerprint(recipe: Recipe, data: Path) -> str:
    """Hash of all that decides a training: its params, the files in `data`, this project's loaded modules, Keras' version."""
    digest = hashlib.sha256(f"{recipe.model_dump_json()} {keras.__version__} {keras.backend.backend()}".encode())
    ours = {name: module for name, module in sys.modules.items() if name.split(".")[0] in ("gtsrb", "stages", "__main__")}
    code = [Path(module.__file__) for _, module in sorted(ours.items()) if getattr(module, "__file__", None)]
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
    best_weights: list[np.ndarray] = field(default_factory=list)


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
                best = [state[f"best_{i}"] for i in range(len(model.weights))]
                self.progress = Progress(**json.loads(str(state["progress"])), best_weights=best)
        if self.history.exists():
            lines = self.history.read_bytes().splitlines(keepends=True)
            self.history.write_bytes(b"".join(lines[: self.progress.epochs + 1]))
        return self.progress.epochs

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs):
        if not math.isfinite(logs["loss"]) or not math.isfinite(logs["val_loss"]):
            raise InputError(f"loss {logs['loss']}, val_loss {logs['val_loss']} after epoch {epoch}; try a lower learning rate")
        progress = self.progress
        progress.epochs = epoch + 1
        progress.seconds += time.perf_counter() - self.started
        if logs["val_loss"] < progress.best_loss:
            progress.best_epoch, progress.best_loss = epoch, logs["val_loss"]
            progress.best_weights = self.model.get_weights()
        arrays = {f"variable_{i}": np.asarray(variable) for i, variable in enumerate(_variables(self.model))}
        arrays |= {f"best_{i}": weight for i, weight in enumerate(progress.best_weights)}
        figures = {key: value for key, value in vars(progress).items() if key != "best_weights"}
        with whole(self.state) as beside:
            np.savez(beside, progress=json.dumps(figures), **arrays)


def _variables(model: keras.Model) -> list[keras.Variable]:
    return [*model.weights, *model.optimizer.variables]
