"""The plates of signs, with thin and with wide edges, and functions that put pictograms onto them: one face for each plate."""

from gtsrb.synthetic.shapes import BLACK, BLUE, RED, WHITE, Bar, Face, Polygon, Shape, disc, place

RING: Face = [disc(50, 50, 50, WHITE), disc(50, 50, 48.8, RED), disc(50, 50, 34.4, WHITE)]
RING_ON_WHITE: Face = [disc(50, 50, 50, WHITE), disc(50, 50, 46.5, RED), disc(50, 50, 34.4, WHITE)]
BLUE_PLATE: Face = [disc(50, 50, 50, WHITE), disc(50, 50, 48, BLUE)]
TRIANGLE: Face = [
    Polygon([(50, 11), (95, 88.5), (5, 88.5)], 5, WHITE),
    Polygon([(50, 12), (94, 88), (6, 88)], 4.2, RED),
    Polygon([(50, 24), (83.5, 81.5), (16.5, 81.5)], 1.5, WHITE),
]
TRIANGLE_ON_WHITE: Face = [
    Polygon([(50, 11), (95, 88.5), (5, 88.5)], 5, WHITE),
    Polygon([(50, 14), (92.5, 87), (7.5, 87)], 3.5, RED),
    Polygon([(50, 26.5), (81.5, 80.5), (18.5, 80.5)], 1.5, WHITE),
]
END_PLATE: Face = [disc(50, 50, 50, WHITE), disc(50, 50, 49, BLACK), disc(50, 50, 47.2, WHITE)]


def stripes(angle: float, *, white_between: bool) -> list[Shape]:
    """Five stripes across the plate, rising at `angle`, with white or with what is below them in between."""
    lines = [Bar([(-(reach := (46.5**2 - y * y) ** 0.5), y), (reach, y)], 1.7, BLACK) for y in (-7.6, -3.8, 0, 3.8, 7.6)]
    return place([Bar([(-46, 0), (46, 0)], 17, WHITE), *lines] if white_between else lines, 50, 50, 1, -angle)


def ring(*shapes: Shape) -> list[Face]:
    """On a white disc with a red ring, with a thin and with a wide white edge."""
    return [[*RING, *shapes], [*RING_ON_WHITE, *shapes]]


def warning(*shapes: Shape) -> list[Face]:
    """Pictograms in hundredths of the triangle's width and height, on both plates."""
    fitted = [shape._replace(points=[(x, 5.5 + 0.88 * y) for x, y in shape.points]) for shape in shapes]
    return [[*TRIANGLE, *fitted], [*TRIANGLE_ON_WHITE, *fitted]]


def end_plate(*shapes: Shape) -> list[Face]:
    """Crossed out by stripes of two angles."""
    return [[*END_PLATE, *shapes, *stripes(angle, white_between=between)] for angle in (41, 48) for between in (True, False)]
