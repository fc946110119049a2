"""Is the difference between two sets of predictions of the same images significant?"""

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from gtsrb.errors import InputError


def mcnemar(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> dict[str, float | int]:
    """(n,) labels and two sets of (n,) predictions -> how many images each gets wrong, and the p-value of McNemar's test.

    McNemar (1947), exact: twice the smaller tail of Binomial(discordant, 1/2). It assumes independent images, too.
    """
    first_only = int(((first != labels) & (second == labels)).sum())
    second_only = int(((first == labels) & (second != labels)).sum())
    discordant = first_only + second_only
    return {
        "only_first_wrong": first_only,
        "only_second_wrong": second_only,
        "both_wrong": int(((first != labels) & (second != labels)).sum()),
        "p_value": binomtest(first_only, discordant).pvalue if discordant else 1.0,
    }


def compare(first: pd.DataFrame, second: pd.DataFrame, names: tuple[str, str]) -> dict[str, float | int]:
    """`mcnemar` of two tables of predictions (see predictions.py), which are called `names` in messages.

    Raises `InputError` if their images or labels differ.
    """
    merged = first.merge(second, on=["filename", "class_id"], suffixes=("_first", "_second"))
    if not len(first) == len(second) == len(merged):
        raise InputError(
            f"{names[0]} was tested on {len(first):,} images and {names[1]} on {len(second):,}, of which {len(merged):,} are "
            "the same with the same label; only predictions on the same test set can be compared"
        )
    return mcnemar(*(merged[column].to_numpy() for column in ("class_id", "prediction_first", "prediction_second")))
