"""Exports a trained network to files that need no Keras: ONNX, with its preprocessing or without, and LiteRT."""

import re
import warnings
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np
import onnx
import pandas as pd
from onnx import TensorProto, compose, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from gtsrb.config.preprocess import Variant
from gtsrb.outputs import atomic_write
from gtsrb.serving.graph.picture import build_preprocessing
from gtsrb.serving.runtime import open_network
from gtsrb.tensorflow_log import filter_stderr

OPSET = 18  # of ONNX's operators
LARGE = 1024  # values; smaller tensors stay float32
CALIBRATION_IMAGES = 500  # of the training split, which the activations' ranges in int8 come from

PICTURE_FILES = ("picture.onnx", "picture_int8.onnx")  # of any size; the file prepares it
PICTURE_INPUT = (
    "picture: RGB, uint8 (height, width, 3); box: int64 (4), left, top, right and bottom pixel of the sign, "
    "0, 0, -1, -1 for the whole picture"
)
PREPARED_FILES = ("prepared.onnx", "prepared_float32.tflite", "prepared_float16.tflite", "prepared_int8.tflite")


def save_files(folder: Path, model: keras.Model, variant: Variant, properties: dict[str, str], images: np.ndarray) -> int:
    """Writes `PICTURE_FILES` and `PREPARED_FILES`; returns the number of images whose top class float16 weights change.

    `properties` are the metadata of the ONNX files, which also say what their `input` is.
    `images`: (n, size, size, channels), the prepared training images.
    """
    network = build_onnx(model)
    rows = np.linspace(0, len(images) - 1, min(len(images), CALIBRATION_IMAGES)).astype(int)  # of all classes: rows are sorted
    smaller, n_changed = choose_precision(network, images)
    for file, proto in zip(PICTURE_FILES, (smaller, quantize(network, images[rows])), strict=True):
        save_onnx(folder / file, add_preprocessing(proto, variant), properties | {"input": PICTURE_INPUT})
    prepared_input = f"images: {variant.dtype} (n, {', '.join(map(str, variant.shape))}), prepared as `variant` says"
    save_onnx(folder / "prepared.onnx", smaller, properties | {"input": prepared_input})
    for precision in ("float32", "float16", "int8"):
        save_litert(folder / f"prepared_{precision}.tflite", model, precision, images[rows])
    return n_changed


def divide_logits(model: keras.Model, temperature: float) -> None:
    """Divides the logits of the last layer's softmax, in place: its weights and biases."""
    layer = model.get_layer("probabilities")
    layer.set_weights([weights / np.float32(temperature) for weights in layer.get_weights()])


def choose_precision(network: onnx.ModelProto, images: np.ndarray) -> tuple[onnx.ModelProto, int]:
    """`network` with float16 weights if that leaves the top class of every image unchanged, else as it is, in float32.

    `images`: (n, size, size, channels). Also returns the number of images whose top class float16 changes.
    """
    float16 = halve_precision(network)
    classes = [open_network(proto.SerializeToString())(images).argmax(axis=1) for proto in (network, float16)]
    n_changed = int((classes[0] != classes[1]).sum())
    return network if n_changed else float16, n_changed


def build_onnx(model: keras.Model) -> onnx.ModelProto:
    """`model` with float32 weights: input `images`, (n, size, size, channels), output `probabilities`, (n, classes)."""
    model(np.zeros((1, *model.input_shape[1:]), model.input.dtype))  # Keras exports only a model that has been called
    with TemporaryDirectory() as folder, warnings.catch_warnings():  # Keras 3.15 asks NumPy whether it still has `np.object`
        warnings.filterwarnings("ignore", "In the future `np.object`", FutureWarning)
        model.export(f"{folder}/network.onnx", format="onnx", verbose=False, opset_version=OPSET)
        proto = onnx.load(f"{folder}/network.onnx")
    rename_tensors(proto, stable_names(proto) | {proto.graph.output[0].name: "probabilities"})
    proto.graph.initializer.sort(key=lambda tensor: tensor.name)
    proto.graph.doc_string = ""  # has a number that differs from run to run, as those names do
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


def quantize(network: onnx.ModelProto, images: np.ndarray) -> onnx.ModelProto:
    """A copy of the result of `build_onnx` that computes in int8, calibrated on prepared (n, size, size, channels) `images`.

    Weights have a scale for each output channel; activations one, from the percentiles of their values on the images.
    """
    with TemporaryDirectory() as folder:
        source, prepared, target = (Path(folder, f"{name}.onnx") for name in ("float32", "prepared", "int8"))
        onnx.save(network, source)
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        nodes = onnx.load(prepared).graph.node
        quantize_static(
            prepared,
            target,
            _Calibration(images),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.Percentile,
            nodes_to_exclude=find_ends({node.name: node.op_type for node in nodes}, "Conv", ("Gemm", "MatMul")),
        )
        return onnx.load(target)


def find_ends(operations: dict[str, str], convolution: str, dense: tuple[str, ...]) -> list[str]:
    """Names of those before the first `convolution` and from the last `dense` layer on, which stay in float32: the variance of
    a dark image is nothing on a scale that fits bright ones, and rounded logits change answers (docs/export.md).

    `operations` of a network, from name to type, in the order of computing.
    """
    names, types = list(operations), list(operations.values())
    first = types.index(convolution)
    last = max(i for i, operation in enumerate(types) if operation in dense)
    return [*names[:first], *names[last:]]


class _Calibration(CalibrationDataReader):
    """Images in batches, as ONNX Runtime asks for them."""

    def __init__(self, images: np.ndarray):
        self.batches = iter(np.array_split(images, max(1, len(images) // 50)))

    def get_next(self) -> dict[str, np.ndarray] | None:
        batch = next(self.batches, None)
        return None if batch is None else {"images": batch}


def save_litert(path: Path, model: keras.Model, precision: str, images: np.ndarray) -> None:
    """Writes `model` for LiteRT (TensorFlow Lite) with a dynamic batch size.

    `precision`: float32; float16, of the weights alone; or int8, calibrated on prepared (n, size, size, channels) `images`.
    """
    import tensorflow as tf

    model(np.zeros((1, *model.input_shape[1:]), model.input.dtype))
    options: dict[str, dict[str, Any]] = {
        "float32": {},
        "float16": {"optimizations": [tf.lite.Optimize.DEFAULT], "target_spec": {"supported_types": [tf.float16]}},
    }
    with atomic_write(path) as temporary_path:
        if precision == "int8":
            temporary_path.write_bytes(quantize_litert(model, images))
        else:
            model.export(temporary_path, format="litert", verbose=False, **options[precision])


def quantize_litert(model: keras.Model, images: np.ndarray) -> bytes:
    """As `quantize`, for LiteRT, whose converter takes what is to stay in float32 by its debugger alone."""
    import tensorflow as tf

    debugging = tf.lite.experimental
    chatter = "^INFO: Created TensorFlow Lite XNNPACK delegate for CPU|^fully_quantize: "
    with TemporaryDirectory() as folder, warnings.catch_warnings(), filter_stderr(chatter):
        warnings.filterwarnings("ignore", r".*tf\.lite\.Interpreter is deprecated", UserWarning)  # the debugger runs it
        model.export(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image[None]] for image in images)
        debugger = debugging.QuantizationDebugger(converter=converter, debug_dataset=lambda: [[images[:1]]])
        debugger.run()
        debugger.layer_statistics_dump(statistics := StringIO())
        layers = pd.read_csv(StringIO(statistics.getvalue()))
        ends = find_ends(dict(zip(layers["tensor_name"], layers["op_name"], strict=True)), "CONV_2D", ("FULLY_CONNECTED",))
        debugger.options = debugging.QuantizationDebugOptions(denylisted_nodes=ends)
        return debugger.get_nondebug_quantized_model()
