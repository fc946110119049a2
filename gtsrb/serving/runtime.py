"""Runs exported files: networks on prepared images, by ONNX Runtime or LiteRT, and how long one answer takes."""

import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime

from gtsrb.serving import predictor
from gtsrb.tensorflow_log import filter_stderr

Network = Callable[[np.ndarray], np.ndarray]  # (n, size, size, channels) prepared images -> (n, classes) float32 probabilities
BATCH_SIZE = 250  # changes the speed, not the probabilities
LATENCY_RUNS, LATENCY_SIDE = 100, 48  # pixels


def open_network(file: Path | bytes, *, threads: int | None = None) -> Network:
    """An ONNX file or its content, or a .tflite file, on the CPU; on all cores, or so many `threads`."""
    predict = _open_litert(file, threads) if isinstance(file, Path) and file.suffix == ".tflite" else _open_onnx(file, threads)

    def predict_batches(images: np.ndarray) -> np.ndarray:
        batches = (np.ascontiguousarray(images[start : start + BATCH_SIZE]) for start in range(0, len(images), BATCH_SIZE))
        return np.concatenate([predict(batch) for batch in batches])

    return predict_batches


def _open_onnx(file: Path | bytes, threads: int | None) -> Network:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    return lambda images: session.run(["probabilities"], {"images": images})[0]


def _open_litert(path: Path, threads: int | None) -> Network:
    import tensorflow as tf

    with warnings.catch_warnings():  # of its successor, a package of its own
        warnings.filterwarnings("ignore", r".*tf\.lite\.Interpreter is deprecated", UserWarning)
        interpreter = tf.lite.Interpreter(str(path), num_threads=threads)
    (images_at,), (probabilities_at,) = interpreter.get_input_details(), interpreter.get_output_details()
    shape: tuple[int, ...] = ()

    def predict(images: np.ndarray) -> np.ndarray:
        nonlocal shape
        if images.shape != shape:
            with filter_stderr("^INFO: Created TensorFlow Lite XNNPACK delegate for CPU"):
                interpreter.resize_tensor_input(images_at["index"], images.shape)
                interpreter.allocate_tensors()
            shape = images.shape
        interpreter.set_tensor(images_at["index"], images)
        interpreter.invoke()
        return interpreter.get_tensor(probabilities_at["index"])

    return predict


def measure_latency(path: Path, image: np.ndarray | None = None) -> float:
    """Median milliseconds on one core, after ten warm-up runs: of a prepared (size, size, channels) `image`.

    Without one the file prepares its picture, of `LATENCY_SIDE` pixels.
    """
    if image is None:
        picture = np.random.default_rng(0).integers(0, 256, (LATENCY_SIDE, LATENCY_SIDE, 3), dtype=np.uint8)
        model = predictor.load(path)
        return _median_milliseconds(lambda: model.predict(picture))
    network = open_network(path, threads=1)
    return _median_milliseconds(lambda: network(image[None]))


def _median_milliseconds(run: Callable[[], object]) -> float:
    times = []
    for _ in range(LATENCY_RUNS + 10):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return float(np.median(times[10:]) * 1000)
