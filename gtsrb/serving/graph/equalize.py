"""Histogram equalisation of V = max(R, G, B), global or adaptive, as gtsrb/preprocessing/equalize.py and scikit-image have it.

The same operations in the same order and precision, so that the same levels come out but for ties in rounding.
"""

from onnx import TensorProto
from onnxscript import opset18 as op
from onnxscript import script


@script()
def hsv_value(picture):
    """(height, width, 3) uint8 -> (height, width) int64."""
    return op.Cast(op.ReduceMax(op.Cast(picture, to=TensorProto.INT32), [2], keepdims=0), to=TensorProto.INT64)


@script()
def scale_value(picture, value, new_value):
    """(height, width, 3) uint8 with its V, and V' in levels -> levels, double."""
    v = op.Unsqueeze(op.Cast(value, to=TensorProto.DOUBLE), [2])
    new_v = op.Unsqueeze(new_value, [2])
    scaled = op.Cast(picture, to=TensorProto.DOUBLE) * (new_v / op.Max(v, 1.0))
    return op.Where(v == 0.0, new_v, scaled)


@script()
def equalize(picture, bins):
    """(height, width, 3) uint8 -> levels, double: `equalize` with the result of `equalization_map`."""
    value = hsv_value(picture)
    low, high = op.ReduceMin(value, keepdims=0), op.ReduceMax(value, keepdims=0)
    flat = op.Reshape(value, [-1])
    zero, one = op.CastLike(0, flat), op.CastLike(1, flat)
    counts = op.ScatterElements(op.Expand(zero, [256]), flat, op.Expand(one, op.Shape(flat)), axis=0, reduction="add")
    levels = op.Cast(op.Range(0, 256, 1), to=TensorProto.DOUBLE) * (1.0 / op.Cast(255.0, to=TensorProto.DOUBLE))

    half = op.Cast(op.Where(low == high, 0.5, 0.0), to=TensorProto.DOUBLE)  # a single level gets bins of its own
    first, last = op.Gather(levels, low) - half, op.Gather(levels, high) + half
    step = (last - first) / op.Cast(bins, to=TensorProto.DOUBLE)
    edges = op.Cast(op.Range(0, bins, 1), to=TensorProto.DOUBLE) * step + first
    edges = op.Concat(edges, op.Unsqueeze(last, [0]), axis=0)

    # as in numpy.histogram: a guess, one bin to the left or right if the level is not between that bin's edges
    guess = op.Cast((levels - first) / (last - first) * op.Cast(bins, to=TensorProto.DOUBLE), to=TensorProto.INT64)
    guess = op.Min(op.Max(guess, 0), bins - 1)
    guess = guess - op.Cast(op.And(levels < op.Gather(edges, guess), guess > 0), to=TensorProto.INT64)
    guess = guess + op.Cast(op.And(levels >= op.Gather(edges, guess + 1), guess < bins - 1), to=TensorProto.INT64)
    no_counts = op.Expand(zero, op.Reshape(bins, [1]))
    histogram = op.ScatterElements(no_counts, guess, counts, axis=0, reduction="add")
    cumulative = op.Cast(op.CumSum(histogram, 0), to=TensorProto.DOUBLE) / op.Cast(op.Size(value), to=TensorProto.DOUBLE)

    # numpy.interp between the centres of the bins
    centers = (op.Slice(edges, [0], [-1]) + op.Slice(edges, [1], op.Reshape(bins + 1, [1]))) / 2.0
    right = op.Min(op.Max(op.Cast((levels - first) / step + 0.5, to=TensorProto.INT64), 1), bins - 1)
    left_center, right_center = op.Gather(centers, right - 1), op.Gather(centers, right)
    part = op.Min(op.Max((levels - left_center) / (right_center - left_center), 0.0), 1.0)
    below, above = op.Gather(cumulative, right - 1), op.Gather(cumulative, right)
    return scale_value(picture, value, op.Gather((below + (above - below) * part) * 255.0, value))


@script()
def clip_histograms(histograms, limit):
    """(n, bins) int64 counts, none above `limit`: what was above it is spread over the other bins, as scikit-image does."""
    bins = op.Squeeze(op.Shape(histograms, start=1))
    total = op.ReduceSum(histograms, [1])
    counts = op.Min(histograms, limit)
    increment = (total - op.ReduceSum(counts, [1])) / bins
    counts = counts + op.Where(counts < limit - increment, increment, 0 * counts)
    counts = op.Where(counts >= limit - increment, op.Max(limit, counts), counts)

    # Pass after pass from the next bin on, one count to each of so many bins as there are counts left. The loop carries one
    # tensor alone, because ONNX Script orders several by chance.
    column = op.Unsqueeze(op.Range(0, bins, 1), [0])
    for i in range(op.ReduceMax(total, keepdims=0)):
        left = total - op.ReduceSum(counts, [1])
        has_room = counts < limit
        every = op.Max(op.ReduceSum(op.Cast(has_room, to=TensorProto.INT64), [1]) / op.Max(left, 1), 1)
        is_due = op.And(column >= i % bins, op.Mod(column - i % bins, every) == 0)
        counts = counts + op.Cast(op.And(op.And(has_room, left > 0), is_due), to=TensorProto.INT64)
        is_done = op.ReduceMax(total - op.ReduceSum(counts, [1]), keepdims=0) <= 0
        if is_done:
            break
    return counts


@script()
def reflect_at_end(position, side):
    """`numpy.pad`'s mode reflect: positions from `side` on, mirrored at the last pixel."""
    return side - 1 - op.Abs(side - 1 - position)


@script()
def map_greys(maps, tile_row, tile_column, columns, bins, binned, weight):
    """The grey that each pixel's bin has in the map of one of its four tiles, times that tile's weight there."""
    tile = op.Unsqueeze(tile_row * columns, [1]) + op.Unsqueeze(tile_column, [0])
    return op.Cast(op.Gather(maps, tile * bins + binned) * weight, to=TensorProto.FLOAT)


@script()
def equalize_adaptive(picture, tiles, clip_limit, bins):
    """(height, width, 3) uint8 -> levels, double, whole numbers. clip_limit: double. scikit-image has 16,384 greys."""
    value = hsv_value(picture)
    low, high = op.ReduceMin(value, keepdims=0), op.ReduceMax(value, keepdims=0)
    wide = 257.0 * op.Cast(value, to=TensorProto.DOUBLE)  # of 16 bits
    range16 = 257.0 * op.Cast(high - low, to=TensorProto.DOUBLE)
    stretched = (wide - 257.0 * op.Cast(low, to=TensorProto.DOUBLE)) / op.Max(range16, 1.0) * 16383.0
    grey = op.Round(op.Where(range16 == 0.0, op.Min(wide, 16383.0), stretched))
    binned = op.Cast(grey, to=TensorProto.INT64) / (1 + 16384 / bins)

    # a histogram of each tile; tiles that stick out are filled up with mirrored pixels
    size = op.Shape(value)
    tile = op.Max(size / tiles, 2)
    before = tile / 2
    grid = (size + before + (tile - size % tile) % tile + (tile + 1) / 2) / tile - 1
    height, width = op.Split(size, num_outputs=2)
    tile_height, tile_width = op.Split(tile, num_outputs=2)
    rows, columns = op.Split(grid, num_outputs=2)
    y = reflect_at_end(op.Range(0, op.Squeeze(rows * tile_height), 1), height)
    x = reflect_at_end(op.Range(0, op.Squeeze(columns * tile_width), 1), width)
    padded = op.Gather(op.Gather(binned, y, axis=0), x, axis=1)
    blocks = op.Reshape(padded, op.Concat(rows, tile_height, columns, tile_width, axis=0))
    pixels = tile_height * tile_width
    blocks = op.Reshape(op.Transpose(blocks, perm=[0, 2, 1, 3]), op.Concat(rows * columns, pixels, axis=0))
    no_counts = op.Expand(op.CastLike(0, size), op.Concat(rows * columns, op.Reshape(bins, [1]), axis=0))
    ones = op.Expand(op.CastLike(1, size), op.Shape(blocks))
    histograms = op.ScatterElements(no_counts, blocks, ones, axis=1, reduction="add")

    # the grey of each bin in each tile
    limit = op.Cast(op.Max(clip_limit * op.Cast(pixels, to=TensorProto.DOUBLE), 1.0), to=TensorProto.INT64)
    cumulative = op.Cast(op.CumSum(clip_histograms(histograms, limit), 1), to=TensorProto.DOUBLE)
    greys_per_pixel = 16383.0 / op.Cast(pixels, to=TensorProto.DOUBLE)
    maps = op.Reshape(op.Floor(op.Min(cumulative * greys_per_pixel, 16383.0)), [-1])

    # each pixel between the four tiles around it
    y = op.Range(0, op.Squeeze(height), 1) + op.Squeeze(op.Slice(before, [0], [1]))
    x = op.Range(0, op.Squeeze(width), 1) + op.Squeeze(op.Slice(before, [1], [2]))
    down = op.Cast(y % tile_height, to=TensorProto.DOUBLE) / op.Cast(tile_height, to=TensorProto.DOUBLE)
    right = op.Cast(x % tile_width, to=TensorProto.DOUBLE) / op.Cast(tile_width, to=TensorProto.DOUBLE)
    down, right = op.Unsqueeze(down, [1]), op.Unsqueeze(right, [0])
    above, below = op.Max(y / tile_height - 1, 0), op.Min(y / tile_height, rows - 1)
    left_of, right_of = op.Max(x / tile_width - 1, 0), op.Min(x / tile_width, columns - 1)
    out = map_greys(maps, above, left_of, columns, bins, binned, (1.0 - down) * (1.0 - right))
    out = out + map_greys(maps, above, right_of, columns, bins, binned, (1.0 - down) * right)
    out = out + map_greys(maps, below, left_of, columns, bins, binned, down * (1.0 - right))
    out = out + map_greys(maps, below, right_of, columns, bins, binned, down * right)

    out = op.Cast(op.Floor(out), to=TensorProto.DOUBLE)
    least, most = op.ReduceMin(out, keepdims=0), op.ReduceMax(out, keepdims=0)
    new_value = op.Where(most == least, op.Min(out, 1.0), (out - least) / op.Max(most - least, 1.0))
    return op.Round(scale_value(picture, value, new_value * 255.0))
