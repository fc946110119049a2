"""Initial weights that Keras does not have."""

import numpy as np
import pytest
from example_networks import TUTORIAL, build

from gtsrb.networks.initializers import Dirac


@pytest.mark.parametrize(("inputs", "filters"), [(4, 4), (4, 6), (6, 4)])
def test_the_first_filters_of_a_dirac_convolution_pass_its_inputs_on(inputs, filters):
    kernel = np.asarray(Dirac(seed=0)((3, 3, inputs, filters)))
    images = np.random.default_rng(0).random((5, 5, inputs))
    passed = min(inputs, filters)
    center = np.einsum("hwi,hwif->f", images[1:4, 1:4], kernel)
    np.testing.assert_allclose(center[:passed], images[2, 2, :passed], rtol=1e-6)
    assert (kernel[..., passed:].std(axis=(0, 1, 2)) > 0.05).all()


def test_dense_layers_are_drawn_as_by_he_normal():
    network = build(TUTORIAL.model_copy(update={"kernel_initializer": "dirac"}))
    dense = network.get_layer("dense1").get_weights()[0]
    assert dense.std() == pytest.approx(np.sqrt(2 / 2048), rel=0.01)
    convolution = network.get_layer("block2_conv2").get_weights()[0]
    np.testing.assert_array_equal(convolution[1, 1], np.eye(64))
    assert np.count_nonzero(convolution) == 64
