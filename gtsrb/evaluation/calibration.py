"""Probabilities that mean what they say: a temperature fitted on out-of-fold predictions (Guo et al. 2017)."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import bootstrap

from gtsrb.evaluation.binned_accuracy import CONFIDENCE_BINS

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
    logits = np.log(probabilities.astype(np.float64).clip(LOWEST)) / temperature
    scores = np.exp(logits - logits.max(axis=1, keepdims=True))
    return scores / scores.sum(axis=1, keepdims=True)


def calibration_interval(
    confidences: np.ndarray, right: np.ndarray, groups: np.ndarray, *, draws: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """95 % interval of `binned_accuracy.calibration_error`, by the percentile bootstrap over groups (Efron 1979).

    (n,) top probabilities, (n,) bool, whether the answer is right, (n,) group, such as the track, from 0 on.
    """
    edges = np.linspace(0, 1, CONFIDENCE_BINS + 1)[1:-1]
    bins = np.digitize(confidences, edges, right=True)
    gaps, sizes = np.zeros((2, groups.max() + 1, CONFIDENCE_BINS))
    np.add.at(gaps, (groups, bins), right - confidences.astype(np.float64))
    np.add.at(sizes, (groups, bins), 1)

    def error(drawn: np.ndarray, axis: int) -> np.ndarray:
        return np.abs(gaps[drawn].sum(axis=axis - 1)).sum(axis=-1) / sizes[drawn].sum(axis=(axis - 1, -1))

    drawn = (np.arange(len(gaps)),)
    interval = bootstrap(drawn, error, n_resamples=draws, batch=20, method="percentile", rng=seed).confidence_interval
    return float(interval.low), float(interval.high)
