"""The temperature against a known one, and the interval of the calibration error against its own definition."""

import numpy as np
import pytest
from scipy.special import softmax

from gtsrb.evaluation.binned_accuracy import calibration_error, reliability
from gtsrb.evaluation.calibration import apply_temperature, calibration_metrics, fit_temperature


def sample(temperature: float, n: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from probabilities of a softmax, and those that a network with this temperature too much would give."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (n, 5))
    labels = (rng.random(n)[:, None] > softmax(logits, axis=1).cumsum(axis=1)).sum(axis=1)
    return labels, softmax(logits * temperature, axis=1).astype(np.float32)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_the_temperature_is_found_and_calibrates(temperature):
    labels, probabilities = sample(temperature)
    fitted = fit_temperature(labels, probabilities)
    assert fitted == pytest.approx(temperature, rel=0.05)
    calibrated = apply_temperature(probabilities, fitted)
    assert calibration_error(reliability(labels, calibrated)) < 0.02
    assert (calibrated.argmax(axis=1) == probabilities.argmax(axis=1)).all()
    assert calibrated.sum(axis=1) == pytest.approx(1)


def test_a_probability_of_zero_stays_finite():
    assert np.isfinite(apply_temperature(np.float32([[1, 0, 0]]), 0.05)).all()
    assert fit_temperature(np.array([0, 1]), np.float32([[1, 0, 0], [1, 0, 0]])) > 1


def test_the_interval_is_that_of_its_definition():
    """The expected calibration error of groups drawn with replacement, computed anew for each draw."""
    labels, probabilities = sample(0.6, n=300)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    groups = np.arange(300) // 3

    def expected_calibration_error(rows: np.ndarray) -> float:
        bins = np.minimum(np.ceil(confidence[rows] * 15).astype(int) - 1, 14)  # 15 of equal width, closed on the right
        gaps = [(right[rows][bins == k].mean() - confidence[rows][bins == k].mean(), (bins == k).mean()) for k in set(bins)]
        return sum(abs(gap) * share for gap, share in gaps)

    rng = np.random.default_rng(1)
    draws = (np.concatenate([np.flatnonzero(groups == g) for g in rng.integers(0, 100, 100)]) for _ in range(1000))
    expected = np.quantile([expected_calibration_error(rows) for rows in draws], [0.025, 0.975])
    metrics = calibration_metrics(labels, probabilities, groups)
    np.testing.assert_allclose([metrics["low"], metrics["high"]], expected, atol=0.01)


def test_the_interval_is_around_the_error_and_wider_for_groups():
    labels, probabilities = sample(0.6, n=2000)
    right = probabilities.argmax(axis=1) == labels
    order = np.argsort(right, kind="stable")  # groups of equal answers
    groups = np.empty(2000, int)
    groups[order] = np.arange(2000) // 20
    widths = []
    for of_images in (None, groups):
        metrics = calibration_metrics(labels, probabilities, of_images)
        assert metrics["error"] == calibration_error(reliability(labels, probabilities))
        assert metrics["low"] < metrics["error"] < metrics["high"]
        widths.append(metrics["high"] - metrics["low"])
    assert widths[1] > 2 * widths[0]
