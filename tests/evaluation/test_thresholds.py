"""Thresholds of confidence, on answers made by hand."""

import json

import numpy as np
import pytest

from gtsrb.errors import InputError
from gtsrb.evaluation.thresholds import Calibration, find_threshold, read_calibration, threshold_metrics

CONFIDENCES = np.random.default_rng(0).permutation([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])


@pytest.mark.parametrize(
    ("fraction", "threshold"), [(0.0, 0.2), (0.12, 0.2), (0.125, 0.3), (0.26, 0.4), (0.5, 0.6), (0.99, 0.9)]
)
def test_at_most_this_fraction_is_below(fraction, threshold):
    assert find_threshold(CONFIDENCES, fraction) == threshold
    assert (threshold > CONFIDENCES).mean() <= fraction


def test_equal_confidences_are_on_the_same_side():
    assert find_threshold(np.array([0.9, 0.5, 0.5, 0.5]), 0.5) == 0.5


def test_a_threshold_has_six_decimals_rounded_down_so_that_the_answer_that_sets_it_is_not_marked():
    assert find_threshold(np.float32([0.99999994, 0.87654329, 0.1]), 0.34) == 0.876543


def test_metrics_say_what_is_marked():
    right = CONFIDENCES > 0.35
    metrics = threshold_metrics(CONFIDENCES, right, unsure=0.4, unknown=0.2)
    expected = {"unsure_below": 0.5, "unknown_below": 0.3, "unsure_fraction": 3 / 8, "unsure_errors": 2, "sure_accuracy": 1.0}
    assert metrics == expected


def test_the_calibration_of_a_recipe_is_in_its_metrics(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "metrics/one/out_of_fold.json"
    path.parent.mkdir(parents=True)
    for content in (None, {"unsure_below": 0.875}):
        if content:
            path.write_text(json.dumps(content))
        with pytest.raises(
            InputError, match=r"^no thresholds in metrics/one/out_of_fold.json; run `dvc repro out_of_fold@one`$"
        ):
            read_calibration("one")
    path.write_text(json.dumps({"unsure_below": 0.875, "unknown_below": 0.3, "temperature": 0.4, "errors": 3}))
    assert read_calibration("one") == Calibration(0.4, 0.875, 0.3)
