"""A picture of any size and the box of its sign -> the network's input, for one image variant."""

import onnx
from onnx import TensorProto, helper
from onnx.inliner import inline_local_functions
from onnxscript import FLOAT, INT64, UINT8, script
from onnxscript import opset18 as op

from gtsrb.config.preprocess import Variant
from gtsrb.errors import InputError
from gtsrb.serving.graph.crop import crop_box, crop_center_square, crop_with_border, limit_box, limit_size
from gtsrb.serving.graph.equalize import equalize, equalize_adaptive
from gtsrb.serving.graph.resize import MODES, ORDERS, resize_image


def build_preprocessing(variant: Variant) -> onnx.ModelProto:
    """`crop.crop_with_border` and `preprocess` as a graph.

    Inputs: `picture`, (height, width, 3) uint8 RGB, and `box`, (4,) int64 x1, y1, x2, y2, both corners included; negative ones
    count from the right and bottom edges, so 0, 0, -1, -1 is the whole picture. Output: (1, size, size, channels), uint8 or
    float32 as in the variant. Raises `InputError` for an interpolation that the graph cannot do.
    """
    if variant.interpolation_order not in ORDERS:
        orders = " and ".join(map(str, ORDERS))
        raise InputError(f"interpolation_order {variant.interpolation_order} cannot be exported; expected one of {orders}")
    equalized, crop, to_dtype = _equalize(variant), _crop(variant), _to_dtype(variant)
    size, order, mode = variant.size, variant.interpolation_order, MODES.index(variant.mode)
    anti_aliasing = variant.anti_aliasing

    @script(default_opset=op)
    def prepare_channels(levels, box):
        resized = resize_image(crop(levels, box), size, order, mode, op.Cast(anti_aliasing, to=TensorProto.BOOL))
        return op.Unsqueeze(to_dtype(resized), [0])

    if variant.keep_original:

        @script()
        def prepare(picture, box):
            original = op.Cast(picture, to=TensorProto.DOUBLE)
            return op.Concat(prepare_channels(equalized(picture), box), prepare_channels(original, box), axis=3)
    else:

        @script(default_opset=op)
        def prepare(picture, box):
            return prepare_channels(equalized(picture), box)

    @script(default_opset=op)
    def prepare_picture(picture, box):
        bordered, box_in_crop = crop_with_border(picture, limit_box(picture, box))
        small, small_box = limit_size(bordered, box_in_crop)
        return prepare(small, small_box)

    inputs = [UINT8["height", "width", 3], INT64[4]]
    output = (UINT8 if variant.dtype == "uint8" else FLOAT)[1, *variant.shape]
    proto = inline_local_functions(prepare_picture.to_model_proto(input_types=inputs, output_types=[output]))
    for domain in [entry for entry in proto.opset_import if entry.domain]:
        proto.opset_import.remove(domain)  # of the functions, which are inlined
    replace_cast_like(proto)
    return proto


def replace_cast_like(proto: onnx.ModelProto) -> None:
    """Puts a Cast in place of each CastLike, by which ONNX Script gives a number its type: ONNX Runtime warns of these."""

    def replace(graph: onnx.GraphProto, types: dict[str, int]) -> None:
        types = types | {value.name: value.type.tensor_type.elem_type for value in (*graph.input, *graph.value_info)}
        for node in graph.node:
            if node.op_type == "CastLike":
                node.CopyFrom(helper.make_node("Cast", node.input[:1], node.output, node.name, to=types[node.input[1]]))
            for attribute in node.attribute:
                if attribute.type == onnx.AttributeProto.GRAPH:
                    replace(attribute.g, types)
        del graph.value_info[:]

    inferred = onnx.shape_inference.infer_shapes(proto, strict_mode=True)
    replace(inferred.graph, {})
    proto.CopyFrom(inferred)


def _equalize(variant: Variant):
    """(height, width, 3) uint8 -> levels, double."""
    if variant.clahe:
        tiles, bins, clip_limit = variant.clahe.tiles, variant.clahe.bins, _double(variant.clahe.clip_limit)

        @script()
        def equalized(picture):
            return equalize_adaptive(picture, tiles, op.Constant(value=clip_limit), bins)
    elif variant.equalize:
        bins = variant.equalize.bins

        @script(default_opset=op)
        def equalized(picture):
            return equalize(picture, bins)
    else:

        @script()
        def equalized(picture):
            return op.Cast(picture, to=TensorProto.DOUBLE)

    return equalized


def _crop(variant: Variant):
    if variant.margin is not None:  # crop: roi
        margin = _double(variant.margin)

        @script()
        def crop(levels, box):
            return crop_box(levels, box, op.Constant(value=margin))
    elif variant.crop == "center_square":

        @script(default_opset=op)
        def crop(levels, box):
            return crop_center_square(levels)
    else:

        @script()
        def crop(levels, box):
            return op.Identity(levels)

    return crop


def _to_dtype(variant: Variant):
    if variant.dtype == "uint8":

        @script()
        def to_dtype(levels):
            return op.Cast(op.Round(levels), to=TensorProto.UINT8)
    else:

        @script()
        def to_dtype(levels):
            return op.Cast(levels / 255.0, to=TensorProto.FLOAT)

    return to_dtype


def _double(value: float) -> TensorProto:
    """A constant; ONNX Script makes float32 ones of Python's, which moves the margin of some boxes by a pixel."""
    return helper.make_tensor("value", TensorProto.DOUBLE, [], [value])
