"""A trained network as one file that needs no Keras: ONNX and LiteRT, raw pixels in, probabilities out."""

import re
import shutil
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import numpy as np
import onnx
import onnxruntime
from joblib import Parallel, delayed
from onnx import TensorProto, helper, numpy_helper

from gtsrb.config.preprocess import Variant
from gtsrb.data.tables import decode_ppm
from gtsrb.outputs import atomic_write
from gtsrb.preprocessing.preprocess import preprocess_whole

LARGE = 1024  # values; smaller tensors stay float32
BATCH = 256  # changes the speed, not the figures
LATENCY_RUNS = 200


def save_smaller_onnx(path: Path, model: keras.Model, properties: dict[str, str], images: np.ndarray) -> int:
    """Writes `model` with float16 weights if that changes the top class of none of `images`, else with float32 ones.

    Returns of how many it would.
    """
    with TemporaryDirectory() as folder:
        single, half = Path(folder, "float32.onnx"), Path(folder, "float16.onnx")
        save_onnx(single, model, properties)
        halve_precision(half, single)
        first, second = (predict(open_session(file), images).argmax(axis=1) for file in (single, half))
        changed = int((first != second).sum())
        with atomic_write(path) as beside:
            shutil.copyfile(single if changed else half, beside)
    return changed


def save_onnx(path: Path, model: keras.Model, properties: dict[str, str]) -> None:
    """Writes `model` with float32 weights and a free batch size: input `images`, output `probabilities`.

    `properties` go into the file's metadata: what one has to know to prepare an image and to read the answer.
    """
    model(np.zeros((1, *model.input_shape[1:]), model.input.dtype))  # Keras exports only what has been called
    with atomic_write(path) as beside:
        with warnings.catch_warnings():  # Keras 3.15 asks NumPy whether it still has `np.object`
            warnings.filterwarnings("ignore", "In the future `np.object`", FutureWarning)
            model.export(beside, format="onnx", verbose=False)
        content = onnx.load(beside)
        rename_tensors(content, renumber_names(content) | {content.graph.output[0].name: "probabilities"})
        content.graph.initializer.sort(key=lambda tensor: tensor.name)
        for value in (content.graph.input[0], content.graph.output[0]):
            value.type.tensor_type.shape.dim[0].dim_param = "n"
        helper.set_model_props(content, properties)
        onnx.checker.check_model(content, full_check=True)
        onnx.save(content, beside)


def rename_tensors(content: onnx.ModelProto, names: dict[str, str]) -> None:
    """Gives tensors and nodes of the graph other names, wherever they occur."""
    for node in content.graph.node:
        node.name = names.get(node.name, node.name)
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in (*content.graph.output, *content.graph.initializer):
        value.name = names.get(value.name, value.name)


def renumber_names(content: onnx.ModelProto) -> dict[str, str]:
    """New names for what tf2onnx names and numbers as it happens to come, so that the same network gives the same bytes."""
    found = [name for node in content.graph.node for name in (node.name, *node.input, *node.output)]
    stems = {name: match[0] for name in found if (match := re.match(r".*__[0-9]+", name))}
    numbers = {stem: i for i, stem in enumerate(dict.fromkeys(stems.values()))}
    return {name: f"unnamed{numbers[stem]}{name[len(stem) :]}" for name, stem in stems.items()}


def halve_precision(path: Path, source: Path) -> None:
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
    with atomic_write(path) as beside:
        onnx.save(content, beside)


def save_litert(path: Path, model: keras.Model) -> None:
    """Writes `model` for LiteRT (TensorFlow Lite), float32: a free batch size, raw pixels in, probabilities out."""
    model(np.zeros((1, *model.input_shape[1:]), model.input.dtype))
    with atomic_write(path) as beside:
        model.export(beside, format="litert", verbose=False)


def open_session(path: Path, *, threads: int = 0) -> onnxruntime.InferenceSession:
    """The file, ready to run on the processor; `threads` 0: all cores."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def predict(model: onnxruntime.InferenceSession, images: np.ndarray) -> np.ndarray:
    """(n, size, size, channels) uint8 images -> (n, classes) float32 probabilities."""
    parts = (np.ascontiguousarray(images[start : start + BATCH]) for start in range(0, len(images), BATCH))
    return np.concatenate([model.run(["probabilities"], {"images": part})[0] for part in parts])


def prepare_files(ppms: Sequence[bytes], variant: Variant) -> np.ndarray:
    """n pictures as binary PPM -> (n, size, size, channels): each prepared whole, as a picture without a box."""
    jobs = (delayed(preprocess_whole)(decode_ppm(ppm), variant) for ppm in ppms)
    return np.stack(Parallel(n_jobs=-1)(jobs))


def measure_latency(path: Path, image: np.ndarray) -> float:
    """Median milliseconds that one core takes for one image, (size, size, channels), after ten runs to warm up."""
    model, times = open_session(path, threads=1), []
    for _ in range(LATENCY_RUNS + 10):
        started = time.perf_counter()
        predict(model, image[None])
        times.append(time.perf_counter() - started)
    return float(np.median(times[10:]) * 1000)
