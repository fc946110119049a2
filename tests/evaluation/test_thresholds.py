"""The rule for `unsure_below`, on answers made by hand."""

import json

import numpy as np
import pytest

from gtsrb.errors import InputError
from gtsrb.evaluation.thresholds import read_threshold, unsure_metrics

ANSWERS = {
    0.9: True,
    0.8: True,
    0.7: False,
    0.6: True,
    0.5: True,
    0.4: False,
}  # accuracy from each on: 1, 1, 2/3, 3/4, 4/5, 4/6


def measure(confidences, right, confident_accuracy: float) -> tuple:
    metrics = unsure_metrics(np.array(confidences, np.float64), np.array(right), confident_accuracy)
    return tuple(metrics.values())


@pytest.mark.parametrize(
    ("confident_accuracy", "below", "flagged", "errors"),
    [
        (1.0, 0.8, 4, 2),
        (0.81, 0.8, 4, 2),
        (0.8, 0.5, 1, 1),  # although from 0.7 on it is less: the smallest confidence counts
        (0.75, 0.5, 1, 1),
        (0.6, 0.4, 0, 0),
    ],
)
def test_the_smallest_confidence_from_which_on_this_fraction_is_right(confident_accuracy, below, flagged, errors):
    order = np.random.default_rng(0).permutation(6)
    confidences, right = np.array(list(ANSWERS))[order], np.array(list(ANSWERS.values()))[order]
    assert measure(confidences, right, confident_accuracy) == (below, flagged / 6, errors)


def test_equal_confidences_are_on_the_same_side():
    """Whichever of them comes first: with all three at 0.9 two of three are right."""
    for right in ([True, True, False], [False, True, True]):
        assert measure([0.9, 0.9, 0.9], right, 0.9) == (1.0, 1.0, 1)
        assert measure([0.9, 0.9, 0.9], right, 2 / 3) == (0.9, 0.0, 0)


def test_a_fraction_that_is_never_reached_leaves_only_a_confidence_of_one_unflagged():
    assert measure([1.0, 0.9], [False, True], 0.99) == (1.0, 0.5, 0)
    assert measure([0.9, 0.8], [False, False], 0.5) == (1.0, 1.0, 2)


def test_the_threshold_has_six_decimals_rounded_down_so_that_the_answer_that_sets_it_is_not_flagged():
    confidences = np.float32([0.99999994, 0.87654329, 0.1])
    metrics = unsure_metrics(confidences, np.array([True, True, False]), 1.0)
    assert metrics == {"unsure_below": 0.876543, "unsure_fraction": pytest.approx(1 / 3), "unsure_errors": 1}
    assert confidences[1] >= metrics["unsure_below"]


def test_the_threshold_of_a_recipe_is_in_its_metrics(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"^metrics/one/out_of_fold.json not found; run `dvc repro out_of_fold@one`$"):
        read_threshold("one")
    (tmp_path / "metrics/one").mkdir(parents=True)
    (tmp_path / "metrics/one/out_of_fold.json").write_text(json.dumps({"unsure_below": 0.875}))
    assert read_threshold("one") == 0.875
