"""What a study's line says of pictures without a sign."""

import numpy as np

from gtsrb.evaluation.photographs import CHOOSING
from gtsrb.studies.training import CROPS, MARKED, answered, prepare_places


def test_pictures_are_answered_above_the_confidence_of_the_least_confident_images():
    with_sign = np.linspace(0.4, 1, 1000)
    threshold = np.sort(with_sign)[int(MARKED * 1000)]
    assert answered(with_sign, np.array([0.1, threshold - 0.01, threshold + 0.01, 1.0])) == 0.5


def test_they_are_prepared_like_any_picture_of_the_variant(params):
    variant = params.preprocess["roi_both_32"]
    places = prepare_places(variant)
    assert places.shape == (CROPS * len(CHOOSING), *variant.shape) and places.dtype == variant.dtype
    assert 40 < places.mean() < 200 and places.std(axis=(1, 2, 3)).min() > 1
