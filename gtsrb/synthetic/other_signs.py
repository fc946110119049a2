"""The faces of what stands in streets and is none of the 43 signs: `OTHER_FACES`, which teach a network what it cannot name.

German signs after their catalogue (VzKat) where it has them, then boards whose shapes, inks and words are drawn by lot.
"""

from itertools import chain

import numpy as np

from gtsrb.synthetic.lettering import Setting, write
from gtsrb.synthetic.pictograms import AHEAD, BEND, RUNNERS, WALKER, bicycle, car, lorry
from gtsrb.synthetic.plates import BLUE_PLATE, RING, ring, stripes, warning
from gtsrb.synthetic.shapes import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    INKS,
    RED,
    WHITE,
    YELLOW,
    Bar,
    Face,
    Polygon,
    Shape,
    arc,
    disc,
    place,
    print_in,
    rectangle,
)

BOARDS, SEED = 100, 0  # how many are drawn by lot, and the seed of the lots
LETTERS = "0123456789AEHLOPST"

BLUE_BOARD: Face = [rectangle(1, 1, 99, 99, WHITE, 1), rectangle(4, 4, 96, 96, BLUE, 1)]
NO_STOPPING: Face = [disc(50, 50, 50, RED), disc(50, 50, 37, BLUE)]
DIAMOND = [(50.0, 5.0), (95.0, 50.0), (50.0, 95.0), (5.0, 50.0)]
PRIORITY: Face = [Polygon(DIAMOND, 5, WHITE), Polygon([(50, 22), (78, 50), (50, 78), (22, 50)], 1, YELLOW)]
LAMPS: Face = [rectangle(25, 2, 75, 98, BLACK, 8)]
CROSS = [Bar([(8, 30), (92, 70)], 13, WHITE), Bar([(8, 70), (92, 30)], 13, WHITE)]  # of St Andrew


def _across(angle: float, ink: int, width: float = 11) -> Shape:
    """A bar across a disc, rising at `angle`, in degrees."""
    return place([Bar([(-43, 0), (43, 0)], width, ink)], 50, 50, 1, -angle)[0]


def _american(*shapes: Shape) -> Face:
    """A yellow diamond with a black edge."""
    return [Polygon(DIAMOND, 5, YELLOW), Bar([*DIAMOND, DIAMOND[0]], 2.5, BLACK), *shapes]


def _board(left: float, top: float, ground: int, *shapes: Shape) -> Face:
    """A rectangle with a black line along its edge."""
    right, bottom = 100 - left, 100 - top
    line = [(left + 3, top + 3), (right - 3, top + 3), (right - 3, bottom - 3), (left + 3, bottom - 3), (left + 3, top + 3)]
    return [rectangle(left, top, right, bottom, ground, 2), Bar(line, 2, BLACK), *shapes]


def _draw_board(rng: np.random.Generator) -> Face:
    """A board of any shape with a word, an arrow, a vehicle, or other marks on it."""
    ground, edge, ink = (int(ink) for ink in rng.permutation(INKS)[:3])
    ink = WHITE if ground != WHITE and rng.random() < 0.6 else ink
    half = float(rng.uniform(12, 48))  # of a rectangle's or an arrow's height
    outlines = [
        [(2.0, 50 - half), (98, 50 - half), (98, 50 + half), (2, 50 + half)],
        [(4.0, 50 - half), (75, 50 - half), (96, 50), (75, 50 + half), (4, 50 + half)],
        arc(50, 50, 46, 0, 360),
        [(50.0, 10.0), (94, 88), (6, 88)],
        DIAMOND,
    ]
    outline = outlines[rng.choice(len(outlines), p=(0.5, 0.15, 0.15, 0.1, 0.1))]
    face: list[Shape] = [Polygon(outline, 3, ground)]
    if rng.random() < 0.6:
        face.append(Bar([*outline, outline[0]], float(rng.uniform(2, 8)), edge))
    match rng.integers(5):
        case 0 | 1:
            word = [LETTERS[i] for i in rng.integers(len(LETTERS), size=rng.integers(1, 6))]
            width = min(half * 0.6, 62 / len(word))
            face += write(word, Setting(width, width * float(rng.uniform(2, 2.6)), width * 0.25, width * 0.22), ink)
        case 2:
            arrow = place(print_in(AHEAD[0], ink), -50, -50, 1)
            face += place(arrow, 50, 50, half / 70, float(rng.uniform(0, 360)))
        case 3:
            face += place([car, lorry][rng.integers(2)](ink), 50, 50, half / 30)
        case _:
            for x, y, radius in rng.uniform((15, 50 - 0.7 * half, 3), (85, 50 + 0.7 * half, 14), (rng.integers(5), 3)).tolist():
                face.append(disc(x, y, radius, ink) if rng.random() < 0.5 else Bar([(x, y), (100 - x, y)], 5, ink))
    return face


OTHER_FACES: list[Face] = [
    [],  # nothing but scenery
    *chain.from_iterable(ring(*write(speed, Setting(22.5, 40.5, 7.5, 6.1), BLACK)) for speed in ("40", "90")),
    *chain.from_iterable(ring(*write(speed, Setting(18.4, 40, 4, 5.8), BLACK)) for speed in ("110", "130")),
    *ring(*write("10", Setting(22.5, 40.5, 7.5, 6.1), BLACK)),
    *ring(*write("55T", Setting(14, 26, 4, 4.5), BLACK)),
    *ring(*place(car(BLACK), 50, 52, 1.6)),
    *ring(*bicycle(50, 55, 1.1)),
    *ring(*place(WALKER, 12, 5, 0.76)),
    [*BLUE_PLATE, *write("30", Setting(22.5, 40.5, 7.5, 6.1), WHITE)],  # at least 30
    [*BLUE_PLATE, *print_in(bicycle(50, 55, 1.1), WHITE)],
    [*BLUE_PLATE, *print_in(place(WALKER, 12, 5, 0.76), WHITE)],
    [*NO_STOPPING, _across(45, RED), _across(-45, RED)],
    [*NO_STOPPING, _across(-45, RED)],
    [*BLUE_BOARD, *write("P", Setting(38, 62, 0, 11), WHITE)],
    [*BLUE_BOARD, *print_in(place(AHEAD[0], 10, 10, 0.8), WHITE)],
    [*BLUE_BOARD, rectangle(44, 40, 56, 90, WHITE), rectangle(22, 20, 78, 40, RED)],  # no through road
    [*BLUE_BOARD, Polygon([(50, 14), (90, 84), (10, 84)], 1, WHITE), *place(WALKER, 20, 22, 0.6)],  # crossing
    [*BLUE_BOARD, *place(car(WHITE), 50, 50, 2.2)],
    [*RING, *place(print_in(AHEAD[0], BLACK), 15, 22, 0.5), *place(print_in(AHEAD[0], RED), 85, 78, 0.5, 180)],
    [*PRIORITY, *stripes(41, white_between=False)],
    [*CROSS, *(Bar([(x, y), (0.8 * x + 10, 0.8 * y + 10)], 13, RED) for bar in CROSS for x, y in bar.points)],
    *warning(*place(lorry(BLACK), 50, 64, 0.9)),
    *warning(*write("10", Setting(13, 24, 4, 4), BLACK)),
    *warning(Bar([(28, 80), (72, 62)], 5, BLACK), *place(car(BLACK), 50, 60, 0.8, -20)),
    _american(*BEND),
    _american(*print_in(place(AHEAD[0], 22, 22, 0.56), BLACK)),
    _american(*RUNNERS),
    _board(12, 2, WHITE, *place(write("55", Setting(22, 40, 7, 7), BLACK), 0, 14, 1),
           *place(write("LEAST", Setting(9, 14, 3, 2.5), BLACK), 0, -28, 1)),
    _board(2, 22, YELLOW, *write("HALLE", Setting(11, 22, 3.5, 3.2), BLACK)),
    _board(2, 35, WHITE, *write("200", Setting(11, 18, 3, 3), BLACK)),
    [*LAMPS, disc(50, 19, 13, RED), disc(50, 50, 13, GREY), disc(50, 81, 13, GREY)],
    [*LAMPS, disc(50, 19, 13, GREY), disc(50, 50, 13, GREY), disc(50, 81, 13, GREEN)],
    *(_draw_board(np.random.default_rng([SEED, number])) for number in range(BOARDS)),
]  # fmt: skip
