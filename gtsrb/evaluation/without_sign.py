"""How confident a network is of pictures without a sign, against pictures with one: does it know what it does not know?"""

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

CONFIDENT = 0.95  # probability of the first answer


def without_sign_metrics(
    with_sign: np.ndarray, without_sign: np.ndarray, unsure_below: float, unknown_below: float
) -> dict[str, float]:
    """(n,) and (m,) probabilities of the first answers -> metrics of telling the two apart by this probability.

    auroc: the area under the ROC curve; 0.5 if the probability says nothing. fpr95: the share of pictures without a sign that
    are answered when 95 % of those with one are (Hendrycks and Gimpel 2017). Shares of pictures without a sign:
    confident, named with a probability of 95 % or more; answered, not marked as unsure; known, not marked as unknown. Shares of
    pictures with a sign that are marked: unsure, and unknown.
    """
    is_sign = np.repeat([1, 0], [len(with_sign), len(without_sign)])
    return {
        "auroc": float(roc_auc_score(is_sign, np.concatenate([with_sign, without_sign]))),
        "fpr95": float((without_sign >= np.quantile(with_sign, 0.05)).mean()),
        "confident": float((without_sign >= CONFIDENT).mean()),
        "answered": float((without_sign >= unsure_below).mean()),
        "known": float((without_sign >= unknown_below).mean()),
        "unsure": float((with_sign < unsure_below).mean()),
        "unknown": float((with_sign < unknown_below).mean()),
    }


def by_photograph(
    photographs: np.ndarray, with_sign: np.ndarray, without_sign: np.ndarray, unsure_below: float, unknown_below: float
) -> pd.DataFrame:
    """The same for the crops of each photograph: (m,) its name -> one row per photograph, in their order: crops and metrics."""
    rows = []
    for photograph, crops in pd.Series(without_sign).groupby(photographs, sort=False):
        metrics = without_sign_metrics(with_sign, crops.to_numpy(), unsure_below, unknown_below)
        of_crops = {key: metrics[key] for key in ("auroc", "fpr95", "confident", "answered", "known")}
        rows.append({"photograph": photograph, "crops": len(crops)} | of_crops)
    return pd.DataFrame(rows)
