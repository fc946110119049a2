"""Metrics against values worked out by hand, and the tutorial's."""

import numpy as np
import pytest

from gtsrb.evaluation import metrics

NAMES = ["a", "b", "c"]
LABELS = np.array([0, 0, 0, 0, 1, 1, 2, 2])
PREDICTIONS = np.array([0, 0, 0, 1, 1, 1, 2, 0])


def probabilities_of(predictions: np.ndarray, classes: int = 3, confidence: float = 0.8) -> np.ndarray:
    """Probabilities whose maximum, `confidence`, is that of the prediction."""
    probabilities = np.full((len(predictions), classes), (1 - confidence) / (classes - 1), "float32")
    probabilities[np.arange(len(predictions)), predictions] = confidence
    return probabilities


def test_accuracy_metrics():
    result = metrics.accuracy_metrics(LABELS, probabilities_of(PREDICTIONS))
    assert list(result) == [
        "accuracy", "accuracy_low", "accuracy_high", "errors", "loss", "macro_accuracy", "top5_accuracy",
    ]  # fmt: skip
    assert result["accuracy"] == 0.75
    assert result["errors"] == 2
    assert result["macro_accuracy"] == pytest.approx((3 / 4 + 1 + 1 / 2) / 3)
    assert result["loss"] == pytest.approx(-(6 * np.log(0.8) + 2 * np.log(0.1)) / 8, rel=1e-6)


def test_wilsons_interval():
    """The tutorial's 12,368 of 12,630, by Wilson's formula."""
    labels = np.zeros(12_630, int)
    predictions = np.r_[np.zeros(12_368, int), np.ones(262, int)]
    result = metrics.accuracy_metrics(labels, probabilities_of(predictions))
    z, n, p = 1.959964, 12_630, 12_368 / 12_630
    center, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert result["accuracy_low"] == pytest.approx((center - half) / (1 + z**2 / n), abs=1e-6)
    assert result["accuracy_high"] == pytest.approx((center + half) / (1 + z**2 / n), abs=1e-6)


def test_top5():
    probabilities = np.linspace(1, 2, 43, dtype="float32")[None].repeat(2, axis=0)
    assert metrics.accuracy_metrics(np.array([38, 37]), probabilities)["top5_accuracy"] == 0.5


def test_class_metrics():
    rows = metrics.class_metrics(LABELS, PREDICTIONS, [*NAMES, "never seen"])
    assert rows["images"].tolist() == [4, 2, 2, 0]
    assert rows["errors"].tolist() == [1, 0, 1, 0]
    assert rows["accuracy"].tolist()[:3] == [0.75, 1.0, 0.5]
    assert np.isnan(rows["accuracy"].iloc[3])


def test_confusion_counts():
    rows = metrics.confusion_counts(LABELS, PREDICTIONS, NAMES)
    assert rows.to_numpy().tolist() == [["a", "a", 3], ["a", "b", 1], ["b", "b", 2], ["c", "a", 1], ["c", "c", 1]]


@pytest.mark.parametrize("classes", [2, 3, 5, 6])
def test_top5_of_few_classes(classes):
    """With up to 5 classes, top-5 accuracy counts all but the least likely."""
    labels, predictions = np.arange(classes).repeat(2), np.zeros(2 * classes, int)
    result = metrics.accuracy_metrics(
        labels, probabilities_of(predictions, classes) - np.arange(classes, dtype="float32") / 100
    )
    assert result["accuracy"] == pytest.approx(1 / classes)
    assert result["top5_accuracy"] == pytest.approx(min(5, classes - 1) / classes)
