"""The residual network: its stages, its number of parameters, and how its blocks start and learn."""

import keras
import numpy as np
import pytest
from example_networks import RESIDUAL, build, random_images


def conv_parameters(size: int, channels: int, filters: int) -> int:
    return filters * (size * size * channels + 1)


def test_the_residual_network():
    model = build(RESIDUAL)
    stage1 = conv_parameters(3, 8, 8) * 2
    stage2 = conv_parameters(3, 8, 16) + conv_parameters(1, 8, 16) + 3 * conv_parameters(3, 16, 16)
    assert model.count_params() == conv_parameters(3, 3, 8) + stage1 + stage2 + 43 * 17
    sides = {layer.name: layer.output.shape[1] for layer in model.layers if layer.name.endswith("_add")}
    assert sides == {"stage1_block1_add": 24, "stage2_block1_add": 12, "stage2_block2_add": 12}
    assert RESIDUAL.final_side(48) == 12


@pytest.mark.parametrize("batch_normalization", [True, False])
def test_a_block_starts_as_its_shortcut(batch_normalization):
    model = build(RESIDUAL.model_copy(update={"batch_normalization": batch_normalization}))
    names = ["stem_activation" if batch_normalization else "stem", "stage1_block1"]
    before, after = keras.Model(model.input, [model.get_layer(name).output for name in names])(random_images(2))
    np.testing.assert_allclose(before, after, atol=1e-6)


@pytest.mark.seconds
@pytest.mark.parametrize("batch_normalization", [True, False])
def test_every_layer_learns(batch_normalization):
    """A convolution that starts at zero has to be linear: before a ReLU it would never get a gradient."""
    model = build(RESIDUAL.model_copy(update={"batch_normalization": batch_normalization}))
    model.compile("sgd", loss="categorical_crossentropy", jit_compile=False)
    before = {layer.name: layer.get_weights() for layer in model.layers if layer.get_weights()}
    for _ in range(2):
        model.train_on_batch(random_images(8), np.eye(43, dtype="float32")[:8])
    for name, weights in before.items():
        assert any((old != new).any() for old, new in zip(weights, model.get_layer(name).get_weights(), strict=True)), name


@pytest.mark.parametrize(
    ("change", "added_parameters"),
    [
        ({"stem_stride": 4}, 0),
        ({"blocks": [2, 2]}, 2 * conv_parameters(3, 8, 8)),
        ({"kernel_size": 5}, 16 * 3 * 8 + 16 * 8 * 8 * 2 + 16 * 8 * 16 + 3 * 16 * 16 * 16),
        ({"dense_units": [20]}, 20 * 17 + 43 * 21 - 43 * 17),
        ({"head": "flatten"}, 43 * (12 * 12 - 1) * 16),
        # gamma, beta and two moments in place of the bias; the shortcut's convolution has no norm and loses its 16 biases
        ({"batch_normalization": True}, 3 * (8 + 8 + 8 + 4 * 16) - 16),
    ],
)
def test_params_change_the_number_of_parameters(change, added_parameters):
    changed = build(RESIDUAL.model_copy(update=change))
    assert changed.count_params() - build(RESIDUAL).count_params() == added_parameters
