"""The confidences below which an answer is marked as unsure, and as unknown: found on out-of-fold predictions."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gtsrb.errors import InputError

STEPS = 10**6  # of confidence, which is rounded down to six decimals: those that a metrics file keeps


class Calibration(NamedTuple):
    """What the out-of-fold predictions of a recipe say of its confidences."""

    temperature: float  # of its logits
    unsure_below: float  # confidence, at this temperature
    unknown_below: float


def find_threshold(confidences: np.ndarray, fraction: float) -> float:
    """The largest confidence below which at most this fraction of (n,) confidences in [0, 1] is; equal ones on one side."""
    steps = np.sort(np.floor(confidences.astype(np.float64) * STEPS).astype(np.int64))
    return int(steps[int(fraction * len(steps))]) / STEPS


def threshold_metrics(confidences: np.ndarray, right: np.ndarray, *, unsure: float, unknown: float) -> dict[str, float | int]:
    """(n,) confidences and (n,) bool, whether the answer is right -> both thresholds, and what the higher one would mark.

    `unsure` and `unknown` are the fractions of answers that may be below each. `unsure_fraction` is that of the answers below
    the first, `unsure_errors` the wrong ones among them, `sure_accuracy` how many of the others are right.
    """
    unsure_below = find_threshold(confidences, unsure)
    is_unsure = confidences < unsure_below
    return {
        "unsure_below": unsure_below,
        "unknown_below": find_threshold(confidences, unknown),
        "unsure_fraction": float(is_unsure.mean()),
        "unsure_errors": int((is_unsure & ~right).sum()),
        "sure_accuracy": float(right[~is_unsure].mean()),
    }


def read_calibration(recipe: str) -> Calibration:
    """That of a cross-validated recipe. Raises `InputError` if its out-of-fold predictions are not measured."""
    path = Path(f"metrics/{recipe}/out_of_fold.json")
    try:
        metrics = json.loads(path.read_text())
        return Calibration(*(metrics[name] for name in Calibration._fields))
    except (FileNotFoundError, KeyError):
        raise InputError(f"no thresholds in {path}; run `dvc repro out_of_fold@{recipe}`") from None
