"""Predictions: the same as the model's, in any number of batches."""

import numpy as np
import pytest
from example_networks import TUTORIAL, build, random_images

from gtsrb.networks import inference


@pytest.mark.parametrize("batch", [2, 5, 8])
def test_the_batch_size_changes_nothing(monkeypatch, batch):
    monkeypatch.setattr(inference, "PREDICTION_BATCH", batch)
    model, images = build(TUTORIAL), random_images(5)
    probabilities = inference.predict(model, images)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities, model(images), atol=1e-6)


def test_no_images_no_probabilities():
    assert inference.predict(build(TUTORIAL), random_images(0)).shape == (0, 43)
