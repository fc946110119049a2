"""What the pipeline left of a recipe: its figures, its confusion matrix, its mistakes. No page in here."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from gtsrb.data import arrays
from gtsrb.errors import InputError
from gtsrb.reporting.mistakes import sort_mistakes


def recipes(root: Path) -> list[str]:
    """Those that have been evaluated, here or by whoever committed metrics/."""
    found = (path.parent.name for path in root.glob("metrics/*/confusion.csv"))
    return sorted(name for name in found if (root / f"metrics/{name}.json").is_file())


def metrics(root: Path, recipe: str) -> dict[str, float]:
    return json.loads((root / f"metrics/{recipe}.json").read_text())


def confusions(root: Path, recipe: str) -> pd.DataFrame:
    """The pairs that were confused, most often first: truth, prediction, images, and their share of the truth's images."""
    counts = pd.read_csv(root / f"metrics/{recipe}/confusion.csv")
    counts["share"] = counts["images"] / counts.groupby("truth")["images"].transform("sum")
    pairs = counts[counts["truth"] != counts["prediction"]]
    return pairs.sort_values(["images", "truth", "prediction"], ascending=[False, True, True], ignore_index=True)


def has_mistakes(root: Path, recipe: str) -> bool:
    """Whether the images and what the recipe made of them are here, and not only in somebody's cache."""
    needed = ("data/raw/test.parquet", "data/raw/classes.csv", f"data/predictions/{recipe}.npy")
    return all((root / path).is_file() for path in needed)


def mistakes(root: Path, recipe: str) -> pd.DataFrame:
    """Wrong test images, the most confident first: filename, truth, prediction, confidence, image (PPM).

    Raises `InputError` if the predictions are of another test part than the one that is here.
    """
    probabilities = np.load(root / f"data/predictions/{recipe}.npy", mmap_mode="r")
    test = pd.read_parquet(root / "data/raw/test.parquet", columns=["filename", "class_id", "image"])
    names = np.array(arrays.class_names(root / "data/raw/classes.csv"))
    if probabilities.shape != (len(test), len(names)):
        raise InputError(
            f"data/predictions/{recipe}.npy has {' x '.join(map(str, probabilities.shape))} probabilities; expected "
            f"{len(test)} images x {len(names)} classes as in data/raw; run `dvc repro evaluate@{recipe}`"
        )
    wrong = sort_mistakes(test["class_id"].to_numpy(), probabilities)
    found = test.iloc[wrong].reset_index(drop=True)
    found["truth"], found["prediction"] = names[found.pop("class_id")], names[probabilities[wrong].argmax(axis=1)]
    return found.assign(confidence=probabilities[wrong].max(axis=1))


def rows_about(pairs: pd.DataFrame, name: str | None) -> pd.DataFrame:
    """The rows that show a sign of this name, or were taken for one; all of them for no name."""
    return pairs if name is None else pairs[(pairs["truth"] == name) | (pairs["prediction"] == name)]
