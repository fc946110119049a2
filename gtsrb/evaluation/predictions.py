"""The predicted class of each test image, with its label: metrics/RECIPE/predictions.csv.

Recipes and revisions are compared by these small files, which Git keeps, so neither the images nor DVC's cache are needed.
"""

import io
from pathlib import Path

import pandas as pd

from gtsrb.errors import InputError

COLUMNS = {"filename": str, "class_id": int, "prediction": int}  # one row per test image, in the order of the test part


def path(recipe: str) -> Path:
    return Path(f"metrics/{recipe}/predictions.csv")


def read(recipe: str) -> pd.DataFrame:
    """The predictions of `recipe` in the workspace. Raises `InputError`."""
    try:
        return parse(path(recipe).read_text(), str(path(recipe)))
    except FileNotFoundError:
        raise InputError(f"{path(recipe)} not found; `dvc repro evaluate@{recipe}` makes it") from None


def parse(text: str, origin: str) -> pd.DataFrame:
    """The text of such a file as a table. Raises `InputError`, which `origin` opens, if it is none."""
    try:
        return pd.read_csv(io.StringIO(text), usecols=list(COLUMNS), dtype=COLUMNS, keep_default_na=False)
    except ValueError as error:
        raise InputError(f"{origin}: cannot be read as predictions ({' '.join(str(error).split())})") from None
