"""The shapes that signs are composed of, and `draw_face`, which draws them.

Coordinates are hundredths of the sign's side, x to the right, y down; angles are in degrees, clockwise from the x axis.
"""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Point = tuple[float, float]
Color = tuple[int, int, int]


class Polygon(NamedTuple):
    """A filled polygon, dilated by `radius`, which rounds its corners."""

    points: list[Point]
    radius: float
    color: Color


class Stroke(NamedTuple):
    """A polyline through `points` with round caps and joins; a single point gives a disc."""

    points: list[Point]
    width: float
    color: Color


class Text(NamedTuple):
    """Bold letters stretched to `box`: left, top, right, bottom."""

    text: str
    box: tuple[float, float, float, float]
    color: Color


Shape = Polygon | Stroke
Face = Sequence[Shape | Text]


def disc(x: float, y: float, radius: float, color: Color) -> Stroke:
    return Stroke([(x, y)], 2 * radius, color)


def arc(x: float, y: float, radius: float, start: float, end: float) -> list[Point]:
    """Points on a circular arc around (x, y), one every 6 degrees."""
    angles = np.deg2rad(np.linspace(start, end, 1 + round(abs(end - start) / 6)))
    return [(x + radius * float(np.cos(angle)), y + radius * float(np.sin(angle))) for angle in angles]


def arrow(points: list[Point], width: float, head: float, color: Color) -> list[Shape]:
    """A stroke through `points` that ends in a triangle `head` long and 1.3 times as wide."""
    along = np.subtract(points[-1], points[-2])
    along = along / np.hypot(*along) * head
    across = 0.65 * np.array([-along[1], along[0]])
    x, y = points[-1]
    corners = [(float(x + right), float(y + down)) for right, down in (along, across, -across)]
    return [Stroke(points, width, color), Polygon(corners, 0.5, color)]


def place(shapes: Sequence[Shape], x: float, y: float, scale: float, rotation: float = 0) -> list[Shape]:
    """Shapes centred on (0, 0), scaled, rotated clockwise by `rotation` degrees, and moved to (x, y)."""
    angle = np.deg2rad(rotation)
    c, s = scale * float(np.cos(angle)), scale * float(np.sin(angle))
    moved = [shape._replace(points=[(x + c * u - s * v, y + s * u + c * v) for u, v in shape.points]) for shape in shapes]
    return [shape._replace(width=shape.width * scale) if isinstance(shape, Stroke) else shape for shape in moved]


def mirror(shapes: Sequence[Shape]) -> list[Shape]:
    """The shapes, mirrored left to right."""
    return [shape._replace(points=[(100 - x, y) for x, y in shape.points]) for shape in shapes]


def draw_face(face: Face, side: int) -> Image.Image:
    """A face on a transparent RGBA image of `side` pixels: each shape covers those before it, edges are not antialiased."""
    image = Image.new("RGBA", (side, side))
    draw, scale = ImageDraw.Draw(image), side / 100
    for shape in face:
        if isinstance(shape, Text):
            left, top, right, bottom = (round(edge * scale) for edge in shape.box)
            letters = _draw_letters(shape.text).resize((right - left, bottom - top))
            image.paste(shape.color, (left, top), letters.point(lambda level: 255 * (level > 127)))
            continue
        points = [(x * scale, y * scale) for x, y in shape.points]
        radius = scale * (shape.radius if isinstance(shape, Polygon) else shape.width / 2)
        if isinstance(shape, Polygon):
            draw.polygon(points, shape.color)
            points.append(points[0])
        for start, end in pairwise(points):  # the ends of Pillow's own wide lines are uneven
            dx, dy = np.subtract(end, start) * radius / max(np.hypot(*np.subtract(end, start)), 1e-9)
            corners = [(start, 1), (end, 1), (end, -1), (start, -1)]
            draw.polygon([(x - sign * dy, y + sign * dx) for (x, y), sign in corners], shape.color)
        for x, y in points:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), shape.color)
    return image


@cache
def _draw_letters(text: str) -> Image.Image:
    """The letters in white on black, cropped to their bounding box."""
    image = Image.new("L", (200 * len(text), 400))
    font = ImageFont.load_default(200)
    ImageDraw.Draw(image).text((30, 30), text, 255, font, stroke_width=7)  # the built-in font has no bold
    return image.crop(image.getbbox())
