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
    """Seen from behind, 25 wide, 33 high; the bottom of its wheels is level with that of a car at the same height."""
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
    Bar([(60.2, 84.3), (60.2, 68.8), (59.3, 63.5), (56.4, 59.6), (52, 57.9), (46.7, 57.5)], 9.4, BLACK),
    Polygon([(47.6, 52.9), (47.6, 62.2), (37, 56.7)], 0.2, BLACK),
    tail(60.245, 84.3, 9.4),
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


TURN_PATH = [(35.7, 80.2), *arc(54.2, 55.2, 18.5, 180, 270)]
TURN: list[list[Shape]] = [
    [Bar([*TURN_PATH, (75.2, 36.2)], 11, WHITE), *barb((78.2, 36.2), 0, 27, 41, 8)],
    [Bar([*TURN_PATH, (65.2, 36.2)], 11.5, WHITE), *head((89.2, 36.2), 0, 44, 30)],
    [Bar([*TURN_PATH, (75.2, 36.2)], 9, WHITE), *barb((79.2, 36.2), 0, 30, 38, 7.5)],
]
AHEAD: list[list[Shape]] = [
    [Bar([(50, 87), (50, 20)], 10, WHITE), *barb((50, 18.5), -90, 33, 40, 8.5)],
    [Bar([(50, 89), (50, 34)], 12, WHITE), *head((50, 7), -90, 39, 34)],
    [Bar([(50, 89), (50, 24)], 8.5, WHITE), *barb((50, 19), -90, 36, 38, 7.5)],
]
AHEAD_OR_RIGHT: list[list[Shape]] = [
    [
        Bar([(41.8, 86.2), (41.8, 14.4)], 8, WHITE),
        *barb((41.8, 13.5), -90, 25, 41, 6.5),
        Bar([(43.6, 79.8), (45.4, 70.6), (49.6, 64.1), (55.6, 60.4), (62.9, 59.1), (81.3, 59.1)], 8, WHITE),
        *barb((83.2, 59.1), 0, 25, 41, 6.5),
    ],
    [
        Bar([(39.9, 86.2), (39.9, 31)], 9.5, WHITE),
        *head((39.9, 10.8), -90, 32, 33),
        Bar([(39.9, 80.7), (42.2, 70.6), (47.3, 64.1), (54.6, 61.4), (64.8, 60.4)], 9.5, WHITE),
        *head((86.8, 60.4), 0, 32, 33),
    ],
    [
        Bar([(40.8, 84.4), (40.8, 18.1)], 10, WHITE),
        *barb((40.8, 16.3), -90, 25, 42, 8),
        Bar([(40.8, 56.8), (77.6, 56.8)], 9.5, WHITE),
        *barb((81.3, 56.8), 0, 25, 42, 8),
    ],
]
PASS_RIGHT: list[list[Shape]] = [
    [Bar([(23.8, 25.4), (65.6, 68.2)], 9.5, WHITE), Bar([(68.5, 39.7), (68.5, 73), (39, 73)], 7.5, WHITE)],
    [Bar([(23.8, 24.5), (59.9, 60.6)], 12, WHITE), *head((80.8, 79.6), 45, 46, 33)],
    [Bar([(25.7, 26.4), (69.4, 70.1)], 11, WHITE), Bar([(73.2, 41.6), (73.2, 73), (41.9, 73)], 9, WHITE)],
]


def circulate(rotation: float, width: float, start: float, end: float) -> list[Shape]:
    """Three arrows around the centre, against the clock."""
    tip = arc(0, 0, 29.6, end, end)[0]
    arrow = [Bar(arc(0, 0, 29.6, start, end), width, WHITE), *barb(tip, end - 97, 15, 42, width * 0.8)]
    return [shape for turn in (0, 120, 240) for shape in place(arrow, 50, 50, 1, rotation + turn)]


WALKER: list[Shape] = [
    disc(46.9, 39.5, 4, BLACK),
    Polygon([(45.5, 47), (52.5, 47), (51.6, 59.2), (45, 59.2)], 1.1, BLACK),
    Stroke([(45, 47.5), (40.3, 54.5), (40.8, 58.3)], 3.1, BLACK),
    Stroke([(53, 47.5), (57.7, 53.6), (56.8, 58.3)], 3.1, BLACK),
    Stroke([(46.9, 61.1), (40.8, 80.8)], 4.9, BLACK),
    Stroke([(49.7, 61.1), (54.4, 69.6), (60.5, 80.4)], 4.9, BLACK),
]
RUNNERS: list[Shape] = [
    disc(37.6, 58.2, 3.8, BLACK),
    Stroke([(37.6, 65), (38.5, 71.3)], 4.8, BLACK),
    Stroke([(36.1, 65), (30.8, 69.9)], 2.2, BLACK),
    Stroke([(38.5, 64.5), (44.4, 65)], 2.2, BLACK),
    Stroke([(38, 71.8), (35.6, 81)], 2.6, BLACK),
    Stroke([(39.5, 71.8), (45.3, 74.2), (45.8, 78.6)], 2.6, BLACK),
    disc(56, 49, 4.5, BLACK),
    Stroke([(57.4, 56.3), (56.5, 67)], 6.5, BLACK),
    Stroke([(55, 55.8), (45.3, 62.6)], 2.6, BLACK),
    Stroke([(59.9, 55.3), (66.2, 61.1), (64.7, 64.5)], 2.6, BLACK),
    Stroke([(55.5, 68.9), (53.6, 82.5)], 3.6, BLACK),
    Stroke([(57.4, 68.9), (62.8, 72.8), (68.1, 78.1)], 3.6, BLACK),
]

TRUCK: list[Shape] = [
    rectangle(40, 37, 79.8, 56.8, BLACK, 0.4),
    Polygon([(22.6, 62.2), (22.6, 54.4), (26.4, 44.7), (38.1, 44.7), (38.1, 62.2)], 0.4, BLACK),
    Polygon([(25.5, 54.4), (28.2, 47.4), (34.7, 47.4), (34.7, 54.4)], 0.2, WHITE),
    rectangle(22.6, 58.3, 79.8, 62.2, BLACK, 0.3),
    *(disc(x, 64.1, radius, ink) for x in (31.3, 66.2) for radius, ink in ((6.8, WHITE), (5.5, BLACK))),
]
BONNETED_TRUCK: list[Shape] = [
    rectangle(42.9, 37, 78.8, 55.9, BLACK, 0.4),
    Polygon([(22.6, 60.2), (22.6, 54.4), (25.5, 51.5), (31.3, 50.5), (33.2, 44.7), (41, 44.7), (41, 60.2)], 0.4, BLACK),
    Polygon([(34, 50.5), (35.2, 46.6), (38.6, 46.6), (38.6, 50.5)], 0.2, WHITE),
    rectangle(23.5, 56.4, 78.8, 60.2, BLACK, 0.3),
    *(disc(x, 62.2, radius, ink) for x in (30.3, 68.2) for radius, ink in ((6.5, WHITE), (5.3, BLACK))),
]


def skid(car_tilt: float, *, has_lamps: bool) -> list[Shape]:
    lamps = [disc(-8, 1.5, 2.6, WHITE), disc(8, 1.5, 2.6, WHITE)] if has_lamps else []
    return [
        *place([*car(BLACK), *lamps], 48.8, 59.5, 0.84, car_tilt),
        Stroke([(43, 71.9), (34.3, 73.3), (34.3, 75.3), (40.1, 76.7), (39.2, 78.7), (29.5, 80.1)], 2, BLACK),
        Stroke([(41.1, 80.6), (37.2, 82.6), (33.3, 85.5), (39.2, 85.5)], 2, BLACK),
        Stroke([(47.9, 71.4), (52.7, 73.8), (51.3, 77.2), (59.5, 77.2), (69.2, 79.6)], 2.2, BLACK),
    ]


def cars(left_ink: int, right_ink: int) -> list[Shape]:
    return [*place(car(left_ink), 35, 51, 0.95), *place(car(right_ink), 66, 51, 0.95)]


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
    disc(50.5, 44.5, 3.8, BLACK),
    Stroke([(43.5, 51.5), (44.5, 59)], 8, BLACK),
    Stroke([(40.5, 49.5), (35.8, 56), (38, 62)], 2.8, BLACK),
    Stroke([(47, 51), (50, 57), (45, 62.5)], 2.6, BLACK),
    Stroke([(37, 61.5), (57, 77.5)], 1.8, BLACK),
    Stroke([(41, 63.5), (38, 72), (31.5, 82)], 4.4, BLACK),
    Stroke([(44.5, 64), (45.5, 73), (45, 82)], 4.2, BLACK),
    Polygon([(50.5, 83), (57, 74), (62, 68.5), (65.5, 68), (70, 74), (76, 83)], 0.5, BLACK),
]
DEER: list[Shape] = [
    Polygon([(45.2, 57.7), (48.7, 57.2), (64.7, 66.7), (65.7, 71.7), (61.7, 72.2), (47.7, 66.2)], 0.8, BLACK),
    Stroke([(43.7, 49.2), (46.7, 59.7)], 4.8, BLACK),
    Stroke([(43.7, 49.2), (40.2, 51.7)], 3, BLACK),
    Stroke([(44.2, 48.2), (45.7, 44.7), (44.7, 41.2)], 1.4, BLACK),
    Stroke([(43.2, 48.2), (41.7, 43.7)], 1.4, BLACK),
    Stroke([(45.7, 62.7), (39.2, 64.7), (38.2, 68.2)], 2.4, BLACK),
    Stroke([(48.7, 65.2), (43.2, 68.7), (43.7, 71.7)], 2.4, BLACK),
    Stroke([(64.2, 69.7), (68.2, 76.7), (72.2, 84.7)], 3, BLACK),
    Stroke([(61.7, 71.2), (66.2, 77.2), (69.7, 84.7)], 2.4, BLACK),
    Stroke([(65.7, 67.7), (67.7, 68.7)], 1.8, BLACK),
]
