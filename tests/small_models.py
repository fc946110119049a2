"""An ONNX file like those of `stages.export`, of a network that needs no training."""

import json
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from gtsrb.config.preprocess import Variant


def save_model(path: Path, variant: Variant, names: list[str]) -> None:
    """Writes a network whose three probabilities are the softmax of the mean red, green and blue of images of any size."""
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["floats"], ["means"], axes=[1, 2], keepdims=0),
            helper.make_node("Softmax", ["means"], ["probabilities"], axis=1),
        ],
        "means",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", "size", "size", 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 3])],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9)
    properties = {"names": json.dumps(names), "variant": variant.model_dump_json(), "unsure_below": "0.9"}
    helper.set_model_props(proto, properties)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(proto, path)
