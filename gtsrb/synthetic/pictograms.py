"""The pictograms of signs, in hundredths of the sign's side; those in triangles in hundredths of its width and height."""

from gtsrb.synthetic.shapes import BLACK, WHITE, Bar, Point, Polygon, Shape, Stroke, arc, disc, place, rectangle

# Pictograms centred on (0, 0), for `place`.


def car(ink: int) -> list[Shape]:
    """Seen from behind, 30 wide, 24 high."""
    return [
        Polygon([(-10, -12), (10, -12), (13.5, -3), (-13.5, -3)], 0.3, ink),
        Polygon([(-8.7, -10.2), (8.7, -10.2), (11.3, -3.4), (-11.3, -3.4)], 0.2, WHITE),
        Polygon([(-13.5, -3), (13.5, -3), (14.7, 0), (13.8, 6), (-13.8, 6), (-14.7, 0)], 0.5, ink),
        rectangle(-12.3, 6, -8.3, 11.5, ink, 0.3),
        rectangle(8.3, 6, 12.3, 11.5, ink, 0.3),
    ]


def lorry(ink: int) -> list[Shape]:
    """Seen from behind, 26 wide, 36 high; the bottom of its wheels is level with that of a car at the same height."""
    return [
        rectangle(-12.3, -21.5, 12.3, 5, ink, 0.3),
        rectangle(-11, 5, -6, 11.5, ink, 0.3),
        rectangle(6, 5, 11, 11.5, ink, 0.3),
        rectangle(-11, 7, 11, 8.3, ink),
    ]


ROAD: list[Shape] = [rectangle(20, 63, 80, 64.8, BLACK)]  # below the cars, in older editions

FLAKE_ARM: list[Shape] = [
    Stroke([(0, 0), (0, -15)], 3, BLACK),
    Stroke([(-4.6, -13.5), (0, -9), (4.6, -13.5)], 2.9, BLACK),
]


def tail(x: float, y: float, width: float) -> Shape:
    """The notch in the lower end of an arrow."""
    return Polygon([(x - width / 2 - 0.5, y + 0.6), (x + width / 2 + 0.5, y + 0.6), (x, y - width * 0.5)], 0, WHITE)


BEND: list[Shape] = [
    Bar([(58.5, 85), (58.5, 69), (57.5, 63.5), (54.5, 59.5), (50, 57.7), (44.5, 57.3)], 9.4, BLACK),
    Polygon([(45.5, 52.6), (45.5, 62.2), (34.5, 56.5)], 0.2, BLACK),
    tail(58.5, 85, 9.4),
]

# Arrows on blue, each with an open and with a filled head.


def barb(tip: Point, direction: float, length: float, half_angle: float, width: float) -> list[Shape]:
    """The open head of an arrow, which points in `direction`."""
    left, right = (arc(*tip, -length, angle, angle)[0] for angle in (direction - half_angle, direction + half_angle))
    return [Bar([left, tip, right], width, WHITE)]


def head(tip: Point, direction: float, length: float, half_angle: float) -> list[Shape]:
    """The filled head of an arrow, which points in `direction`."""
    left, right = (arc(*tip, -length, angle, angle)[0] for angle in (direction - half_angle, direction + half_angle))
    (notch,) = arc(*tip, -0.68 * length, direction, direction)
    return [Polygon([tip, left, notch, right], 0.4, WHITE)]


TURN_PATH = [(36.5, 84), *arc(55, 59, 18.5, 180, 270)]
TURN: list[list[Shape]] = [
    [Bar([*TURN_PATH, (76, 40)], 11, WHITE), *barb((79, 40), 0, 27, 41, 8)],
    [Bar([*TURN_PATH, (66, 40)], 11.5, WHITE), *head((90, 40), 0, 44, 30)],
    [Bar([*TURN_PATH, (76, 40)], 9, WHITE), *barb((80, 40), 0, 30, 38, 7.5)],
]
AHEAD: list[list[Shape]] = [
    [Bar([(50, 87), (50, 20)], 10, WHITE), *barb((50, 18.5), -90, 33, 40, 8.5)],
    [Bar([(50, 89), (50, 34)], 12, WHITE), *head((50, 7), -90, 39, 34)],
    [Bar([(50, 89), (50, 24)], 8.5, WHITE), *barb((50, 19), -90, 36, 38, 7.5)],
]
AHEAD_OR_RIGHT: list[list[Shape]] = [
    [
        Bar([(43, 90), (43, 12)], 8, WHITE),
        *barb((43, 11), -90, 25, 41, 6.5),
        Bar([(45, 83), (47, 73), (51.5, 66), (58, 62), (66, 60.5), (86, 60.5)], 8, WHITE),
        *barb((88, 60.5), 0, 25, 41, 6.5),
    ],
    [
        Bar([(41, 90), (41, 30)], 9.5, WHITE),
        *head((41, 8), -90, 32, 33),
        Bar([(41, 84), (43.5, 73), (49, 66), (57, 63), (68, 62)], 9.5, WHITE),
        *head((92, 62), 0, 32, 33),
    ],
    [
        Bar([(42, 88), (42, 16)], 10, WHITE),
        *barb((42, 14), -90, 25, 42, 8),
        Bar([(42, 58), (82, 58)], 9.5, WHITE),
        *barb((86, 58), 0, 25, 42, 8),
    ],
]
PASS_RIGHT: list[list[Shape]] = [
    [Bar([(22, 25), (66, 70)], 9.5, WHITE), Bar([(69, 40), (69, 75), (38, 75)], 7.5, WHITE)],
    [Bar([(22, 24), (60, 62)], 12, WHITE), *head((82, 82), 45, 46, 33)],
    [Bar([(24, 26), (70, 72)], 11, WHITE), Bar([(74, 42), (74, 75), (41, 75)], 9, WHITE)],
]


def circulate(rotation: float, width: float, start: float, end: float) -> list[Shape]:
    """Three arrows around the centre, against the clock."""
    tip = arc(0, 0, 28.3, end, end)[0]
    arrow = [Bar(arc(0, 0, 28.3, start, end), width, WHITE), *barb(tip, end - 97, 15, 42, width * 0.8)]
    return [shape for turn in (0, 120, 240) for shape in place(arrow, 50, 50, 1, rotation + turn)]


WALKER: list[Shape] = [
    disc(45, 37, 4, BLACK),
    Polygon([(43.5, 45), (51, 45), (50, 58), (43, 58)], 1.1, BLACK),
    Stroke([(43, 45.5), (38, 53), (38.5, 57)], 3.1, BLACK),
    Stroke([(51.5, 45.5), (56.5, 52), (55.5, 57)], 3.1, BLACK),
    Stroke([(45, 60), (38.5, 81)], 4.9, BLACK),
    Stroke([(48, 60), (53, 69), (59.5, 80.5)], 4.9, BLACK),
]
RUNNERS: list[Shape] = [
    disc(38, 56, 3.8, BLACK),
    Stroke([(38, 63), (39, 69.5)], 4.8, BLACK),
    Stroke([(36.5, 63), (31, 68)], 2.2, BLACK),
    Stroke([(39, 62.5), (45, 63)], 2.2, BLACK),
    Stroke([(38.5, 70), (36, 79.5)], 2.6, BLACK),
    Stroke([(40, 70), (46, 72.5), (46.5, 77)], 2.6, BLACK),
    disc(57, 46.5, 4.5, BLACK),
    Stroke([(58.5, 54), (57.5, 65)], 6.5, BLACK),
    Stroke([(56, 53.5), (46, 60.5)], 2.6, BLACK),
    Stroke([(61, 53), (67.5, 59), (66, 62.5)], 2.6, BLACK),
    Stroke([(56.5, 67), (54.5, 81)], 3.6, BLACK),
    Stroke([(58.5, 67), (64, 71), (69.5, 76.5)], 3.6, BLACK),
]

TRUCK: list[Shape] = [
    rectangle(39, 35, 80, 55.5, BLACK, 0.4),
    Polygon([(21, 61), (21, 53), (25, 43), (37, 43), (37, 61)], 0.4, BLACK),
    Polygon([(24, 53), (26.8, 45.8), (33.5, 45.8), (33.5, 53)], 0.2, WHITE),
    rectangle(21, 57, 80, 61, BLACK, 0.3),
    *(disc(x, 63, radius, ink) for x in (30, 66) for radius, ink in ((6.8, WHITE), (5.5, BLACK))),
]
BONNETED_TRUCK: list[Shape] = [
    rectangle(42, 35, 79, 54.5, BLACK, 0.4),
    Polygon([(21, 59), (21, 53), (24, 50), (30, 49), (32, 43), (40, 43), (40, 59)], 0.4, BLACK),
    Polygon([(32.8, 49), (34, 45), (37.5, 45), (37.5, 49)], 0.2, WHITE),
    rectangle(22, 55, 79, 59, BLACK, 0.3),
    *(disc(x, 61, radius, ink) for x in (29, 68) for radius, ink in ((6.5, WHITE), (5.3, BLACK))),
]


def skid(car_tilt: float) -> list[Shape]:
    return [
        *place(car(BLACK), 48, 57.5, 0.87, car_tilt),
        Stroke([(42, 70.5), (33, 72), (33, 74), (39, 75.5), (38, 77.5), (28, 79)], 2, BLACK),
        Stroke([(40, 79.5), (36, 81.5), (32, 84.5), (38, 84.5)], 2, BLACK),
        Stroke([(47, 70), (52, 72.5), (50.5, 76), (59, 76), (69, 78.5)], 2.2, BLACK),
    ]


def cars(left_ink: int, right_ink: int) -> list[Shape]:
    return [*place(car(left_ink), 34, 51, 0.98), *place(car(right_ink), 66, 51, 0.98)]


def bicycle(x: float, y: float, scale: float) -> list[Shape]:
    shapes = [
        *(Stroke(arc(side, 0, 7.6, 0, 360), 1.8, BLACK) for side in (-14.2, 14.5)),
        Stroke([(-14.2, 0), (-8, -15.5), (-9, -18), (-5, -18.5)], 2, BLACK),
        Stroke([(-8, -13), (7, -13), (14.5, -1), (2, 1.5), (-8, -12)], 2, BLACK),
        Stroke([(7, -15), (2, 1.5)], 2, BLACK),
        Stroke([(5, -15.5), (11, -15.5)], 2.8, BLACK),
    ]
    return place(shapes, x, y, scale)


WORKER: list[Shape] = [
    disc(53.5, 44.5, 3.8, BLACK),
    Stroke([(46.5, 51.5), (47.5, 59)], 8, BLACK),
    Stroke([(43.5, 49.5), (38.8, 56), (41, 62)], 2.8, BLACK),
    Stroke([(50, 51), (53, 57), (48, 62.5)], 2.6, BLACK),
    Stroke([(40, 61.5), (60, 77.5)], 1.8, BLACK),
    Stroke([(44, 63.5), (41, 72), (34.5, 82)], 4.4, BLACK),
    Stroke([(47.5, 64), (48.5, 73), (48, 82)], 4.2, BLACK),
    Polygon([(53.5, 83), (60, 74), (65, 68.5), (68.5, 68), (73, 74), (79, 83)], 0.5, BLACK),
]
DEER: list[Shape] = [
    Polygon([(47.5, 58.5), (51, 58), (67, 67.5), (68, 72.5), (64, 73), (50, 67)], 0.8, BLACK),
    Stroke([(46, 50), (49, 60.5)], 4.8, BLACK),
    Stroke([(46, 50), (42.5, 52.5)], 3, BLACK),
    Stroke([(46.5, 49), (48, 45.5), (47, 42)], 1.4, BLACK),
    Stroke([(45.5, 49), (44, 44.5)], 1.4, BLACK),
    Stroke([(48, 63.5), (41.5, 65.5), (40.5, 69)], 2.4, BLACK),
    Stroke([(51, 66), (45.5, 69.5), (46, 72.5)], 2.4, BLACK),
    Stroke([(66.5, 70.5), (70.5, 77.5), (74.5, 85.5)], 3, BLACK),
    Stroke([(64, 72), (68.5, 78), (72, 85.5)], 2.4, BLACK),
    Stroke([(68, 68.5), (70, 69.5)], 1.8, BLACK),
]
