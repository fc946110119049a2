"""What the report reads: metrics, predictions and exported networks, or a note with the command that writes what is missing."""

import json
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd

from gtsrb.config.preprocess import Variant
from gtsrb.data import arrays
from gtsrb.errors import InputError
from gtsrb.serving.runtime import Network, open_network

TEXT_COLUMNS = dict.fromkeys(
    ("name", "truth", "prediction", "corruption", "mistaken_for"), str
)  # also where a name looks like a number


class MissingOutput(Exception):
    """A file that no stage has written yet. The message is a note in HTML with the command that writes it."""

    def __init__(self, path: str, command: str):
        super().__init__(f'<p class="note">{escape(path)} is missing; run <code>{escape(command)}</code>.</p>\n')


def read(path: str, command: str) -> Any:
    """A file of metrics/, which `command` writes: a table, or a dict. Raises `MissingOutput`; `InputError` if it is broken."""
    try:
        if path.endswith(".csv"):  # only an empty field is empty: a class may be named NA
            return pd.read_csv(path, dtype=TEXT_COLUMNS, keep_default_na=False, na_values=[""])
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MissingOutput(path, command) from None
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read ({reason}); run `{command}` to write it again") from None


def read_csv(name: str, file: str) -> pd.DataFrame:
    """metrics/NAME/FILE.csv. Raises as `read` does."""
    stage = {"history": "train", "robustness": "robustness", "hard_signs": "out_of_fold"}.get(file, "evaluate")
    return read(f"metrics/{name}/{file}.csv", f"dvc repro {stage}@{name}")


def read_predictions(name: str, variant: str) -> tuple[np.ndarray, arrays.Arrays]:
    """The (n, classes) test probabilities of recipe `name`, and the test split. Raises `MissingOutput`, `InputError`."""
    path, folder = Path(f"data/predictions/{name}.npy"), Path(f"data/processed/{variant}/test")
    for file, stage in (path, f"evaluate@{name}"), (folder / "images.npy", f"preprocess@{variant}"):
        if not file.is_file():
            raise MissingOutput(str(file), f"dvc repro {stage}")
    probabilities, test = np.load(path), arrays.load(folder)
    n, expected = len(probabilities), len(test.labels)
    if n != expected:
        raise InputError(f"{path} has {n} images, {folder} has {expected}; run `dvc repro evaluate@{name}`")
    return probabilities, test


def load_exported(name: str, variant: Variant) -> tuple[Network | None, str]:
    """The exported network of recipe `name`, or None and a note if there is none for images of `variant`."""
    path = Path(f"data/export/{name}/prepared.onnx")
    if path.is_file():
        properties = onnxruntime.InferenceSession(path).get_modelmeta().custom_metadata_map
        if properties["variant"] == variant.model_dump_json():
            return open_network(path), ""
        reason = f"{path} expects images of another variant"
    else:
        reason = f"{path} not found"
    return None, f'<p class="note">No occlusion maps: {escape(reason)}; run <code>dvc repro export@{escape(name)}</code>.</p>\n'
