"""Resizing by products with two matrices, as gtsrb/preprocessing/resize.py does, which gets them from scikit-image.

scikit-image blurs with a Gaussian and then interpolates. Both look beyond the edge of the image, where each mode finds other
pixels; so both are a matrix over positions from outside to outside, times one that says which pixel each position has.
"""

from onnx import TensorProto
from onnxscript import opset18 as op
from onnxscript import script

MODES = ["constant", "edge", "symmetric", "reflect", "wrap"]  # a graph gets the index
ORDERS = (0, 1)  # orders of interpolation: nearest, bilinear


@script()
def pixels_beyond(side, beyond, mode):
    """(side + 2 beyond, side) double, 1 for the pixel of each position, from `beyond` pixels before the image on."""
    position = op.Range(-beyond, side + beyond, 1)
    last = side - 1
    edge = op.Min(op.Max(position, 0), last)
    period = op.Max(2 * last, 1)
    to_and_fro = op.Mod(op.Abs(position), period)
    reflect = op.Min(to_and_fro, period - to_and_fro)
    around = op.Mod(position, 2 * side)
    symmetric = op.Min(around, 2 * side - 1 - around)
    wrap = op.Mod(position, side)
    choices = op.Concat(
        op.Unsqueeze(position, [0]),  # constant: black beyond the edge, so no pixel
        op.Unsqueeze(edge, [0]),
        op.Unsqueeze(symmetric, [0]),
        op.Unsqueeze(reflect, [0]),
        op.Unsqueeze(wrap, [0]),
        axis=0,
    )
    pixel = op.Unsqueeze(op.Gather(choices, mode), [1])
    return op.Cast(op.Equal(pixel, op.Unsqueeze(op.Range(0, side, 1), [0])), to=TensorProto.DOUBLE)


@script()
def interpolation_matrix(side, size, order, mode):
    """(size, side) double: nearest or linear interpolation at the centres of `size` new pixels."""
    factor = op.Cast(side, to=TensorProto.DOUBLE) / op.Cast(size, to=TensorProto.DOUBLE)
    center = op.Unsqueeze((op.Cast(op.Range(0, size, 1), to=TensorProto.DOUBLE) + 0.5) * factor - 0.5, [1])
    position = op.Unsqueeze(op.Cast(op.Range(-1, side + 1, 1), to=TensorProto.DOUBLE), [0])
    linear = op.Max(1.0 - op.Abs(center - position), 0.0)
    nearest = op.Cast(op.Equal(op.Floor(center + 0.5), position), to=TensorProto.DOUBLE)
    return op.MatMul(op.Where(order == 0, nearest, linear), pixels_beyond(side, op.Constant(value_int=1), mode))


@script()
def blur_matrix(side, size, mode):
    """(side, side) double: the Gaussian that `skimage.transform.resize` applies before it reduces `side` to `size` pixels."""
    factor = op.Cast(side, to=TensorProto.DOUBLE) / op.Cast(size, to=TensorProto.DOUBLE)
    sigma = op.Max((factor - 1.0) / 2.0, 0.0)
    radius = op.Cast(4.0 * sigma + 0.5, to=TensorProto.INT64)
    pixel = op.Unsqueeze(op.Range(0, side, 1), [1])
    distance = op.Abs(pixel - op.Unsqueeze(op.Range(-radius, side + radius, 1), [0]))
    squared = op.Cast(distance * distance, to=TensorProto.DOUBLE)
    bell = op.Exp(-0.5 * squared / op.Max(sigma * sigma, 1e-30))
    inside = op.Where(distance <= radius, bell, 0.0 * bell)
    return op.MatMul(inside / op.ReduceSum(inside, [1]), pixels_beyond(side, radius, mode))


@script()
def resize_matrix(side, size, order, mode, anti_aliasing):
    weights = interpolation_matrix(side, size, order, mode)
    if anti_aliasing:  # noqa: SIM108  becomes an operator, as the other form does not
        matrix = op.MatMul(weights, blur_matrix(side, size, mode))
    else:
        matrix = op.Identity(weights)
    return matrix


@script()
def resize_image(levels, size, order, mode, anti_aliasing):
    """(height, width, 3) double -> (size, size, 3) double."""
    height, width, _ = op.Split(op.Shape(levels), num_outputs=3)
    rows = resize_matrix(op.Squeeze(height), size, order, mode, anti_aliasing)
    columns = resize_matrix(op.Squeeze(width), size, order, mode, anti_aliasing)
    channels_first = op.Transpose(levels, perm=[2, 0, 1])
    out = op.MatMul(op.MatMul(rows, channels_first), op.Transpose(columns, perm=[1, 0]))
    low = op.ReduceMin(levels, keepdims=0)  # scikit-image clips to the range of the image
    has_fill = op.And(mode == 0, op.ReduceMin(out, keepdims=0) <= 0.0)  # ... and keeps black if it fills a corner
    clipped = op.Max(op.Min(out, op.ReduceMax(levels, keepdims=0)), op.Where(has_fill, op.Min(low, 0.0), low))
    return op.Transpose(clipped, perm=[1, 2, 0])
