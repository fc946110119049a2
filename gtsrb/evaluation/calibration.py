"""Probabilities that mean what they say: a temperature fitted on out-of-fold predictions (Guo et al. 2017)."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from scipy.stats import bootstrap

from gtsrb.evaluation.binned_accuracy import CONFIDENCE_EDGES, bin_indices, calibration_error, reliability

LOWEST = 1e-30  # probability, so that its logarithm is finite
TEMPERATURES = 0.05, 20.0  # least and most


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """(n,) labels, (n, classes) probabilities -> the temperature at which their cross-entropy is least.

    Below 1 the network was not confident enough, as after label smoothing; above 1 too confident.
    """

    def loss(log_temperature: float) -> float:
        cooled = apply_temperature(probabilities, float(np.exp(log_temperature)))
        return -float(np.log(cooled[np.arange(len(labels)), labels].clip(LOWEST)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded").x))


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """(n, classes) softmax probabilities -> those of the same logits divided by `temperature`, float64."""
    return softmax(np.log(probabilities.astype(np.float64).clip(LOWEST)) / temperature, axis=1)


def calibration_metrics(labels: np.ndarray, probabilities: np.ndarray, groups: np.ndarray | None = None) -> dict[str, float]:
    """(n,) labels, (n, classes) probabilities -> `error`, the expected calibration error, `low` and `high`.

    These are its 95 % interval by the percentile bootstrap (Efron 1979) over groups: (n,) numbers from 0 on, such as the track,
    or each image by itself.
    """
    confidences, right = probabilities.max(axis=1).astype(np.float64), probabilities.argmax(axis=1) == labels
    groups = np.arange(len(labels)) if groups is None else groups
    bins = bin_indices(confidences, CONFIDENCE_EDGES)
    gaps, sizes = np.zeros((2, groups.max() + 1, len(CONFIDENCE_EDGES) - 1))
    np.add.at(gaps, (groups, bins), right - confidences)
    np.add.at(sizes, (groups, bins), 1)

    def error(draws: np.ndarray, axis: int) -> np.ndarray:  # (resamples, groups); `axis` tells SciPy that it takes several
        times = np.stack([np.bincount(draw, minlength=len(gaps)) for draw in np.atleast_2d(draws)])
        return np.abs(times @ gaps).sum(axis=-1) / (times @ sizes).sum(axis=-1)

    drawn = (np.arange(len(gaps)),)
    interval = bootstrap(drawn, error, n_resamples=1000, batch=20, method="percentile", rng=0).confidence_interval
    measured = calibration_error(reliability(labels, probabilities))
    return {"error": measured, "low": float(interval.low), "high": float(interval.high)}
