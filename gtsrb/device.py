"""Sets up the device before anything trains on it. The only file that knows TensorFlow; other Keras backends pass through."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
import warnings
from dataclasses import dataclass
from pathlib import Path

import keras

from gtsrb.errors import InputError

INSTALL_GPU = "make setup  (it installs requirements-gpu.txt where nvidia-smi answers)"


@dataclass(frozen=True)
class Device:
    name: str  # of the processor that trains
    gpu: bool

    @property
    def jit_compile(self) -> bool | str:
        """XLA: Keras decides on a GPU; off on the CPU, where it is 3 to 4 times slower for these networks."""
        return "auto" if self.gpu else False


def set_up(choice: str, *, precision: str, seed: int, deterministic: bool) -> Device:
    """Takes the device of `choice` (auto, gpu, cpu), sets Keras' precision, the seeds, and deterministic kernels.

    Raises `InputError` where a GPU is demanded and none is seen; warns where there is one that the backend cannot see.
    """
    keras.config.set_dtype_policy(precision)
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() != "tensorflow":
        return Device(keras.backend.backend(), keras.distribution.list_devices("gpu") != [])
    import tensorflow as tf

    if deterministic:
        tf.config.experimental.enable_op_determinism()
    if choice == "cpu":
        tf.config.set_visible_devices([], "GPU")
    gpus = tf.config.get_visible_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    if not gpus and choice != "cpu" and (seen := nvidia_gpus()):
        warnings.warn(
            f"nvidia-smi sees {seen[0]}, TensorFlow sees no GPU; training on the CPU. Run: {INSTALL_GPU}", stacklevel=2
        )
    if not gpus and choice == "gpu":
        raise InputError(f"device: gpu, but TensorFlow sees none; use device: auto, or run: {INSTALL_GPU}")
    return Device(tf.config.experimental.get_device_details(gpus[0])["device_name"] if gpus else cpu_name(), bool(gpus))


def nvidia_gpus() -> list[str]:
    """Names of the GPUs that nvidia-smi sees; empty where there is no nvidia-smi."""
    if not shutil.which("nvidia-smi"):
        return []
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    answer = subprocess.run(query, capture_output=True, text=True, check=False)
    return answer.stdout.split("\n")[:-1] if answer.returncode == 0 else []


def cpu_name() -> str:
    """Processor and number of cores, such as `AMD EPYC 9555, 2 cores`."""
    try:
        model = Path("/proc/cpuinfo").read_text().split("model name\t: ")[1].split("\n")[0]
    except (OSError, IndexError):
        model = platform.processor() or platform.machine()
    return f"{model}, {len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} cores"


def versions() -> str:
    """Of what decides the bits of a training, such as `Python 3.11.7, Keras 3.15.1, tensorflow 2.21.0`."""
    backend = keras.backend.backend()
    return f"Python {platform.python_version()}, Keras {keras.__version__}, {backend} {importlib.metadata.version(backend)}"
