"""The shapes that signs are composed of, and `draw_face`, which draws them.

Coordinates are hundredths of the sign's side, x to the right, y down; angles are in degrees, clockwise from the x axis.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

Point = tuple[float, float]
INKS = WHITE, RED, BLUE, YELLOW, GREEN, GREY, BLACK = range(7)  # what faces are printed with


class Polygon(NamedTuple):
    """A filled polygon, dilated by `radius`, which rounds its corners."""

    points: list[Point]
    radius: float
    ink: int


class Stroke(NamedTuple):
    """A polyline through `points` with round caps and joins; a single point gives a disc."""

    points: list[Point]
    width: float
    ink: int


class Bar(NamedTuple):
    """A polyline through `points` with flat ends and mitred joins; closed if it ends where it starts."""

    points: list[Point]
    width: float
    ink: int


Shape = Polygon | Stroke | Bar
Face = Sequence[Shape]  # each shape covers those before it


def disc(x: float, y: float, radius: float, ink: int) -> Stroke:
    return Stroke([(x, y)], 2 * radius, ink)


def rectangle(left: float, top: float, right: float, bottom: float, ink: int, radius: float = 0) -> Polygon:
    return Polygon([(left, top), (right, top), (right, bottom), (left, bottom)], radius, ink)


def arc(x: float, y: float, radius: float, start: float, end: float) -> list[Point]:
    """Points on a circular arc around (x, y), one every 6 degrees."""
    angles = np.deg2rad(np.linspace(start, end, 1 + round(abs(end - start) / 6)))
    return [(x + radius * float(np.cos(angle)), y + radius * float(np.sin(angle))) for angle in angles]


def place(shapes: Sequence[Shape], x: float, y: float, scale: float, rotation: float = 0) -> list[Shape]:
    """Shapes centred on (0, 0), scaled, rotated clockwise by `rotation` degrees, and moved to (x, y)."""
    angle = np.deg2rad(rotation)
    c, s = scale * float(np.cos(angle)), scale * float(np.sin(angle))
    moved = [shape._replace(points=[(x + c * u - s * v, y + s * u + c * v) for u, v in shape.points]) for shape in shapes]
    return [
        shape._replace(radius=shape.radius * scale) if isinstance(shape, Polygon) else shape._replace(width=shape.width * scale)
        for shape in moved
    ]


def mirror(shapes: Sequence[Shape]) -> list[Shape]:
    """The shapes, mirrored left to right."""
    return [shape._replace(points=[(100 - x, y) for x, y in shape.points]) for shape in shapes]


def print_in(shapes: Sequence[Shape], ink: int) -> list[Shape]:
    """The shapes in another ink."""
    return [shape._replace(ink=ink) for shape in shapes]


def draw_face(face: Face, side: int) -> np.ndarray:
    """A face -> (side, side) uint8: 0 where it is transparent, otherwise 1 + ink; edges are not antialiased."""
    image = Image.new("L", (side, side))
    draw, scale = ImageDraw.Draw(image), side / 100
    for shape in face:
        points, fill = [(x * scale, y * scale) for x, y in shape.points], 1 + shape.ink
        match shape:
            case Polygon():
                draw.polygon(points, fill)
                if shape.radius:
                    _draw_round([*points, points[0]], shape.radius * scale, draw, fill)
            case Stroke():
                _draw_round(points, shape.width / 2 * scale, draw, fill)
            case Bar():
                left, right = _offset(points, shape.width / 2 * scale), _offset(points, -shape.width / 2 * scale)
                for (a, b), (c, d) in zip(pairwise(left), pairwise(right), strict=True):
                    draw.polygon([a, b, d, c], fill)
    return np.asarray(image)


def _draw_round(points: list[Point], radius: float, draw: ImageDraw.ImageDraw, fill: int) -> None:
    """Draws a polyline with round caps and joins: the ends of Pillow's own wide lines are uneven."""
    for start, end in pairwise(points):
        dx, dy = np.subtract(end, start) * radius / max(np.hypot(*np.subtract(end, start)), 1e-9)
        corners = [(start, 1), (end, 1), (end, -1), (start, -1)]
        draw.polygon([(x - sign * dy, y + sign * dx) for (x, y), sign in corners], fill)
    for x, y in points:
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill)


def _offset(points: list[Point], distance: float) -> list[Point]:
    """The polyline that runs `distance` to the left of `points`, one point for each other of them."""
    path = np.array(points)
    path = path[np.append(True, np.hypot(*np.diff(path, axis=0).T) > 1e-6)]  # where two arcs meet, a point is there twice
    along = np.diff(path, axis=0)
    normals = np.column_stack([along[:, 1], -along[:, 0]]) / np.hypot(*along.T)[:, None]
    closed = np.allclose(path[0], path[-1])
    before = np.vstack([normals[-1] if closed else normals[0], normals])
    after = np.vstack([normals, normals[0] if closed else normals[-1]])
    bisector = before + after
    return [(float(x), float(y)) for x, y in path + 2 * distance * bisector / (bisector**2).sum(axis=1, keepdims=True)]
