"""What is said where a GPU is demanded, or seen by nvidia-smi and not by TensorFlow; on machines without one."""

import keras
import pytest

from gtsrb import device
from gtsrb.errors import InputError

SETTINGS = {"precision": "float32", "seed": 0, "deterministic": False}


@pytest.fixture(autouse=True)
def no_gpu():
    import tensorflow as tf

    if tf.config.get_visible_devices("GPU"):
        pytest.skip("this machine has a GPU")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture
def nvidia_smi(tmp_path, monkeypatch):
    """An nvidia-smi that sees a GPU."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho NVIDIA Test GPU\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")


def test_the_cpu():
    machine = device.set_up("cpu", **SETTINGS)
    assert not machine.gpu
    assert machine.jit_compile is False
    assert "cores" in machine.name


def test_a_gpu_that_tensorflow_does_not_see_is_a_loud_warning(nvidia_smi):
    with pytest.warns(UserWarning, match=r"nvidia-smi sees NVIDIA Test GPU, TensorFlow sees no GPU.*make setup"):
        device.set_up("auto", **SETTINGS)


def test_the_cpu_by_choice_needs_no_warning(nvidia_smi):
    assert not device.set_up("cpu", **SETTINGS).gpu


def test_a_gpu_demanded_and_not_there(monkeypatch):
    monkeypatch.setattr(device, "nvidia_gpus", list)
    with pytest.raises(InputError, match=r"device: gpu, but TensorFlow sees none.*make setup"):
        device.set_up("gpu", **SETTINGS)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16", "float32"])
def test_precision(params, precision):
    from gtsrb import networks

    device.set_up("cpu", precision=precision, seed=0, deterministic=False)
    model = networks.build(params.train["baseline"].network, size=48, channels=3, dtype="uint8", classes=43)
    assert model.layers[1].compute_dtype == precision.removeprefix("mixed_")
    assert model.layers[1].variable_dtype == "float32"
    assert model.layers[-1].compute_dtype == "float32"  # probabilities


def test_versions():
    assert device.versions().startswith("Python 3.")
    assert f"Keras {keras.__version__}" in device.versions()
