"""The results of a recipe, as the pipeline wrote them: metrics, confused classes, mistakes. Imports no Streamlit."""

from pathlib import Path

import numpy as np
import pandas as pd

from gtsrb.data import arrays
from gtsrb.errors import InputError
from gtsrb.reporting.mistakes import sort_mistakes
from gtsrb.reporting.report_inputs import read


def evaluated_recipes(root: Path) -> list[str]:
    """The recipes with metrics, whether computed here or committed."""
    names = (path.parent.name for path in root.glob("metrics/*/confusion.csv"))
    return sorted(name for name in names if (root / f"metrics/{name}.json").is_file())


def load_metrics(root: Path, recipe: str) -> dict[str, float]:
    """Those of the test. Raises `InputError` if the file is broken."""
    return read(f"{root}/metrics/{recipe}.json", f"dvc repro evaluate@{recipe}")


def load_confusions(root: Path, recipe: str) -> pd.DataFrame:
    """The confused pairs, most frequent first: truth, prediction, images, and their share of the true class's images.

    Raises `InputError` if the file is broken.
    """
    counts = read(f"{root}/metrics/{recipe}/confusion.csv", f"dvc repro evaluate@{recipe}")
    counts["share"] = counts["images"] / counts.groupby("truth")["images"].transform("sum")
    pairs = counts[counts["truth"] != counts["prediction"]]
    return pairs.sort_values(["images", "truth", "prediction"], ascending=[False, True, True], ignore_index=True)


def has_predictions(root: Path, recipe: str) -> bool:
    """Whether the test images and the recipe's predictions are here; a fresh clone has neither."""
    paths = ("data/raw/test.parquet", "data/raw/classes.csv", f"data/predictions/{recipe}.npy")
    return all((root / path).is_file() for path in paths)


def load_mistakes(root: Path, recipe: str) -> pd.DataFrame:
    """Misclassified test images, the most confident first: filename, truth, prediction, confidence, image (PPM).

    Raises `InputError` if the predictions are not of the test split in data/raw.
    """
    probabilities = np.load(root / f"data/predictions/{recipe}.npy", mmap_mode="r")
    test = pd.read_parquet(root / "data/raw/test.parquet", columns=["filename", "class_id", "image"])
    names = np.array(arrays.read_class_names(root / "data/raw/classes.csv"))
    if probabilities.shape != (len(test), len(names)):
        raise InputError(
            f"data/predictions/{recipe}.npy has {' x '.join(map(str, probabilities.shape))} probabilities; expected "
            f"{len(test)} images x {len(names)} classes as in data/raw; run `dvc repro evaluate@{recipe}`"
        )
    wrong = sort_mistakes(test["class_id"].to_numpy(), probabilities)
    mistakes = test.iloc[wrong].reset_index(drop=True)
    mistakes["truth"], mistakes["prediction"] = names[mistakes.pop("class_id")], names[probabilities[wrong].argmax(axis=1)]
    return mistakes.assign(confidence=probabilities[wrong].max(axis=1))


def filter_by_class(rows: pd.DataFrame, name: str | None) -> pd.DataFrame:
    """The rows whose truth or prediction is this class; all rows for None."""
    return rows if name is None else rows[(rows["truth"] == name) | (rows["prediction"] == name)]
