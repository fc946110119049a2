"""Exports a trained network to files that need no Keras, ONNX and LiteRT: preprocessed pixels in, probabilities out."""

import re
import shutil
import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from gtsrb.outputs import atomic_write

LARGE = 1024  # values; smaller tensors stay float32
BATCH_SIZE = 256  # changes the speed, not the probabilities
LATENCY_RUNS = 200


def save_smaller_onnx(path: Path, model: keras.Model, properties: dict[str, str], images: np.ndarray) -> int:
    """Writes `model` with float16 weights if that leaves the top class of every image unchanged, else with float32 weights.

    `images`: (n, size, size, channels). Returns the number of images whose top class float16 changes.
    """
    with TemporaryDirectory() as folder:
        float32, float16 = Path(folder, "float32.onnx"), Path(folder, "float16.onnx")
        save_onnx(float32, model, properties)
        halve_precision(float16, float32)
        classes = [predict(open_session(file), images).argmax(axis=1) for file in (float32, float16)]
        n_changed = int((classes[0] != classes[1]).sum())
        with atomic_write(path) as temporary_path:
            shutil.copyfile(float32 if n_changed else float16, temporary_path)
    return n_changed


def save_onnx(path: Path, model: keras.Model, properties: dict[str, str]) -> None:
    """Writes `model` with float32 weights and a dynamic batch size: input `images`, output `probabilities`.

    `properties` become the file's metadata: what a user needs to prepare an image and to interpret the probabilities.
    """
    model(np.zeros((1, *model.input_shape[1:]), model.input.dtype))  # Keras exports only a model that has been called
    with atomic_write(path) as temporary_path:
        with warnings.catch_warnings():  # Keras 3.15 asks NumPy whether it still has `np.object`
            warnings.filterwarnings("ignore", "In the future `np.object`", FutureWarning)
            model.export(temporary_path, format="onnx", verbose=False)
        proto = onnx.load(temporary_path)
        rename_tensors(proto, stable_names(proto) | {proto.graph.output[0].name: "probabilities"})
        proto.graph.initializer.sort(key=lambda tensor: tensor.name)
        for value in (proto.graph.input[0], proto.graph.output[0]):
            value.type.tensor_type.shape.dim[0].dim_param = "n"
        helper.set_model_props(proto, properties)
        onnx.checker.check_model(proto, full_check=True)
        onnx.save(proto, temporary_path)


def rename_tensors(proto: onnx.ModelProto, names: dict[str, str]) -> None:
    """Renames tensors and nodes of the graph in place; `names` maps old names to new ones."""
    for node in proto.graph.node:
        node.name = names.get(node.name, node.name)
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in (*proto.graph.output, *proto.graph.initializer):
        value.name = names.get(value.name, value.name)


def stable_names(proto: onnx.ModelProto) -> dict[str, str]:
    """New names for those that tf2onnx numbers differently in each run, so that the same network gives the same bytes."""
    names = [name for node in proto.graph.node for name in (node.name, *node.input, *node.output)]
    stems = {name: match[0] for name in names if (match := re.match(r".*__[0-9]+", name))}
    numbers = {stem: i for i, stem in enumerate(dict.fromkeys(stems.values()))}
    return {name: f"unnamed{numbers[stem]}{name[len(stem) :]}" for name, stem in stems.items()}


def halve_precision(path: Path, source: Path) -> None:
    """Writes the model of `source` with its large weights in float16; they are cast to float32 on loading, so it still computes
    in float32."""
    proto = onnx.load(source)
    for tensor in list(proto.graph.initializer):
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32 and array.size >= LARGE:
            proto.graph.initializer.remove(tensor)
            proto.graph.initializer.append(numpy_helper.from_array(array.astype(np.float16), f"{tensor.name}/float16"))
            cast = helper.make_node("Cast", [f"{tensor.name}/float16"], [tensor.name], to=TensorProto.FLOAT)
            proto.graph.node.insert(0, cast)
    onnx.checker.check_model(proto, full_check=True)
    with atomic_write(path) as temporary_path:
        onnx.save(proto, temporary_path)


def save_litert(path: Path, model: keras.Model) -> None:
    """Writes `model` for LiteRT (TensorFlow Lite) with float32 weights and a dynamic batch size."""
    model(np.zeros((1, *model.input_shape[1:]), model.input.dtype))
    with atomic_write(path) as temporary_path:
        model.export(temporary_path, format="litert", verbose=False)


def open_session(path: Path, *, threads: int = 0) -> onnxruntime.InferenceSession:
    """An ONNX Runtime session on the CPU; `threads=0` uses all cores."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def predict(session: onnxruntime.InferenceSession, images: np.ndarray) -> np.ndarray:
    """(n, size, size, channels) images in the network's dtype -> (n, classes) float32 probabilities."""
    batches = (np.ascontiguousarray(images[start : start + BATCH_SIZE]) for start in range(0, len(images), BATCH_SIZE))
    return np.concatenate([session.run(["probabilities"], {"images": batch})[0] for batch in batches])


def measure_latency(path: Path, image: np.ndarray) -> float:
    """Median milliseconds per (size, size, channels) image on one core, after ten warm-up runs."""
    session, times = open_session(path, threads=1), []
    for _ in range(LATENCY_RUNS + 10):
        start = time.perf_counter()
        predict(session, image[None])
        times.append(time.perf_counter() - start)
    return float(np.median(times[10:]) * 1000)
