"""Which rows train without a group of classes, and how its photographs are counted."""

import numpy as np
import pytest

from scripts.hold_out_classes import choose_rows, measure


def test_no_photograph_of_the_group_trains_and_all_are_measured():
    labels, tracks = np.repeat(np.arange(6), 50), np.arange(300) // 5
    train, known, unseen = choose_rows(labels, tracks, np.array([1, 4]))
    assert set(labels[train]) == set(labels[known]) == {0, 2, 3, 5}
    assert (unseen == np.flatnonzero(np.isin(labels, [1, 4]))).all()
    assert sorted([*train, *known, *unseen]) == list(range(300))
    assert not set(tracks[train]) & set(tracks[known])


def test_a_class_is_answered_where_its_confidence_is_above_that_of_one_percent_of_the_known():
    known, unseen = np.arange(200), np.arange(200, 206)
    labels = np.array([0] * 200 + [2, 2, 2, 2, 1, 1])
    confidences = np.concatenate([np.linspace(0.6, 0.999, 200), [0.55, 0.56, 0.7, 0.9999, 0.51, 0.52]])
    probabilities = np.column_stack([confidences, 1 - confidences, np.zeros(206)])
    table = measure(labels, known, unseen, probabilities, ["a", "b", "c"]).set_index("name")
    assert table["images"].to_dict() == {"b": 2, "c": 4}
    assert table["answered"].to_dict() == {"b": 0.0, "c": 0.5}
    assert table["named"].to_dict() == {"b": "a", "c": "a"}
    above = (np.linspace(0.6, 0.999, 200) < 0.7).mean()  # the AUROC is the share of pairs that are in order
    assert table.loc["c", "auroc"] == pytest.approx((3 - above) / 4) and table.loc["b", "auroc"] == 1
