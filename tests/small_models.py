"""An ONNX file like those of `stages.export`, of a network that needs no training."""

import json
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from gtsrb.config.preprocess import Variant
from gtsrb.serving.export import OPSET, add_preprocessing, save_onnx


def save_model(path: Path, variant: Variant, names: list[str], *, prepared: bool = False) -> None:
    """Writes a network whose three probabilities are the softmax of the mean red, green and blue of its image.

    The file prepares a picture, unless it is for `prepared` images.
    """
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["floats", "axes"], ["means"], keepdims=0),
            helper.make_node("Softmax", ["means"], ["probabilities"], axis=1),
        ],
        "means",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", *variant.shape])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(np.int64([1, 2]), "axes")],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    proto = network if prepared else add_preprocessing(network, variant)
    properties = {"names": json.dumps(names), "variant": variant.model_dump_json()}
    properties |= {"unsure_below": "0.9", "unknown_below": "0.4"}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_onnx(path, proto, properties)
