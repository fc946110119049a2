"""Networks for the tests, whatever params.yaml says."""

import keras
import numpy as np

from gtsrb.config.train import Network, PlainNetwork, ResidualNetwork
from gtsrb.networks.build import build_network

SHAPE = {"size": 48, "channels": 3, "dtype": "uint8", "classes": 43}
TUTORIAL = PlainNetwork(
    family="plain",
    standardize="none",
    filters=[32, 64, 128],
    padding=["same", "valid"],
    kernel_size=3,
    pool_size=2,
    pool_after=2,
    block_dropout=0.2,
    batch_normalization=False,
    head="flatten",
    dense_units=[512],
    dense_dropout=0.5,
    activation="relu",
    kernel_initializer="glorot_uniform",
)
RESIDUAL = ResidualNetwork(
    family="residual",
    standardize="none",
    filters=[8, 16],
    kernel_size=3,
    stem_stride=2,
    blocks=[1, 2],
    block_dropout=0.1,
    batch_normalization=False,
    head="global_average_pooling",
    dense_units=[],
    dense_dropout=0.0,
    activation="relu",
    kernel_initializer="he_normal",
)


def build(network: Network, **shape: object) -> keras.Model:
    """The network with the initial weights of seed 0, for data of `SHAPE` where `shape` says nothing else."""
    keras.utils.set_random_seed(0)
    return build_network(network, **SHAPE | shape)


def random_images(n: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, 48, 48, 3), dtype=np.uint8)
