"""Boxes, crops and the limit on a picture's size, as gtsrb/preprocessing/crop.py has them."""

from onnx import TensorProto
from onnxscript import opset18 as op
from onnxscript import script

from gtsrb.data.limits import MIN_SIDE
from gtsrb.preprocessing.crop import MAX_SIDE


@script()
def limit_box(picture, box):
    """(4,) x1, y1, x2, y2 inside the picture; negative ones count from its right and bottom edges, so -1 is the last pixel."""
    sides = op.Gather(op.Shape(picture, end=2), [1, 0, 1, 0])
    return op.Min(op.Where(box < 0, box + sides, box), sides - 1)


@script()
def crop_with_border(picture, box):
    start, end = op.Split(box, num_outputs=2)
    side = op.Cast(op.ReduceMax(end - start + 1, keepdims=0), to=TensorProto.DOUBLE)
    border = op.Max(op.Cast(op.Round(side / 10.0), to=TensorProto.INT64), 5) + 1
    corner = op.Max(start - border, 0)
    crop = op.Slice(picture, op.Gather(corner, [1, 0]), op.Gather(end + 1 + border, [1, 0]), [0, 1])
    return crop, box - op.Concat(corner, corner, axis=0)


@script()
def limit_size(picture, box):
    """The picture is already cropped with its border."""
    size = op.Shape(picture, end=2)
    factor = (op.ReduceMax(size, keepdims=0) + (MAX_SIDE - 1)) / MAX_SIDE
    factors = op.Max(op.Min(size / MIN_SIDE, factor), 1)
    y, x = op.Split(factors, num_outputs=2)
    height, width = op.Split(size / factors * factors, num_outputs=2)
    rows = op.Cast(op.Slice(picture, [0], height, [0], y), to=TensorProto.INT32)
    for i in range(op.Squeeze(y) - 1):
        row = op.Slice(picture, op.Reshape(i + 1, [1]), height, [0], y)
        rows = rows + op.Cast(row, to=TensorProto.INT32)
    sums = op.Slice(rows, [0], width, [1], x)
    for j in range(op.Squeeze(x) - 1):
        sums = sums + op.Slice(rows, op.Reshape(j + 1, [1]), width, [1], x)
    pixels = op.Cast(op.ReduceProd(factors, keepdims=0), to=TensorProto.INT32)
    reduced = op.Cast((sums + pixels / 2) / pixels, to=TensorProto.UINT8)
    last = op.Gather(op.Shape(reduced, end=2) - 1, [1, 0, 1, 0])
    return reduced, op.Min(box / op.Gather(factors, [1, 0, 1, 0]), last)


@script()
def crop_box(levels, box, margin):
    """margin: a scalar, double."""
    start, end = op.Split(box, num_outputs=2)
    extra = op.Cast(op.Round(op.Cast(end - start + 1, to=TensorProto.DOUBLE) * margin), to=TensorProto.INT64)
    return op.Slice(levels, op.Gather(op.Max(start - extra, 0), [1, 0]), op.Gather(end + 1 + extra, [1, 0]), [0, 1])


@script()
def crop_center_square(levels):
    size = op.Shape(levels, end=2)
    half = op.ReduceMin(size) / 2
    return op.Slice(levels, size / 2 - half, size / 2 + half, [0, 1])
