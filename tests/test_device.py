"""The device and its messages, on machines without a GPU."""

import subprocess
import sys

import cv2
import keras
import numpy as np
import pytest
from conftest import ROOT

from gtsrb import device
from gtsrb.errors import InputError

OPTIONS = {"precision": "float32", "seed": 0, "deterministic": False, "threads": 1}


@pytest.fixture(autouse=True)
def new_process_without_a_gpu(monkeypatch):
    import tensorflow as tf

    monkeypatch.setattr(device, "_process", None)
    if tf.config.get_visible_devices("GPU"):
        pytest.skip("this machine has a GPU")


@pytest.fixture
def nvidia_smi(tmp_path, monkeypatch):
    """An nvidia-smi that finds a GPU."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho NVIDIA Test GPU\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")


def test_the_cpu():
    machine = device.set_up("cpu", **OPTIONS)
    assert not machine.gpu
    assert machine.jit_compile is False
    assert "cores" in machine.name


@pytest.mark.parametrize("deterministic", [True, False])
def test_determinism_reaches_tensorflow(deterministic, monkeypatch):
    import tensorflow as tf

    calls = []
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: calls.append("enabled"))
    device.set_up("cpu", **OPTIONS | {"deterministic": deterministic})
    assert calls == ["enabled"] * deterministic


def test_a_gpu_that_tensorflow_does_not_find_is_a_warning(nvidia_smi):
    with pytest.warns(UserWarning, match=r"nvidia-smi finds NVIDIA Test GPU, TensorFlow finds no GPU.*make setup"):
        device.set_up("auto", **OPTIONS)


def test_choosing_the_cpu_gives_no_warning(nvidia_smi):
    assert not device.set_up("cpu", **OPTIONS).gpu


def test_choosing_a_gpu_without_having_one(monkeypatch):
    monkeypatch.setattr(device, "nvidia_gpus", list)
    with pytest.raises(InputError, match=r"device: gpu, but TensorFlow finds none.*make setup"):
        device.set_up("gpu", **OPTIONS)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16", "float32"])
def test_precision(params, precision):
    from gtsrb.networks.build import build_network

    device.set_up("cpu", precision=precision, seed=0, deterministic=False, threads=1)
    model = build_network(params.train["baseline"].network, size=48, channels=3, dtype="uint8", classes=43)
    assert model.layers[1].compute_dtype == precision.removeprefix("mixed_")
    assert model.layers[1].variable_dtype == "float32"
    assert model.layers[-1].compute_dtype == "float32"  # probabilities


def test_the_device_is_set_up_once_per_process():
    machine = device.set_up("auto", **OPTIONS)
    assert device.set_up("cpu", **OPTIONS | {"precision": "mixed_bfloat16", "seed": 1}) == machine
    assert device.set_up("cpu", **OPTIONS | {"precision": "mixed_bfloat16", "threads": None}) == machine
    assert keras.config.dtype_policy().name == "mixed_bfloat16"
    for choice, changed in (("gpu", {}), ("cpu", {"deterministic": True}), ("cpu", {"threads": 2}), ("cpu", {"replicas": 2})):
        already = "already set up device: auto, deterministic: False, threads: 1, replicas: 1, and cannot change it"
        with pytest.raises(InputError, match=already) as error:
            device.set_up(choice, **OPTIONS | changed)
        assert "\n" not in str(error.value)
    assert keras.config.dtype_policy().name == "mixed_bfloat16"  # an error changes nothing


THREADS = """
import cv2, tensorflow as tf
from gtsrb import device

device.set_up("cpu", precision="float32", seed=0, deterministic=True, threads=3)
tf.reduce_sum(tf.ones(8))
threading = tf.config.threading
print(threading.get_intra_op_parallelism_threads(), threading.get_inter_op_parallelism_threads(), cv2.getNumThreads())
"""


@pytest.mark.seconds
def test_threads_do_not_depend_on_the_machines_cores():
    """Those of an operation, and one operation at a time; also on fewer cores than threads."""
    result = subprocess.run([sys.executable, "-c", THREADS], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout == "3 1 3\n"


@pytest.mark.parametrize(
    ("backend", "gpu", "expected"), [("tensorflow", False, False), ("tensorflow", True, "auto"), ("jax", False, "auto")]
)
def test_only_tensorflow_on_the_cpu_does_not_compile(monkeypatch, backend, gpu, expected):
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    assert device.Device("a processor", gpu).jit_compile == expected


def test_a_backend_that_cannot_train(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "openvino")
    with pytest.raises(InputError, match="KERAS_BACKEND=openvino cannot train; expected one of tensorflow, jax, torch"):
        device.set_up("cpu", **OPTIONS)


def test_versions():
    versions = device.versions()
    assert versions.startswith("Python 3.")
    for part in (f"Keras {keras.__version__}", "tensorflow 2.", f"NumPy {np.__version__}", f"OpenCV {cv2.__version__}"):
        assert part in versions
