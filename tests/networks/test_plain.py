"""The tutorial's network: its layers, its number of parameters, and what its params change."""

import pytest
from example_networks import TUTORIAL, build

from gtsrb.config.params import parse
from gtsrb.errors import InputError


def layer_types(model) -> list[str]:
    """Of all layers but the input."""
    return [type(layer).__name__ for layer in model.layers[1:]]


def test_the_tutorials_network():
    model = build(TUTORIAL)
    assert model.count_params() == 1_358_155
    block = ["Conv2D", "Conv2D", "MaxPooling2D", "Dropout"]
    assert layer_types(model) == ["Rescaling", *block * 3, "Flatten", "Dense", "Dropout", "Dense"]
    pooled = [layer.output.shape[1:] for layer in model.layers if "MaxPooling" in type(layer).__name__]
    assert pooled == [(23, 23, 32), (10, 10, 64), (4, 4, 128)]
    assert [layer.rate for layer in model.layers if hasattr(layer, "rate")] == [0.2, 0.2, 0.2, 0.5]
    initializers = {type(layer.kernel_initializer).__name__ for layer in model.layers if hasattr(layer, "kernel_initializer")}
    assert initializers == {"GlorotUniform"}


@pytest.mark.parametrize(
    ("change", "parameters"),
    [
        ({"filters": [32, 64]}, 32 * 28 + 32 * 289 + 64 * 289 + 64 * 577 + 512 * (6400 + 1) + 43 * 513),
        ({"padding": ["same"], "pool_after": 1}, 32 * 28 + 64 * 289 + 128 * 577 + 512 * (6 * 6 * 128 + 1) + 43 * 513),
        ({"dense_units": []}, 287_008 + 43 * 2049),
        ({"kernel_size": 5, "padding": ["same"], "pool_after": 1}, 32 * 76 + 64 * 801 + 128 * 1601 + 512 * 4609 + 43 * 513),
    ],
)
def test_params_change_the_number_of_parameters(change, parameters):
    assert build(TUTORIAL.model_copy(update=change)).count_params() == parameters


def test_batch_normalization_comes_before_every_activation():
    model = build(TUTORIAL.model_copy(update={"batch_normalization": True}))
    convolution, dense = (["Conv2D", "BatchNormalization", "Activation"], ["Dense", "BatchNormalization", "Activation"])
    block = [*convolution * 2, "MaxPooling2D", "Dropout"]
    assert layer_types(model) == ["Rescaling", *block * 3, "Flatten", *dense, "Dropout", "Dense"]
    assert model.count_params() == 1_358_155 + 3 * (2 * 224 + 512)  # four vectors per layer in place of the bias


def test_pooling_after_the_first_convolution_of_a_block():
    model = build(TUTORIAL.model_copy(update={"pool_after": 1}))
    assert layer_types(model)[1:5] == ["Conv2D", "MaxPooling2D", "Conv2D", "Dropout"]
    assert [layer.output.shape[1] for layer in model.layers if "MaxPooling" in type(layer).__name__] == [24, 11, 4]


@pytest.mark.parametrize("size", [37, 48, 60])
@pytest.mark.parametrize("pool_after", [1, 2])
def test_final_side_is_that_of_the_last_feature_map(size, pool_after):
    params = TUTORIAL.model_copy(update={"pool_after": pool_after})
    assert build(params, size=size).get_layer("block3_dropout").output.shape[1] == params.final_side(size)


def test_a_block_pools_after_one_of_its_convolutions(raw_params):
    raw_params["train"]["baseline"]["network"]["pool_after"] = 3
    with pytest.raises(InputError, match=r"pool_after = 3: expected 1 to 2, the number of convolutions in a block"):
        parse(raw_params)
