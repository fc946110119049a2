"""Sets up the device, once per process: the backend of Keras, its threads, the GPU if there is one, and the seeds."""

import importlib
import os
import platform
import shutil
import subprocess
import warnings
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import cv2
import keras
import numpy as np

from gtsrb.errors import InputError
from gtsrb.parallel import count_cores

BACKENDS = {  # Keras backend: its name, and how to install its GPU support
    "tensorflow": ("TensorFlow", "make setup  (it installs TensorFlow with CUDA if nvidia-smi works)"),
    "jax": ("JAX", 'pip install "jax[cuda12]"'),
    "torch": ("PyTorch", "pip install torch  (a build for CUDA)"),
}


@dataclass(frozen=True)
class Device:
    name: str  # of the processor, such as `NVIDIA H100 80GB HBM3` or `4 x NVIDIA H100 80GB HBM3`
    gpu: bool
    replicas: int = 1  # devices of this kind, each of which takes its share of every batch

    @property
    def jit_compile(self) -> bool | str:
        """For `model.compile`: Keras decides, except on a CPU with TensorFlow, where XLA is 3 to 4 times slower here."""
        return "auto" if self.gpu or keras.backend.backend() != "tensorflow" else False

    def scope(self) -> AbstractContextManager:
        """Where a model is built and trained that all replicas share."""
        if self.replicas == 1:
            return nullcontext()
        if keras.backend.backend() == "jax":
            return keras.distribution.DataParallel(devices=keras.distribution.list_devices()[: self.replicas]).scope()
        import tensorflow as tf

        kind = "GPU" if self.gpu else "CPU"
        return tf.distribute.MirroredStrategy([f"{kind}:{number}" for number in range(self.replicas)]).scope()

    def __str__(self) -> str:
        return f"{self.name} ({'GPU' if self.gpu else 'CPU'})"


# choice, deterministic, threads, device: fixed as soon as a backend has started
_process: tuple[str, bool, int | None, Device] | None = None


def set_up(choice: str, *, precision: str, seed: int, deterministic: bool, threads: int | None, replicas: int = 1) -> Device:
    """Starts the backend on the device of `choice` (auto, gpu, cpu), and sets Keras' dtype policy and the seeds.

    `threads` on the CPU decide the exact weights of a training. None is for predictions, which do not depend on them: all
    cores, or what the process has. With `deterministic`, repeated runs on one device give the same bytes. `replicas` are GPUs
    that share each batch; on a CPU its parts, for tests.

    Raises `InputError` if there are too few GPUs, none for choice gpu, or if an earlier call in this process had another
    device, `deterministic`, `threads` or `replicas`; precision and seed may change. Warns if nvidia-smi finds a GPU that the
    backend does not.
    """
    global _process
    if _process is None:
        _process = choice, deterministic, threads, _start(choice, deterministic, threads, replicas)
    first_choice, first_deterministic, first_threads, device = _process
    is_served = choice == ("gpu" if device.gpu else "cpu") or (choice == "auto" and first_choice != "cpu")
    same = deterministic == first_deterministic and threads in (None, first_threads) and replicas == device.replicas
    if not (is_served and same):
        raise InputError(
            f"device: {choice}, deterministic: {deterministic}, threads: {threads or 'any'}, replicas: {replicas}, but this "
            f"process has already set up device: {first_choice}, deterministic: {first_deterministic}, threads: "
            f"{first_threads or 'all'}, replicas: {device.replicas}, and cannot change it; use one process for each (on a "
            "cluster, start its workers anew)"
        )
    keras.config.set_dtype_policy(precision)
    keras.utils.set_random_seed(seed)
    return device


def _start(choice: str, deterministic: bool, threads: int | None, replicas: int) -> Device:
    """Starts the backend on the device of `choice`; raises and warns as `set_up` says."""
    backend = keras.backend.backend()
    if backend not in BACKENDS:
        raise InputError(f"KERAS_BACKEND={backend} cannot train; expected one of {', '.join(BACKENDS)}")
    if threads:
        cv2.setNumThreads(threads)
    start = {"tensorflow": _start_tensorflow, "jax": _start_jax, "torch": _start_torch}[backend]
    gpus = start(choice, deterministic, threads, replicas)
    name, install = BACKENDS[backend]
    gpu = gpus[0] if gpus else None
    if gpu and len(gpus) < replicas:
        raise InputError(f"replicas: {replicas}, but {name} finds only {', '.join(gpus)}; use fewer")
    if not gpu and choice != "cpu" and (found := nvidia_gpus()):
        warnings.warn(f"nvidia-smi finds {found[0]}, {name} finds no GPU; training on the CPU. Run: {install}", stacklevel=3)
    if not gpu and choice == "gpu":
        raise InputError(f"device: gpu, but {name} finds none; use device: auto, or run: {install}")
    if gpu and choice == "cpu":
        raise InputError(f"device: cpu, but {name} runs on {gpu}; start it with KERAS_TORCH_DEVICE=cpu")
    times = f"{replicas} x " if replicas > 1 else ""
    return Device(f"{times}{gpu or cpu_name()}", bool(gpu), replicas)


def _start_tensorflow(choice: str, deterministic: bool, threads: int | None, replicas: int) -> list[str]:
    """The names of the GPUs that there are; none if it runs on the CPU. Nothing is computed yet, so no threads are started."""
    import tensorflow as tf

    if deterministic:
        tf.config.experimental.enable_op_determinism()
    if choice == "cpu":
        tf.config.set_visible_devices([], "GPU")
    gpus = tf.config.get_visible_devices("GPU")
    if threads and not gpus:
        tf.config.threading.set_intra_op_parallelism_threads(threads)  # oneDNN's, too
        tf.config.threading.set_inter_op_parallelism_threads(1)  # more would run operations side by side, on further cores
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    if replicas > 1 and not gpus:
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * replicas)
    return [tf.config.experimental.get_device_details(gpu)["device_name"] for gpu in gpus]


def _start_jax(choice: str, deterministic: bool, threads: int | None, replicas: int) -> list[str]:
    """Like `_start_tensorflow`; JAX reads the environment when it first lists its devices. A TPU counts as a GPU."""
    import jax

    if deterministic:
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_deterministic_ops=true"
    if threads:
        os.environ["NPROC"] = str(threads)  # the size of XLA's thread pool on the CPU, for which JAX has no option
    if choice == "cpu":
        jax.config.update("jax_platforms", "cpu")
    if replicas > 1:
        jax.config.update("jax_num_cpu_devices", replicas)
    return [device.device_kind for device in jax.devices() if device.platform != "cpu"]


def _start_torch(choice: str, deterministic: bool, threads: int | None, replicas: int) -> list[str]:
    """Like `_start_tensorflow`; Keras chose PyTorch's device on import, from KERAS_TORCH_DEVICE."""
    import torch

    if replicas > 1:
        raise InputError(f"replicas: {replicas} needs TensorFlow or JAX; remove it, or set KERAS_BACKEND")
    if threads:
        torch.set_num_threads(threads)
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # otherwise cuBLAS adds in varying order
        torch.use_deterministic_algorithms(True)
    device = keras.ops.zeros(()).device
    return [] if device.type == "cpu" else [torch.cuda.get_device_name() if device.type == "cuda" else device.type]


def nvidia_gpus() -> list[str]:
    """Names of the GPUs that nvidia-smi finds; empty without nvidia-smi."""
    if not shutil.which("nvidia-smi"):
        return []
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    result = subprocess.run(query, capture_output=True, text=True, check=False)
    return result.stdout.splitlines() if result.returncode == 0 else []


def cpu_name() -> str:
    """Processor and number of cores, such as `AMD EPYC 9555, 2 cores`."""
    try:
        model = Path("/proc/cpuinfo").read_text().split("model name\t: ")[1].split("\n")[0]
    except (OSError, IndexError):
        model = platform.processor() or platform.machine()
    return f"{model}, {count_cores()} cores"


def versions() -> str:
    """Versions that decide the exact weights: `Python 3.11.7, Keras 3.15.1, tensorflow 2.21.0, NumPy 2.4.6, OpenCV 5.0.0`."""
    backend = importlib.import_module(keras.backend.backend())  # the distribution may have another name: tensorflow-cpu
    return (
        f"Python {platform.python_version()}, Keras {keras.__version__}, {backend.__name__} {backend.__version__}, "
        f"NumPy {np.__version__}, OpenCV {cv2.__version__}"
    )
