"""Metrics of out-of-fold predictions: of all training images, each by a network that has not seen its physical sign."""

from typing import Any

import numpy as np
import pandas as pd

from gtsrb.config.out_of_fold import OutOfFold
from gtsrb.evaluation.binned_accuracy import calibration_error, reliability
from gtsrb.evaluation.calibration import apply_temperature, calibration_metrics, fit_temperature
from gtsrb.evaluation.intervals import track_bootstrap
from gtsrb.evaluation.metrics import accuracy_metrics
from gtsrb.evaluation.thresholds import threshold_metrics


def sign_metrics(labels: np.ndarray, tracks: np.ndarray, probabilities: np.ndarray, names: list[str]) -> pd.DataFrame:
    """(n,) labels and tracks, numbered within their class, (n, classes) probabilities -> one row per sign, the hardest first:
    class_id, name, track, frames, errors, true_probability, mistaken_for.

    `true_probability` is the mean probability of the true class, `mistaken_for` the name of the most frequent wrong class (of
    several the first), empty without errors. Signs with equally many errors are sorted by `true_probability`.
    """
    sign = ["class_id", "track"]
    predictions = probabilities.argmax(axis=1)
    rows = pd.DataFrame(
        {
            "class_id": labels,
            "track": tracks,
            "prediction": predictions,
            "error": predictions != labels,
            "true_probability": probabilities[np.arange(len(labels)), labels].astype(np.float64),
        }
    )
    table = rows.groupby(sign).agg(
        frames=("error", "size"), errors=("error", "sum"), true_probability=("true_probability", "mean")
    )
    wrong = rows[rows["error"]].groupby(sign)["prediction"].agg(lambda classes: names[classes.mode()[0]])
    table["mistaken_for"] = wrong.reindex(table.index)
    table = table.reset_index()
    table.insert(1, "name", table["class_id"].map(names.__getitem__))
    return table.sort_values(["errors", "true_probability"], ascending=[False, True], kind="stable", ignore_index=True)


def out_of_fold_metrics(
    labels: np.ndarray, tracks: np.ndarray, probabilities: np.ndarray, signs: pd.DataFrame, params: OutOfFold
) -> dict[str, Any]:
    """(n,) labels and tracks, (n, classes) probabilities, their `sign_metrics` -> what metrics/RECIPE/out_of_fold.json holds.

    The metrics of `accuracy_metrics`, whose interval is here that of a bootstrap over signs; the expected calibration error as
    the network is; the temperature that makes confidences agree with accuracy; and at this temperature the calibration error,
    with its interval over signs, and the thresholds that `params` lead to.
    """
    low, high = (1 - errors / len(labels) for errors in track_bootstrap(signs["errors"].to_numpy())[::-1])
    right, temperature = probabilities.argmax(axis=1) == labels, fit_temperature(labels, probabilities)
    calibrated = apply_temperature(probabilities, temperature)
    sign_numbers = pd.DataFrame({"class_id": labels, "track": tracks}).groupby(["class_id", "track"]).ngroup().to_numpy()
    return {
        **accuracy_metrics(labels, probabilities),
        "accuracy_low": low,
        "accuracy_high": high,
        "images": len(labels),
        "tracks": len(signs),
        "tracks_with_errors": int((signs["errors"] > 0).sum()),
        "uncalibrated_error": calibration_error(reliability(labels, probabilities)),
        "temperature": temperature,
        "calibration_error": calibration_metrics(labels, calibrated, sign_numbers),
        **threshold_metrics(calibrated.max(axis=1), right, unsure=params.unsure, unknown=params.unknown),
    }
