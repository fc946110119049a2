"""Accuracy in bins against values worked out by hand, and calibration against scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import calibration_curve

from gtsrb.data.tables import ROI, encode_ppm
from gtsrb.evaluation import binned_accuracy
from gtsrb.evaluation.intervals import wilson_interval


def test_accuracy_in_bins():
    values = np.array([1.0, 2.0, 2.5, 3.0, 9.0])
    right = np.array([True, False, True, True, False])
    table = binned_accuracy.accuracy_in_bins(values, right, np.array([1, 2, 3, 4, 5]))
    assert table["low"].tolist() == [1, 2, 4]  # (3, 4] has no image; 9 is beyond the edges
    assert table["high"].tolist() == [2, 3, 5]
    assert table["mean"].tolist() == [1.5, 2.75, 9]
    assert table["images"].tolist() == [2, 2, 1]
    assert table["errors"].tolist() == [1, 0, 1]
    assert table["accuracy"].tolist() == [0.5, 1, 0]
    low, high = wilson_interval([1, 2, 0], [2, 2, 1])
    assert (table["accuracy_low"].tolist(), table["accuracy_high"].tolist()) == (low.tolist(), high.tolist())


def test_quantiles_have_equally_many_images():
    values = np.random.default_rng(0).permutation(1000)
    table = binned_accuracy.accuracy_in_quantiles(values, np.ones(1000, bool))
    assert table["images"].tolist() == [100] * 10
    assert (table["low"].iloc[0], table["high"].iloc[-1]) == (0, 999)


@pytest.mark.parametrize(("values", "images"), [([7] * 5, [5]), ([7] * 8 + [8, 9], [8, 1, 1])])
def test_equal_values_share_a_bin(values, images):
    table = binned_accuracy.accuracy_in_quantiles(np.array(values), np.zeros(len(values), bool))
    assert table["images"].tolist() == images
    assert table["errors"].tolist() == images


def test_side_and_luma_are_those_of_the_annotated_box():
    pixels = np.zeros((10, 20, 3), np.uint8)
    pixels[2:6, 3:12] = 255, 0, 51  # 4 rows, 9 columns
    box = {"roi_x1": 3, "roi_y1": 2, "roi_x2": 11, "roi_y2": 5}
    rows = pd.DataFrame([box | {"image": encode_ppm(pixels)}, box | {"image": encode_ppm(255 - pixels)}])
    assert binned_accuracy.box_sides(rows).tolist() == [6, 6]
    luma = 0.299 + 0.114 / 5
    assert binned_accuracy.box_luma(rows[["image", *ROI]].itertuples(index=False)) == pytest.approx([luma, 1 - luma])


def test_reliability_equals_scikit_learns_calibration_curve():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.full(4, 0.3), 2000).astype(np.float32)
    labels = rng.integers(0, 4, 2000)
    table = binned_accuracy.reliability(labels, probabilities)
    right, confidence = probabilities.argmax(axis=1) == labels, probabilities.max(axis=1).astype(np.float64)
    accuracy, mean = calibration_curve(right, confidence, n_bins=15)
    assert table["accuracy"].to_numpy() == pytest.approx(accuracy)
    assert table["mean"].to_numpy() == pytest.approx(mean)
    assert table["images"].sum() == 2000


def test_calibration_error():
    """Two bins: 3 images with confidence 0.9 and accuracy 1/3; 1 image with confidence 0.6 and accuracy 1."""
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.4, 0.6]])
    table = binned_accuracy.reliability(np.array([0, 1, 1, 1]), probabilities)
    assert binned_accuracy.calibration_error(table) == pytest.approx((3 * (0.9 - 1 / 3) + 1 * 0.4) / 4)
    certain = binned_accuracy.reliability(np.array([0, 1]), np.eye(2))
    assert binned_accuracy.calibration_error(certain) == 0
