"""Is the difference between two sets of predictions of the same images significant?"""

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from gtsrb.errors import InputError


def mcnemar(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> dict[str, float | int]:
    """Compares the predictions `first` and `second`, (n,) each, on the same images: discordant counts, exact p-value.

    McNemar (1947), exact: twice the lesser tail of Binomial(discordant, 1/2). It, too, takes images as independent.
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
    """McNemar's test (`metrics.mcnemar`) of two such tables. Raises `InputError` if their images or labels differ."""
    both = first.merge(second, on=["filename", "class_id"], suffixes=("_first", "_second"))
    if not len(first) == len(second) == len(both):
        raise InputError(
            f"{names[0]} was tested on {len(first):,} images and {names[1]} on {len(second):,}, of which {len(both):,} are the "
            "same with the same label; only predictions of one test set can be compared"
        )
    return mcnemar(*(both[column].to_numpy() for column in ("class_id", "prediction_first", "prediction_second")))
