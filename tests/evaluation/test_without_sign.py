"""Pictures without a sign, told from those with one by the probability of the first answer."""

import numpy as np
import pytest

from gtsrb.evaluation.without_sign import by_photograph, without_sign_metrics


def test_metrics_of_known_probabilities():
    """Of 20 signs one is at 0.5 and one at 0.9, the others are at 1; of four pictures without a sign one is more probable."""
    with_sign = np.array([0.5, 0.9, *[1.0] * 18])
    metrics = without_sign_metrics(with_sign, np.array([0.2, 0.4, 0.94, 0.99]), unsure_below=0.95, unknown_below=0.6)
    ranks = (20 + 20 + 18 + 18) / 80  # of the signs, those above each picture without one
    shares = {"confident": 0.25, "answered": 0.25, "known": 0.5, "unsure": 0.1, "unknown": 0.05}
    assert metrics == pytest.approx({"auroc": ranks, "fpr95": 0.5, **shares})


def test_a_network_that_is_sure_of_everything_knows_nothing():
    metrics = without_sign_metrics(np.ones(10), np.ones(5), unsure_below=0.99, unknown_below=0.5)
    assert metrics == {
        "auroc": 0.5,
        "fpr95": 1.0,
        "confident": 1.0,
        "answered": 1.0,
        "known": 1.0,
        "unsure": 0.0,
        "unknown": 0.0,
    }


def test_metrics_by_photograph_in_their_order():
    with_sign, without_sign = np.array([0.98, 1.0]), np.array([0.96, 0.999, 0.1, 0.97])
    table = by_photograph(["moon", "moon", "cat", "cat"], with_sign, without_sign, unsure_below=0.99, unknown_below=0.5)
    assert list(table) == ["photograph", "crops", "auroc", "fpr95", "confident", "answered", "known"]
    assert table.to_numpy().tolist() == [["moon", 2, 0.75, 0.5, 1.0, 0.5, 1.0], ["cat", 2, 1.0, 0.0, 0.5, 0.0, 0.5]]
