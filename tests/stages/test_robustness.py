"""The sample of test images that robustness is measured on."""

import numpy as np
import pandas as pd
import pytest

from gtsrb.config import params
from stages.robustness import sample_images


@pytest.mark.parametrize("images", [1, 3, 50, 999, 1000, 2000])
def test_the_sample_has_each_class_in_its_proportion(images):
    rows = pd.DataFrame({"class_id": np.repeat([2, 0, 1], [600, 399, 1])})  # one class has a single image
    settings = params.load().robustness.model_copy(update={"images": images})
    sample = sample_images(rows, settings)
    assert len(sample) == min(images, 1000) and sample.index.is_unique and sample.index.is_monotonic_increasing
    counts = sample["class_id"].value_counts()
    for class_id, total in rows["class_id"].value_counts().items():
        assert abs(counts.get(class_id, 0) - total * len(sample) / 1000) <= 1
    assert sample.equals(sample_images(rows, settings))


def test_the_seed_decides_the_sample():
    rows = pd.DataFrame({"class_id": np.repeat([0, 1], 500)})
    first, second = (
        sample_images(rows, params.load().robustness.model_copy(update={"images": 99, "seed": seed})) for seed in (0, 1)
    )
    assert not first.equals(second)
