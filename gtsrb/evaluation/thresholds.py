"""The confidence below which an answer is marked as unsure: found by a rule on out-of-fold predictions, read by the export."""

import json
from pathlib import Path

import numpy as np

from gtsrb.errors import InputError

STEPS = 10**6  # of confidence, which is rounded down to six decimals: those that a metrics file keeps


def unsure_metrics(confidences: np.ndarray, right: np.ndarray, confident_accuracy: float) -> dict[str, float | int]:
    """(n,) confidences in [0, 1] and (n,) bool, whether the answer is right -> the threshold, and what it would flag.

    `unsure_below` is the smallest of the confidences such that of all answers at or above it at least the fraction
    `confident_accuracy` is right; 1 if there is none, so that only a confidence of exactly 1 is not flagged. Equal confidences
    are on the same side. `unsure_fraction` is that of the answers below it, `unsure_errors` the wrong ones among them.
    """
    steps = np.floor(confidences.astype(np.float64) * STEPS).astype(np.int64)
    order = np.argsort(-steps, kind="stable")
    falling = steps[order]
    is_last_of_equals = np.append(falling[1:] != falling[:-1], True)
    accuracy = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    reached = np.flatnonzero(is_last_of_equals & (accuracy >= confident_accuracy))
    threshold = int(falling[reached[-1]]) if len(reached) else STEPS
    unsure = steps < threshold
    return {
        "unsure_below": threshold / STEPS,
        "unsure_fraction": float(unsure.mean()),
        "unsure_errors": int((unsure & ~right).sum()),
    }


def read_threshold(recipe: str) -> float:
    """`unsure_below` of a cross-validated recipe. Raises `InputError` if its out-of-fold predictions are not measured."""
    path = Path(f"metrics/{recipe}/out_of_fold.json")
    try:
        return json.loads(path.read_text())["unsure_below"]
    except FileNotFoundError:
        raise InputError(f"{path} not found; run `dvc repro out_of_fold@{recipe}`") from None
