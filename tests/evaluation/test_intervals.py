"""Intervals against their formulas."""

import numpy as np
import pytest

from gtsrb.evaluation.intervals import track_bootstrap, wilson_interval


def test_wilsons_interval():
    low, high = wilson_interval([9, 0], [10, 0])
    z, n, p = 1.959964, 10, 0.9
    center, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert (low[0], high[0]) == pytest.approx(((center - half) / (1 + z**2 / n), (center + half) / (1 + z**2 / n)))
    assert np.isnan([low[1], high[1]]).all()  # no images, no interval


def test_the_bootstrap_interval_is_that_of_a_sum():
    values = np.random.default_rng(0).normal(1, 2, 400)
    low, high = track_bootstrap(values)
    assert (low + high) / 2 == pytest.approx(values.sum(), abs=3)
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() * 20, rel=0.05)
    assert track_bootstrap(np.ones(9)) == (9, 9)
