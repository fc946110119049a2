"""A trained network as one file that needs no Keras: ONNX and LiteRT, raw pixels in, probabilities out."""

from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from gtsrb.outputs import whole

LARGE = 1024  # values; smaller tensors stay float32
BATCH = 256  # changes the speed, not the figures


def save_onnx(path: Path, model: keras.Model, properties: dict[str, str]) -> None:
    """Writes `model` with float32 weights and a free batch size: input `images`, output `probabilities`.

    `properties` go into the file's metadata: what one has to know to prepare an image and to read the answer.
    """
    model(np.zeros((1, *model.input_shape[1:]), model.input.dtype))  # Keras exports only what has been called
    with whole(path) as beside:
        model.export(beside, format="onnx", verbose=False)
        content = onnx.load(beside)
        rename(content, content.graph.output[0].name, "probabilities")
        for value in (content.graph.input[0], content.graph.output[0]):
            value.type.tensor_type.shape.dim[0].dim_param = "n"
        helper.set_model_props(content, properties)
        onnx.checker.check_model(content, full_check=True)
        onnx.save(content, beside)


def rename(content: onnx.ModelProto, old: str, new: str) -> None:
    """Gives a tensor of the graph another name, wherever it occurs."""
    for node in content.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]
    for value in content.graph.output:
        value.name = new if value.name == old else value.name


def halve(path: Path, source: Path) -> None:
    """Writes the model of `source` with its large weights in float16, cast back as the file is loaded: the same arithmetic."""
    content = onnx.load(source)
    for tensor in list(content.graph.initializer):
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32 and array.size >= LARGE:
            content.graph.initializer.remove(tensor)
            content.graph.initializer.append(numpy_helper.from_array(array.astype(np.float16), f"{tensor.name}/float16"))
            cast = helper.make_node("Cast", [f"{tensor.name}/float16"], [tensor.name], to=TensorProto.FLOAT)
            content.graph.node.insert(0, cast)
    onnx.checker.check_model(content, full_check=True)
    with whole(path) as beside:
        onnx.save(content, beside)


def session(path: Path, *, threads: int = 0) -> onnxruntime.InferenceSession:
    """The file, ready to run on the processor; `threads` 0: all cores."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def predict(model: onnxruntime.InferenceSession, images: np.ndarray) -> np.ndarray:
    """(n, size, size, 3) uint8 images -> (n, classes) float32 probabilities."""
    parts = (np.ascontiguousarray(images[start : start + BATCH]) for start in range(0, len(images), BATCH))
    return np.concatenate([model.run(["probabilities"], {"images": part})[0] for part in parts])
