"""Reads metrics/RECIPE/predictions.csv: the predicted class of each test image, with its label.

These files are small and in Git, so that recipes and revisions can be compared without the images and DVC's cache.
"""

import io
from pathlib import Path

import pandas as pd

from gtsrb.errors import InputError

COLUMNS = {"filename": str, "class_id": int, "prediction": int}  # one row per test image, in the order of the test split


def path(recipe: str) -> Path:
    return Path(f"metrics/{recipe}/predictions.csv")


def read(recipe: str) -> pd.DataFrame:
    """The predictions of `recipe` in the workspace. Raises `InputError` if there are none, or if they cannot be parsed."""
    try:
        return parse(path(recipe).read_text(), str(path(recipe)))
    except FileNotFoundError:
        raise InputError(f"{path(recipe)} not found; run `dvc repro evaluate@{recipe}`") from None


def parse(text: str, origin: str) -> pd.DataFrame:
    """The text of such a file -> its table, columns `COLUMNS`. Raises `InputError`, whose message starts with `origin`."""
    try:
        return pd.read_csv(io.StringIO(text), usecols=list(COLUMNS), dtype=COLUMNS, keep_default_na=False)
    except ValueError as error:
        raise InputError(f"{origin}: cannot be read as predictions ({' '.join(str(error).split())})") from None
