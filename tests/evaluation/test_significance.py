"""McNemar's test against the binomial distribution, and the comparison of two tables of predictions."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from gtsrb.errors import InputError
from gtsrb.evaluation import significance

LABELS = np.arange(40) % 4


def table(wrong: list[int]) -> pd.DataFrame:
    """Predictions of forty images, of which the rows `wrong` are predicted as the next class."""
    predicted = LABELS.copy()
    predicted[wrong] += 1
    return pd.DataFrame({"filename": [f"{i:05d}.ppm" for i in range(40)], "class_id": LABELS, "prediction": predicted})


def test_mcnemar():
    labels = np.zeros(100, int)
    first, second = labels.copy(), labels.copy()
    first[:15] = 1  # 12 wrong in the first only,
    second[12:18] = 1  # 3 in both, 3 in the second only
    assert significance.mcnemar(labels, first, second) == {
        "only_first_wrong": 12,
        "only_second_wrong": 3,
        "both_wrong": 3,
        "p_value": pytest.approx(2 * binom.cdf(3, 15, 0.5)),
    }
    assert significance.mcnemar(labels, first, first)["p_value"] == 1.0


def test_counts_do_not_depend_on_the_order_of_the_images():
    first, second = table([0, 1, 2]), table([2, 3]).sample(frac=1, random_state=0)
    counts = significance.compare(first, second, ("a", "b"))
    assert counts == {"only_first_wrong": 2, "only_second_wrong": 1, "both_wrong": 1, "p_value": 1.0}


@pytest.mark.parametrize("edit", ["fewer images", "another label", "another image"])
def test_another_test_set_is_a_one_line_error(edit):
    first, second = table([0]), table([1])
    if edit == "fewer images":
        second = second[1:]
    elif edit == "another label":
        second.loc[0, "class_id"] = 3
    else:
        second.loc[0, "filename"] = "x.ppm"
    expected = rf"^a was tested on 40 images and b on {len(second)}, of which 39 are the same with the same label; only .*$"
    with pytest.raises(InputError, match=expected) as error:
        significance.compare(first, second, ("a", "b"))
    assert "\n" not in str(error.value)
