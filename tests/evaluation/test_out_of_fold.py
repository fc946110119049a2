"""Metrics of out-of-fold predictions, on three signs of two classes."""

import numpy as np
import pytest

from gtsrb.config.out_of_fold import OutOfFold
from gtsrb.evaluation.binned_accuracy import calibration_error, reliability
from gtsrb.evaluation.calibration import apply_temperature, fit_temperature
from gtsrb.evaluation.metrics import accuracy_metrics
from gtsrb.evaluation.out_of_fold import out_of_fold_metrics, sign_metrics

NAMES = ["stop", "NA", "yield"]
LABELS = np.array([0, 0, 0, 1, 1, 1, 1])
TRACKS = np.array([5, 5, 6, 5, 5, 5, 5])  # numbered within a class
PROBABILITIES = np.array(
    [
        [0.9, 0.1, 0.0],
        [0.8, 0.1, 0.1],
        [0.1, 0.3, 0.6],  # the only image of sign 0/6
        [0.7, 0.2, 0.1],
        [0.1, 0.1, 0.8],
        [0.2, 0.2, 0.6],
        [0.0, 0.9, 0.1],
    ],
    np.float32,
)


def test_one_row_per_sign_the_hardest_first():
    table = sign_metrics(LABELS, TRACKS, PROBABILITIES, NAMES)
    assert table[["class_id", "name", "track", "frames", "errors"]].to_numpy().tolist() == [
        [1, "NA", 5, 4, 3],
        [0, "stop", 6, 1, 1],
        [0, "stop", 5, 2, 0],
    ]
    assert table["true_probability"].tolist() == pytest.approx([1.4 / 4, 0.1, 1.7 / 2])
    assert table["mistaken_for"].iloc[:2].tolist() == ["yield", "yield"]
    assert table["mistaken_for"].isna().tolist() == [False, False, True]


def test_signs_with_equally_many_errors_are_sorted_by_the_probability_of_the_true_class():
    """And of wrong classes that are equally frequent the first is named."""
    labels, tracks = np.array([0, 0, 1, 1]), np.array([0, 0, 0, 0])
    probabilities = np.array([[0.3, 0.7, 0], [0.3, 0, 0.7], [0.7, 0.1, 0.2], [0.7, 0.1, 0.2]])
    table = sign_metrics(labels, tracks, probabilities, NAMES)
    assert table[["name", "errors", "mistaken_for"]].to_numpy().tolist() == [["NA", 2, "stop"], ["stop", 2, "NA"]]


def test_without_errors_there_is_nothing_that_a_sign_is_mistaken_for():
    table = sign_metrics(LABELS, TRACKS, np.eye(3, dtype=np.float32)[LABELS], NAMES)
    assert table["errors"].tolist() == [0, 0, 0] and table["mistaken_for"].isna().all()


def test_metrics_are_those_of_any_predictions_with_an_interval_over_signs():
    signs = sign_metrics(LABELS, TRACKS, PROBABILITIES, NAMES)
    metrics = out_of_fold_metrics(LABELS, TRACKS, PROBABILITIES, signs, OutOfFold(unsure=0.5, unknown=0.2))
    expected = accuracy_metrics(LABELS, PROBABILITIES)
    assert {key: metrics[key] for key in ("accuracy", "errors", "loss")} == {
        key: expected[key] for key in ("accuracy", "errors", "loss")
    }
    assert (metrics["images"], metrics["tracks"], metrics["tracks_with_errors"]) == (7, 3, 2)
    confidences = apply_temperature(PROBABILITIES, metrics["temperature"]).max(axis=1)
    assert metrics["unsure_below"] == pytest.approx(np.sort(confidences)[3], abs=1e-6)
    assert metrics["unknown_below"] == pytest.approx(np.sort(confidences)[1], abs=1e-6)
    assert (metrics["unsure_fraction"], metrics["unsure_errors"], metrics["sure_accuracy"]) == (3 / 7, 3, 3 / 4)
    assert metrics["temperature"] == pytest.approx(fit_temperature(LABELS, PROBABILITIES), abs=1e-6)
    assert metrics["uncalibrated_error"] == pytest.approx(calibration_error(reliability(LABELS, PROBABILITIES)), abs=1e-6)
    calibrated, error = apply_temperature(PROBABILITIES, metrics["temperature"]), metrics["calibration_error"]
    assert error["error"] == pytest.approx(calibration_error(reliability(LABELS, calibrated)), abs=1e-6)
    assert error["low"] <= error["error"] <= error["high"]


def test_the_interval_is_wider_if_errors_come_in_whole_signs():
    labels, tracks = np.zeros(400, int), np.repeat(np.arange(40), 10)
    right, wrong = np.array([0.9, 0.1, 0]), np.array([0.1, 0.9, 0])
    widths = []
    for is_wrong in (np.arange(400) % 10 == 0, tracks < 4):  # 40 errors: one per sign, or all of four signs
        probabilities = np.where(is_wrong[:, None], wrong, right)
        signs = sign_metrics(labels, tracks, probabilities, NAMES)
        metrics = out_of_fold_metrics(labels, tracks, probabilities, signs, OutOfFold(unsure=0.1, unknown=0.0))
        assert metrics["accuracy_low"] <= metrics["accuracy"] == 0.9 <= metrics["accuracy_high"]
        widths.append(metrics["accuracy_high"] - metrics["accuracy_low"])
    deviation = np.sqrt(40 * 10**2 * 0.1 * 0.9) / 400  # of errors that come in tens
    assert widths == [0, pytest.approx(2 * 1.96 * deviation, rel=0.15)]
