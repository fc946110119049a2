"""The faces of the 43 signs, composed of plates and pictograms: `FACES` by class number, and `draw_sign` to rasterise one."""

from functools import cache

import numpy as np

from gtsrb.synthetic.shapes import Color, Face, Polygon, Shape, Stroke, Text, arc, arrow, disc, draw_face, mirror, place

RED, BLUE, YELLOW, GREEN = (193, 18, 31), (0, 78, 165), (250, 190, 0), (0, 150, 70)
WHITE, GREY, BLACK = (242, 242, 242), (115, 115, 115), (16, 16, 16)


@cache
def draw_sign(class_id: int, size: int) -> np.ndarray:
    """The face of a sign as (size, size, 4) uint8 RGBA, read-only: transparent outside, with antialiased edges."""
    oversampling = max(4, -(-512 // size))
    pixels = np.array(draw_face(FACES[class_id], size * oversampling).reduce(oversampling))
    pixels.flags.writeable = False
    return pixels


# Plates, each shared by several signs.

RED_RING_PLATE: Face = [disc(50, 50, 50, RED), disc(50, 50, 38, WHITE)]
BLUE_PLATE: Face = [disc(50, 50, 50, WHITE), disc(50, 50, 48, BLUE)]
TRIANGLE_PLATE: Face = [
    Polygon([(50, 10.5), (95, 88.5), (5, 88.5)], 5, RED),
    Polygon([(50, 24), (83.5, 82), (16.5, 82)], 1.5, WHITE),
]
END_PLATE: Face = [disc(50, 50, 50, GREY), disc(50, 50, 48, WHITE)]
STRIPES: Face = [
    Stroke([(50 + shift - half, 50 + shift + half), (50 + shift + half, 50 + shift - half)], 2.4, BLACK)
    for shift, half in ((-7, 32), (-3.5, 33.3), (0, 33.7), (3.5, 33.3), (7, 32))
]

# Pictograms centred on (0, 0), for `place`.


def car(color: Color) -> list[Shape]:
    """Seen from behind, 24 wide."""
    return [
        Polygon([(-11, 0), (11, 0), (11, 7), (-11, 7)], 1, color),
        Polygon([(-9, 0), (-6, -8), (6, -8), (9, 0)], 1, color),
        Polygon([(-6.5, -1.5), (-4.7, -6), (4.7, -6), (6.5, -1.5)], 0.3, WHITE),
        Polygon([(-10, 7), (-6, 7), (-6, 11), (-10, 11)], 1, color),
        Polygon([(10, 7), (6, 7), (6, 11), (10, 11)], 1, color),
        disc(-8, 3.5, 1.8, WHITE),
        disc(8, 3.5, 1.8, WHITE),
    ]


def lorry(color: Color) -> list[Shape]:
    """Seen from behind, 26 wide."""
    return [
        Polygon([(-12, -18), (12, -18), (12, 8), (-12, 8)], 1, color),
        Polygon([(-9, -5), (-9, -14), (9, -14), (9, -5)], 0.3, WHITE),
        Polygon([(-11, 7), (-6, 7), (-6, 13), (-11, 13)], 1, color),
        Polygon([(11, 7), (6, 7), (6, 13), (11, 13)], 1, color),
        disc(-8, 3, 2, WHITE),
        disc(8, 3, 2, WHITE),
    ]


WALKER: list[Shape] = [  # facing left, 44 tall
    disc(0, -18, 4.2, BLACK),
    Stroke([(0, -10), (1, 4)], 7, BLACK),
    Stroke([(0, 4), (-5, 12), (-10, 21)], 4, BLACK),
    Stroke([(1, 4), (6, 12), (12, 20)], 4, BLACK),
    Stroke([(-1, -10), (-7, -3), (-11, 1)], 3, BLACK),
    Stroke([(1, -10), (7, -3), (10, 3)], 3, BLACK),
]
RUNNER: list[Shape] = [  # facing left, 44 tall
    disc(-5, -18, 4.8, BLACK),
    Stroke([(-3, -9), (2, 4)], 7, BLACK),
    Stroke([(1, 4), (-8, 8), (-9, 20)], 4, BLACK),
    Stroke([(3, 4), (10, 10), (19, 10)], 4, BLACK),
    Stroke([(-3, -9), (-10, -3), (-16, -7)], 3, BLACK),
    Stroke([(-2, -9), (7, -6), (10, 1)], 3, BLACK),
]
FLAKE_ARM: list[Shape] = [
    Stroke([(0, 0), (0, -18)], 2.6, BLACK),
    Stroke([(-5, -15), (0, -10), (5, -15)], 2.2, BLACK),
]

# Signs.


def speed_limit(speed: str) -> Face:
    return [*RED_RING_PLATE, Text(speed, (24, 31, 76, 69) if len(speed) == 2 else (17, 34, 83, 66), BLACK)]


BEND = arrow([(58, 80), (58, 69), (55.5, 63), (48, 55)], 7.5, 12, BLACK)
TURN = arrow([(34, 82), (34, 58), (36, 52), (42, 48), (62, 48)], 13, 24, WHITE)
AHEAD = arrow([(50, 86), (50, 40)], 13, 26, WHITE)
AHEAD_OR_RIGHT = [
    *arrow([(38, 84), (38, 36)], 11, 20, WHITE),
    *arrow([(38, 74), (38, 66), (41, 59), (48, 55), (66, 55)], 11, 19, WHITE),
]
PASS_RIGHT = arrow([(28, 28), (57, 57)], 13, 25, WHITE)

CORNERS = [22.5 + 45 * k for k in range(8)]  # of the octagon, degrees

FACES: list[Face] = [
    *map(speed_limit, ("20", "30", "50", "60", "70", "80")),
    [*END_PLATE, Text("80", (24, 31, 76, 69), GREY), *STRIPES],
    *map(speed_limit, ("100", "120")),
    [*RED_RING_PLATE, *place(car(RED), 33, 50, 1.2), *place(car(BLACK), 67, 50, 1.2)],  # 9
    [*RED_RING_PLATE, *place(lorry(RED), 35, 52, 1.1), *place(car(BLACK), 67, 54.2, 1.1)],
    [  # 11 right of way at the next intersection
        *TRIANGLE_PLATE,
        Polygon([(50, 34), (58, 47), (54.5, 47), (54.5, 79), (45.5, 79), (45.5, 47), (42, 47)], 0.5, BLACK),
        Stroke([(34, 62), (66, 62)], 5.5, BLACK),
    ],
    [  # 12 priority road
        Polygon([(50, 4), (96, 50), (50, 96), (4, 50)], 4, BLACK),
        Polygon([(50, 4), (96, 50), (50, 96), (4, 50)], 2.5, WHITE),
        Polygon([(50, 19), (81, 50), (50, 81), (19, 50)], 2, YELLOW),
    ],
    [  # 13 yield
        Polygon([(50, 89.5), (95, 11.5), (5, 11.5)], 5, RED),
        Polygon([(50, 73), (81, 19), (19, 19)], 1, WHITE),
    ],
    [  # 14 stop
        Polygon([arc(50, 50, 53, angle, angle)[0] for angle in CORNERS], 0.5, WHITE),
        Polygon([arc(50, 50, 50, angle, angle)[0] for angle in CORNERS], 0.5, RED),
        Text("STOP", (12, 36, 88, 64), WHITE),
    ],
    RED_RING_PLATE,  # 15 no vehicles
    [  # 16 no heavy vehicles
        *RED_RING_PLATE,
        Polygon([(44, 36), (78, 36), (78, 58), (44, 58)], 1, BLACK),
        Polygon([(22, 59), (22, 51), (27, 42), (40, 42), (40, 56), (78, 56), (78, 59)], 1, BLACK),
        Polygon([(26, 50), (29, 45), (35, 45), (35, 50)], 0.3, WHITE),
        *(disc(x, 62, radius, color) for x in (31, 58, 70) for radius, color in ((6.5, WHITE), (5, BLACK))),
    ],
    [disc(50, 50, 50, WHITE), disc(50, 50, 49, RED), Polygon([(17, 42), (83, 42), (83, 58), (17, 58)], 0.5, WHITE)],  # 17
    [*TRIANGLE_PLATE, Polygon([(46, 39), (54, 39), (52, 63), (48, 63)], 1.5, BLACK), disc(50, 73.5, 4.8, BLACK)],  # 18
    [*TRIANGLE_PLATE, *BEND],  # 19
    [*TRIANGLE_PLATE, *mirror(BEND)],
    [
        *TRIANGLE_PLATE,
        *arrow([(58, 80), (56, 76), *arc(46.5, 69.5, 4.5, 110, 240), *arc(53, 60, 4.5, 45, -40), (50, 52)], 6, 12, BLACK),
    ],  # 21
    [  # 22 bumps
        *TRIANGLE_PLATE,
        Polygon([(27, 79), *arc(38, 73, 8.5, 175, 360), *arc(62, 73, 8.5, 180, 365), (73, 79)], 1.2, BLACK),
    ],
    [  # 23 slippery
        *TRIANGLE_PLATE,
        *place(car(BLACK), 51, 53, 0.95, 12),
        Stroke([(42, 65), (46, 69), (40, 74), (45, 79)], 3.4, BLACK),
        Stroke([(56, 68), (60, 71), (54, 75), (59, 79)], 3.4, BLACK),
    ],
    [  # 24 narrows on the right
        *TRIANGLE_PLATE,
        Stroke([(41, 80), (41, 49)], 6, BLACK),
        Stroke([(66, 80), (66, 72), (56, 61), (56, 49)], 6, BLACK),
    ],
    [  # 25 road work
        *TRIANGLE_PLATE,
        disc(50, 41, 4.5, BLACK),
        Stroke([(47, 50), (43, 61)], 7.5, BLACK),
        Stroke([(43, 62), (50, 69), (50, 79)], 4.5, BLACK),
        Stroke([(42, 62), (38, 70), (31, 79)], 4.5, BLACK),
        Stroke([(48, 49), (57, 57)], 3.5, BLACK),
        Stroke([(46, 54), (64, 73)], 2.2, BLACK),
        Polygon([(56, 80), (66, 69), (76, 80)], 0.8, BLACK),
    ],
    [  # 26 traffic lights
        *TRIANGLE_PLATE,
        Polygon([(44, 40), (56, 40), (56, 78), (44, 78)], 1.5, BLACK),
        disc(50, 46, 5, RED),
        disc(50, 59, 5, YELLOW),
        disc(50, 72, 5, GREEN),
    ],
    [  # 27 pedestrians
        *TRIANGLE_PLATE,
        *place(WALKER, 50, 55, 0.8),
        *(
            Polygon([(x, 75.5), (x + 4, 75.5), (x + 3 + (x - 48) / 8, 81), (x - 1 + (x - 48) / 8, 81)], 0, BLACK)
            for x in range(26, 73, 8)
        ),
    ],
    [*TRIANGLE_PLATE, *place(RUNNER, 40, 65, 0.66), *place(RUNNER, 60, 61, 0.82)],  # 28
    [  # 29 bicycles
        *TRIANGLE_PLATE,
        *(Stroke(arc(x, 70, 9, 0, 360), 2.6, BLACK) for x in (36, 64)),
        Stroke([(36, 70), (43, 57), (57, 57), (49, 70), (36, 70)], 2.6, BLACK),
        Stroke([(64, 70), (56, 52), (61, 51)], 2.6, BLACK),
        Stroke([(49, 70), (42, 54)], 2.6, BLACK),
        Stroke([(39, 53), (46, 53)], 3.4, BLACK),
    ],
    [*TRIANGLE_PLATE, *(shape for angle in range(0, 360, 60) for shape in place(FLAKE_ARM, 50, 62, 1, angle))],  # 30
    [  # 31 wild animals
        *TRIANGLE_PLATE,
        Stroke([(46, 58), (62, 62)], 9, BLACK),
        Stroke([(46, 57), (41, 47)], 5, BLACK),
        Stroke([(41, 47), (36, 50)], 4, BLACK),
        Stroke([(42, 46), (46, 41), (45, 36)], 1.8, BLACK),
        Stroke([(42, 46), (50, 43), (52, 39)], 1.8, BLACK),
        Stroke([(45, 60), (37, 63), (33, 60)], 3, BLACK),
        Stroke([(46, 60), (38, 68), (36, 64)], 3, BLACK),
        Stroke([(63, 63), (65, 71), (73, 79)], 3.4, BLACK),
        Stroke([(62, 64), (60, 72), (66, 80)], 3.4, BLACK),
        Stroke([(64, 60), (69, 58)], 2.6, BLACK),
    ],
    [*END_PLATE, *STRIPES],  # 32
    [*BLUE_PLATE, *TURN],
    [*BLUE_PLATE, *mirror(TURN)],
    [*BLUE_PLATE, *AHEAD],
    [*BLUE_PLATE, *AHEAD_OR_RIGHT],
    [*BLUE_PLATE, *mirror(AHEAD_OR_RIGHT)],
    [*BLUE_PLATE, *PASS_RIGHT],
    [*BLUE_PLATE, *mirror(PASS_RIGHT)],
    [
        *BLUE_PLATE,
        *(shape for angle in (0, 120, 240) for shape in place(arrow(arc(0, 0, 27, 100, 35), 9, 19, WHITE), 50, 50, 1, angle)),
    ],  # 40
    [*END_PLATE, *place(car(GREY), 33, 50, 1.2), *place(car(GREY), 67, 50, 1.2), *STRIPES],
    [*END_PLATE, *place(lorry(GREY), 35, 52, 1.1), *place(car(GREY), 67, 54.2, 1.1), *STRIPES],
]
