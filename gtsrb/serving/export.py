"""Exports a trained network to files that need no Keras: ONNX, with its preprocessing or without, and LiteRT."""

import re
import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, compose, helper, numpy_helper

from gtsrb.config.preprocess import Variant
from gtsrb.outputs import atomic_write
from gtsrb.serving import predictor
from gtsrb.serving.graph.picture import build_preprocessing

OPSET = 18  # of ONNX's operators
LARGE = 1024  # values; smaller tensors stay float32
BATCH_SIZE = 256  # changes the speed, not the probabilities
LATENCY_RUNS, LATENCY_SIDE = 200, 48


def build_smaller_onnx(model: keras.Model, images: np.ndarray) -> tuple[onnx.ModelProto, int]:
    """`model` with float16 weights if that leaves the top class of every image unchanged, else with float32 weights.

    `images`: (n, size, size, channels). Also returns the number of images whose top class float16 changes.
    """
    float32 = build_onnx(model)
    float16 = halve_precision(float32)
    classes = [predict(open_session(network.SerializeToString()), images).argmax(axis=1) for network in (float32, float16)]
    n_changed = int((classes[0] != classes[1]).sum())
    return float32 if n_changed else float16, n_changed


def build_onnx(model: keras.Model) -> onnx.ModelProto:
    """`model` with float32 weights: input `images`, (n, size, size, channels), output `probabilities`, (n, classes)."""
    model(np.zeros((1, *model.input_shape[1:]), model.input.dtype))  # Keras exports only a model that has been called
    with TemporaryDirectory() as folder, warnings.catch_warnings():  # Keras 3.15 asks NumPy whether it still has `np.object`
        warnings.filterwarnings("ignore", "In the future `np.object`", FutureWarning)
        model.export(f"{folder}/network.onnx", format="onnx", verbose=False, opset_version=OPSET)
        proto = onnx.load(f"{folder}/network.onnx")
    rename_tensors(proto, stable_names(proto) | {proto.graph.output[0].name: "probabilities"})
    proto.graph.initializer.sort(key=lambda tensor: tensor.name)
    for value in (proto.graph.input[0], proto.graph.output[0]):
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    onnx.checker.check_model(proto, full_check=True)
    return proto


def add_preprocessing(network: onnx.ModelProto, variant: Variant) -> onnx.ModelProto:
    """The result of `build_onnx` with the inputs of `build_preprocessing`; its second output is `network_input`."""
    preprocessing = build_preprocessing(variant)
    preprocessing.ir_version = network.ir_version
    (network_input,) = preprocessing.graph.output
    proto = compose.merge_models(preprocessing, network, [(network_input.name, "images")], prefix2="network/")
    proto.graph.output.append(network_input)
    del proto.opset_import[:]  # once for each part
    proto.opset_import.append(helper.make_opsetid("", OPSET))
    rename_tensors(proto, {"network/probabilities": "probabilities", network_input.name: "network_input"})
    onnx.checker.check_model(proto, full_check=True)
    return proto


def save_onnx(path: Path, proto: onnx.ModelProto, properties: dict[str, str]) -> None:
    """`properties` become the file's metadata: what a user needs to interpret the probabilities."""
    helper.set_model_props(proto, properties)
    with atomic_write(path) as temporary_path:
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


def halve_precision(network: onnx.ModelProto) -> onnx.ModelProto:
    """A copy with the large weights in float16; they are cast to float32 on loading, so it still computes in float32."""
    proto = onnx.ModelProto()
    proto.CopyFrom(network)
    for tensor in list(proto.graph.initializer):
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32 and array.size >= LARGE:
            proto.graph.initializer.remove(tensor)
            proto.graph.initializer.append(numpy_helper.from_array(array.astype(np.float16), f"{tensor.name}/float16"))
            cast = helper.make_node("Cast", [f"{tensor.name}/float16"], [tensor.name], to=TensorProto.FLOAT)
            proto.graph.node.insert(0, cast)
    onnx.checker.check_model(proto, full_check=True)
    return proto


def save_litert(path: Path, model: keras.Model) -> None:
    """Writes `model` for LiteRT (TensorFlow Lite) with float32 weights and a dynamic batch size."""
    model(np.zeros((1, *model.input_shape[1:]), model.input.dtype))
    with atomic_write(path) as temporary_path:
        model.export(temporary_path, format="litert", verbose=False)


def open_session(model: Path | bytes) -> onnxruntime.InferenceSession:
    """An ONNX Runtime session on all cores, of a file or its bytes."""
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])


def predict(session: onnxruntime.InferenceSession, images: np.ndarray) -> np.ndarray:
    """(n, size, size, channels) prepared images in the network's dtype -> (n, classes) float32 probabilities."""
    batches = (np.ascontiguousarray(images[start : start + BATCH_SIZE]) for start in range(0, len(images), BATCH_SIZE))
    return np.concatenate([session.run(["probabilities"], {"images": batch})[0] for batch in batches])


def measure_latency(path: Path) -> float:
    """Median milliseconds per picture of `LATENCY_SIDE` pixels on one core, after ten warm-up runs."""
    model, times = predictor.load(path), []
    picture = np.random.default_rng(0).integers(0, 256, (LATENCY_SIDE, LATENCY_SIDE, 3), dtype=np.uint8)
    for _ in range(LATENCY_RUNS + 10):
        start = time.perf_counter()
        model.predict(picture)
        times.append(time.perf_counter() - start)
    return float(np.median(times[10:]) * 1000)
