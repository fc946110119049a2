"""Crops of photographs without a sign."""

import numpy as np
import pytest

from gtsrb.evaluation.photographs import CHOOSING, CROP_SIDES, MEASURING, sample_crops


@pytest.fixture
def no_network(monkeypatch):
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("a photograph is downloaded"))


@pytest.mark.parametrize("photograph", MEASURING + CHOOSING)
def test_crops_are_squares_in_colour_of_all_sizes(photograph, no_network):
    crops = sample_crops(photograph, 40)
    sides = np.array([crop.shape[0] for crop in crops])
    assert all(crop.shape == (side, side, 3) and crop.dtype == np.uint8 for crop, side in zip(crops, sides, strict=True))
    assert CROP_SIDES[0] <= sides.min() < 40 and 100 < sides.max() <= CROP_SIDES[1] and len(np.unique(sides)) > 15


def test_crops_are_the_same_in_every_run_and_differ_by_photograph():
    assert all((a == b).all() for a, b in zip(sample_crops("cat", 5), sample_crops("cat", 5), strict=True))
    assert [crop.shape for crop in sample_crops("camera", 5)] != [crop.shape for crop in sample_crops("astronaut", 5)]
