"""The recipe that most of these tests train."""

import pytest

from gtsrb.config.train import Recipe


@pytest.fixture
def recipe(raw_params: dict) -> Recipe:
    """A tiny network, four epochs of three batches (the last one is smaller), with augmentation."""
    content = raw_params["train"]["augmented"]
    content |= {"epochs": 4, "batch_size": 16, "seed": 3, "device": "cpu", "threads": 1}
    content["network"] |= {"filters": [4], "dense_units": [8]}
    content["schedule"]["every"] = 2
    return Recipe.model_validate(content)
