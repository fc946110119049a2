"""The same training on every backend as on TensorFlow, each in a process of its own, since a process has one backend."""

import importlib.util
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

pytestmark = pytest.mark.slow

INSTALL = {"jax": "make .venv/jax.installed", "torch": "python -m pip install torch"}


def backend(name: str):
    """A parameter that is skipped where the backend is not installed."""
    missing = importlib.util.find_spec(name) is None
    return pytest.param(name, marks=pytest.mark.skipif(missing, reason=f"no {name} here: {INSTALL[name]}"))


def python(backend: str, *arguments: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"KERAS_BACKEND": backend}
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Takes a backend to what tests/training/backend_training.py leaves of it."""

    @cache
    def train(backend: str) -> Path:
        folder = tmp_path_factory.mktemp(backend)
        result = python(backend, "-m", "tests.training.backend_training", str(folder))
        assert result.returncode == 0, result.stderr
        return folder

    return train


def arrays(folder: Path) -> list[np.ndarray]:
    with np.load(folder / "weights.npz") as file:
        return [file[name] for name in file.files]


@pytest.mark.parametrize("part", ["whole", "cut"])
@pytest.mark.parametrize("backend", [backend("jax"), backend("torch")])
def test_the_losses_of_tensorflow(trained, backend, part):
    """And its weights and predictions: two steps, and two more after resuming, from the same weights, without dropout."""
    ours, theirs = (trained(name) / "plain" / part for name in ("tensorflow", backend))
    expected, history = (pd.read_csv(folder / "history.csv") for folder in (ours, theirs))
    assert expected["loss"].nunique() == 2
    pd.testing.assert_frame_equal(history, expected, rtol=0, atol=1e-4)
    for one, other in zip(arrays(ours), arrays(theirs), strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-4)


@pytest.mark.parametrize("recipe", ["plain", "dropout"])
@pytest.mark.parametrize("backend", [backend("jax"), backend("torch")])
def test_a_resumed_training_ends_like_a_whole_one(trained, backend, recipe):
    whole, cut = (trained(backend) / recipe / part for part in ("whole", "cut"))
    assert (whole / "history.csv").read_bytes() == (cut / "history.csv").read_bytes()
    assert all((one == other).all() for one, other in zip(arrays(whole), arrays(cut), strict=True))


SET_UP = """
import os
from gtsrb import device

machine = device.set_up({choice!r}, precision="float32", seed=0, deterministic=True)
print(machine.gpu, machine.jit_compile, os.environ["XLA_FLAGS"])
"""


@pytest.mark.parametrize("backend", [backend("jax")])
def test_jax_on_the_cpu_compiles_and_is_deterministic(backend):
    result = python(backend, "-c", SET_UP.format(choice="cpu"))
    assert result.stdout.split() == ["False", "auto", "--xla_gpu_deterministic_ops=true"], result.stderr


@pytest.mark.parametrize("backend", [backend("jax")])
def test_jax_without_a_gpu_refuses_one(backend):
    result = python(backend, "-c", SET_UP.format(choice="gpu"))
    if result.stdout.startswith("True"):
        pytest.skip("JAX has a GPU here")
    assert 'InputError: device: gpu, but JAX sees none; use device: auto, or run: pip install "jax[cuda12]"' in result.stderr
