"""The faces of the 43 signs as plates and pictograms: `FACES`, the variants of each class, and `draw_inks` to rasterise one.

Proportions follow the German catalogue of traffic signs (VzKat) and, where streets have other editions, photographs.
"""

from functools import cache

import numpy as np
from PIL import Image

from gtsrb.synthetic.lettering import Setting, write
from gtsrb.synthetic.pictograms import (
    AHEAD,
    AHEAD_OR_RIGHT,
    BEND,
    BONNETED_TRUCK,
    DEER,
    FLAKE_ARM,
    PASS_RIGHT,
    ROAD,
    RUNNERS,
    TRUCK,
    TURN,
    WALKER,
    WORKER,
    bicycle,
    car,
    cars,
    circulate,
    lorry,
    skid,
    tail,
)
from gtsrb.synthetic.plates import BLUE_PLATE, end_plate, ring, warning
from gtsrb.synthetic.shapes import (
    BLACK,
    GREEN,
    GREY,
    RED,
    WHITE,
    YELLOW,
    Bar,
    Face,
    Polygon,
    arc,
    disc,
    draw_face,
    mirror,
    place,
    print_in,
    rectangle,
)

LARGEST = 512  # pixels, the side of the drawings that all others are reduced from


def speed_limit(speed: str) -> list[Face]:
    """With figures of several sizes and weights, and in lights on black."""
    if len(speed) == 2:
        settings = [
            Setting(23, 41.5, 7.5, 6.2),
            Setting(21.5, 39, 7, 6),
            Setting(23, 41.5, 6.5, 7),
            Setting(22.5, 40.5, 7.5, 4.9),
            Setting(24, 44.5, 7, 6.5),
            Setting(22.5, 41, 7.5, 4),
        ]
    else:
        settings = [
            Setting(18.4, 40, 4, 5.8),
            Setting(17.4, 38.5, 3.8, 5.4),
            Setting(18.6, 41, 4, 6.7),
            Setting(18.3, 39.5, 4.8, 4.7),
            Setting(19.5, 42, 3.4, 6.1),
            Setting(18.3, 40, 4.5, 3.9),
        ]
    words = [write(speed, setting, BLACK) for setting in settings]
    if "6" in speed:
        words.insert(2, write(["round 6", *speed[1:]], settings[2], BLACK))
    led = [disc(50, 50, 50, BLACK), disc(50, 50, 46, RED), disc(50, 50, 39, BLACK)]
    return [*(face for word in words for face in ring(*word)), [*led, *print_in(words[0], WHITE)]]


CORNERS = [22.5 + 45 * k for k in range(8)]  # of the octagon, degrees

# By class number, the variants of each face, common ones first.
FACES: list[list[Face]] = [
    *map(speed_limit, ("20", "30", "50", "60", "70", "80")),
    end_plate(*write("80", Setting(27, 50, 6.5, 8), GREY)),
    *map(speed_limit, ("100", "120")),
    [*ring(*cars(RED, BLACK)), *ring(*cars(RED, BLACK), *ROAD)],  # 9
    [
        *ring(*place(lorry(RED), 35, 52.5, 1), *place(car(BLACK), 66, 52.5, 0.95)),
        *ring(*place(lorry(RED), 35, 52.5, 1), *place(car(BLACK), 66, 52.5, 0.95), *ROAD),
    ],
    [  # 11 right of way at the next intersection
        *warning(
            Polygon([(48.5, 39), (57, 50), (57, 84), (48.5, 75.5), (40, 84), (40, 50)], 0.2, BLACK),
            rectangle(33, 57, 64, 63.5, BLACK),
        ),
        *warning(
            Polygon([(50, 36), (57.5, 47), (57.5, 82), (50, 74), (42.5, 82), (42.5, 47)], 0.2, BLACK),
            rectangle(34, 58, 66, 64, BLACK),
        ),
    ],
    [  # 12 priority road
        [
            Polygon([(50, 5), (95, 50), (50, 95), (5, 50)], 5, WHITE),
            Polygon([(50, 6.5), (93.5, 50), (50, 93.5), (6.5, 50)], 3.5, BLACK),
            Polygon([(50, 7.5), (92.5, 50), (50, 92.5), (7.5, 50)], 2.5, WHITE),
            Polygon([(50, 22), (78, 50), (50, 78), (22, 50)], 1, BLACK),
            Polygon([(50, 23), (77, 50), (50, 77), (23, 50)], 0.8, YELLOW),
        ],
        [
            Polygon([(50, 5), (95, 50), (50, 95), (5, 50)], 5, WHITE),
            Polygon([(50, 22), (78, 50), (50, 78), (22, 50)], 1, YELLOW),
        ],
    ],
    [  # 13 yield
        [
            Polygon([(50, 89), (95, 11.5), (5, 11.5)], 5, WHITE),
            Polygon([(50, 88), (94, 12), (6, 12)], 4.2, RED),
            Polygon([(50, 74), (82, 20), (18, 20)], 0.8, WHITE),
        ],
        [
            Polygon([(50, 89), (95, 11.5), (5, 11.5)], 5, WHITE),
            Polygon([(50, 86), (92.5, 13.5), (7.5, 13.5)], 3.5, RED),
            Polygon([(50, 73), (81, 21), (19, 21)], 0.8, WHITE),
        ],
    ],
    [  # 14 stop
        [
            Polygon([arc(50, 50, 53.5, angle, angle)[0] for angle in CORNERS], 0.5, WHITE),
            Polygon([arc(50, 50, radius, angle, angle)[0] for angle in CORNERS], 0.5, RED),
            *write("STOP", Setting(18.2, height, 2.6, 6.6), WHITE),
        ]
        for radius, height in ((49.5, 38), (51, 35))
    ],
    ring(),  # 15 no vehicles
    [*ring(*TRUCK), *ring(*BONNETED_TRUCK)],
    [
        [disc(50, 50, 50, WHITE), disc(50, 50, radius, RED), rectangle(left, 43, 100 - left, 57, WHITE, 0.3)]
        for radius, left in ((49, 6), (47, 9))
    ],  # 17
    warning(Polygon([(45.8, 34), (54.2, 34), (52, 70), (48, 70)], 1.2, BLACK), disc(50, 80, 4.7, BLACK)),
    warning(*BEND),
    warning(*mirror(BEND)),
    [  # 21 double curve, first to the left
        *warning(
            Bar([(61, 84), (61, 59.5), (47, 67.5), (47, 44)], 7.8, BLACK),
            Polygon([(43.1, 45), (50.9, 45), (46, 38)], 0, BLACK),
            tail(61, 84, 7.8),
        ),
        *warning(
            Bar([(60, 84), (60, 62), (45, 66), (45, 46)], 9, BLACK),
            Polygon([(40.5, 47), (49.5, 47), (44.5, 39)], 0, BLACK),
            tail(60, 84, 9),
        ),
    ],
    [  # 22 bumps
        *warning(
            Polygon(
                [
                    (28, 80),
                    (28, 76),
                    (32, 75),
                    *arc(39.5, 75.5, 7.5, 200, 340),
                    (48.5, 76),
                    *arc(59, 75.5, 7.5, 200, 340),
                    (69, 75),
                    (72, 76.5),
                    (72, 80),
                ],
                0.4,
                BLACK,
            )
        ),
        *warning(
            Polygon(
                [(28, 81), (28, 77), (33, 77), *arc(41, 77, 7, 200, 340), *arc(59.5, 77, 7, 200, 340), (71, 77), (71, 81)],
                0.4,
                BLACK,
            )
        ),
    ],
    [face for tilt in (14, 8, 20, -6) for face in warning(*skid(tilt))],  # 23 slippery
    [  # 24 narrows on the right
        *warning(Bar([(43, 43), (43, 84)], 5.8, BLACK), Bar([(53.3, 43), (53.3, 56), (61.5, 66), (61.5, 84)], 5.6, BLACK)),
        *warning(Bar([(43, 45), (43, 82)], 4.4, BLACK), Bar([(53, 45), (53, 56), (60.5, 64.5), (60.5, 82)], 4.2, BLACK)),
    ],
    warning(*WORKER),
    [  # 26 traffic lights
        face
        for radius, gap in ((6.3, 17.3), (7, 16.5))
        for face in warning(*(disc(50, 57 + row * gap, radius, ink) for row, ink in ((-1, RED), (0, YELLOW), (1, GREEN))))
    ],
    warning(*WALKER),
    warning(*RUNNERS),
    [*warning(*bicycle(48, 69, 1)), *warning(*bicycle(48.5, 71, 1.15))],
    [  # 30 snow or ice
        face
        for y, scale in ((62, 1.1), (59, 1))
        for face in warning(*(shape for angle in range(0, 360, 60) for shape in place(FLAKE_ARM, 48.5, y, scale, angle)))
    ],
    [*warning(*DEER), *warning(*place(DEER, 8, 9, 0.86))],  # 31
    end_plate(),  # 32
    [[*BLUE_PLATE, *arrows] for arrows in TURN],
    [[*BLUE_PLATE, *mirror(arrows)] for arrows in TURN],
    [[*BLUE_PLATE, *arrows] for arrows in AHEAD],
    [[*BLUE_PLATE, *arrows] for arrows in AHEAD_OR_RIGHT],
    [[*BLUE_PLATE, *mirror(arrows)] for arrows in AHEAD_OR_RIGHT],
    [[*BLUE_PLATE, *arrows] for arrows in PASS_RIGHT],
    [[*BLUE_PLATE, *mirror(arrows)] for arrows in PASS_RIGHT],
    [[*BLUE_PLATE, *circulate(rotation, width, 115, 30)] for rotation, width in ((0, 7), (30, 7.5), (60, 8), (90, 7))],  # 40
    end_plate(*cars(GREY, GREY)),
    end_plate(*place(lorry(GREY), 35, 53, 1), *place(car(GREY), 65, 53, 1)),
]


# In print, by ink: white, red, blue, yellow, green, grey, black.
PRINTED = np.array([(242, 242, 242), (193, 18, 31), (0, 78, 165), (250, 190, 0), (0, 150, 70), (115, 115, 115), (16, 16, 16)])


@cache
def draw_sign(class_id: int, side: int) -> np.ndarray:
    """The first variant of a face in printed colours as (side, side, 4) uint8 RGBA, read-only."""
    coverage = draw_inks(class_id, 0, side).astype(float)
    colors = PRINTED[list_inks(class_id, 0)]
    opaque = coverage[..., : len(colors) - 1] / coverage[..., 3:].clip(1)
    pixels = np.dstack([opaque @ (colors[1:] - colors[0]) + colors[0], coverage[..., 3]]).round().astype(np.uint8)
    pixels.flags.writeable = False
    return pixels


@cache
def list_inks(class_id: int, variant: int) -> list[int]:
    """The inks of a face, at most four: white, and those that `draw_inks` has a channel for."""
    return [WHITE, *sorted({shape.ink for shape in FACES[class_id][variant]} - {WHITE})]


@cache
def draw_inks(class_id: int, variant: int, side: int) -> np.ndarray:
    """A variant of a face as (side, side, 4) uint8: what part of a pixel each ink but white covers, and alpha."""
    drawing = _draw_large(class_id, variant)
    return np.asarray(Image.fromarray(drawing).resize((side, side), Image.Resampling.BOX))


@cache
def _draw_large(class_id: int, variant: int) -> np.ndarray:
    inks = draw_face(FACES[class_id][variant], LARGEST)
    channels = [inks == 1 + ink for ink in list_inks(class_id, variant)[1:]]
    channels += [np.zeros_like(inks, bool)] * (3 - len(channels))
    return np.dstack([*channels, inks > 0]).astype(np.uint8) * np.uint8(255)
