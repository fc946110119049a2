"""Every backend trains as TensorFlow does; each runs in its own process, since a process has one backend."""

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
    """A parameter that is skipped if the backend is not installed."""
    missing = importlib.util.find_spec(name) is None
    return pytest.param(name, marks=pytest.mark.skipif(missing, reason=f"{name} is not installed: {INSTALL[name]}"))


def run_python(backend: str, *arguments: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"KERAS_BACKEND": backend}
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A function from a backend's name to the folder that tests/training/backend_training.py has written on it."""

    @cache
    def train(backend: str) -> Path:
        folder = tmp_path_factory.mktemp(backend)
        result = run_python(backend, "-m", "tests.training.backend_training", str(folder))
        assert result.returncode == 0, result.stderr
        return folder

    return train


def read_arrays(folder: Path) -> list[np.ndarray]:
    with np.load(folder / "weights.npz") as file:
        return [file[name] for name in file.files]


@pytest.mark.parametrize("run", ["uninterrupted", "resumed"])
@pytest.mark.parametrize("backend", [backend("jax"), backend("torch")])
def test_losses_weights_and_predictions_equal_those_of_tensorflow(trained, backend, run):
    """From the same initial weights and without dropout: after two steps, and after two more, uninterrupted or resumed."""
    expected, actual = (trained(name) / "plain" / run for name in ("tensorflow", backend))
    expected_history, history = (pd.read_csv(folder / "history.csv") for folder in (expected, actual))
    assert expected_history["loss"].nunique() == 2
    pd.testing.assert_frame_equal(history, expected_history, rtol=0, atol=1e-4)
    for expected_array, array in zip(read_arrays(expected), read_arrays(actual), strict=True):
        np.testing.assert_allclose(array, expected_array, rtol=0, atol=1e-4)


@pytest.mark.parametrize("recipe", ["plain", "dropout"])
@pytest.mark.parametrize("backend", [backend("jax"), backend("torch")])
def test_a_resumed_training_ends_like_an_uninterrupted_one(trained, backend, recipe):
    uninterrupted, resumed = (trained(backend) / recipe / run for run in ("uninterrupted", "resumed"))
    assert (uninterrupted / "history.csv").read_bytes() == (resumed / "history.csv").read_bytes()
    assert all((a == b).all() for a, b in zip(read_arrays(uninterrupted), read_arrays(resumed), strict=True))


@pytest.fixture(scope="module")
def on_replicas(tmp_path_factory):
    """A function from a backend and replicas to the folder that tests/training/replicas_training.py has written on them."""

    @cache
    def train(backend: str, replicas: int) -> Path:
        folder = tmp_path_factory.mktemp(f"{backend}{replicas}")
        result = run_python(backend, "-m", "tests.training.replicas_training", str(folder), str(replicas))
        assert result.returncode == 0, result.stderr
        assert result.stdout.splitlines()[-1].startswith("2 x ") == (replicas == 2)
        return folder

    return train


@pytest.mark.parametrize("backend", ["tensorflow", backend("jax")])
def test_two_replicas_train_as_one_device(on_replicas, backend):
    """Loss curve, weights and predictions; epochs end with a short batch, in training an even one, in validation an odd."""
    one, two = on_replicas(backend, 0), on_replicas(backend, 2)
    history, expected = (pd.read_csv(folder / "history.csv") for folder in (two, one))
    assert expected["loss"].nunique() == 3
    np.testing.assert_allclose(history["loss"], expected["loss"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(history["val_loss"], expected["val_loss"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(history["accuracy"], expected["accuracy"], rtol=0, atol=1e-6)
    for expected_array, array in zip(read_arrays(one), read_arrays(two), strict=True):
        np.testing.assert_allclose(array, expected_array, rtol=0, atol=1e-4)


@pytest.mark.parametrize("backend", [backend("torch")])
def test_replicas_need_a_backend_that_has_them(backend, tmp_path):
    result = run_python(backend, "-m", "tests.training.replicas_training", str(tmp_path), "2")
    assert "InputError: replicas: 2 needs TensorFlow or JAX; remove it, or set KERAS_BACKEND" in result.stderr


SET_UP = """
import os
from gtsrb import device

machine = device.set_up({choice!r}, precision="float32", seed=0, deterministic=True, threads=1)
print(machine.gpu, machine.jit_compile, os.environ["XLA_FLAGS"])
"""


@pytest.mark.parametrize("backend", [backend("jax")])
def test_jax_on_the_cpu_compiles_and_is_deterministic(backend):
    result = run_python(backend, "-c", SET_UP.format(choice="cpu"))
    assert result.stdout.split() == ["False", "auto", "--xla_gpu_deterministic_ops=true"], result.stderr


THREADS = """
from pathlib import Path
import keras
from gtsrb import device

device.set_up("cpu", precision="float32", seed=0, deterministic=True, threads=3)
keras.ops.matmul(keras.ops.ones((999, 999)), keras.ops.ones((999, 999)))
names = [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]
print(sum("XLAEigen" in name for name in names))
"""


@pytest.mark.parametrize("backend", [backend("jax")])
def test_jax_has_the_recipes_threads(backend):
    """In the pool that computes; JAX has others, which wait."""
    result = run_python(backend, "-c", THREADS)
    assert result.stdout == "3\n", result.stderr


@pytest.mark.parametrize("backend", [backend("jax")])
def test_jax_without_a_gpu_does_not_start_on_one(backend):
    result = run_python(backend, "-c", SET_UP.format(choice="gpu"))
    if result.stdout.startswith("True"):
        pytest.skip("JAX has found a GPU")
    assert 'InputError: device: gpu, but JAX finds none; use device: auto, or run: pip install "jax[cuda12]"' in result.stderr
