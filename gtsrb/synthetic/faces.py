"""The faces of the 43 signs as plates and pictograms: `FACES`, the variants of each class, and `draw_inks` to rasterise one.

Proportions follow the German catalogue of traffic signs (VzKat) and, where streets have other editions, photographs.
"""

from functools import cache

import numpy as np
from PIL import Image

from gtsrb.data.labels import WITHOUT_SIGN
from gtsrb.synthetic.lettering import Setting, write
from gtsrb.synthetic.other_signs import OTHER_FACES
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
            Setting(22.5, 40.5, 7.5, 6.1),
            Setting(21.5, 38, 7.5, 6),
            Setting(22.5, 40.5, 6.5, 7),
            Setting(22, 40, 7.5, 4.9),
            Setting(23.5, 43.5, 7, 6.5),
            Setting(22, 39, 7.5, 4),
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
    if speed == "70":  # smaller than the others
        settings = [setting._replace(height=setting.height * 0.95) for setting in settings]
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
        *ring(*place(lorry(RED), 36, 54.3, 0.96), *place(car(BLACK), 66, 54.3, 0.92)),
        *ring(*place(lorry(RED), 36, 54.3, 0.96), *place(car(BLACK), 66, 54.3, 0.92), *ROAD),
    ],
    [  # 11 right of way at the next intersection
        *warning(
            Polygon([(49, 42), (57, 52), (57, 85), (49, 77), (41, 85), (41, 52)], 0.2, BLACK),
            rectangle(34, 59, 64, 65.5, BLACK),
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
            Polygon([(50, 77), (84, 19), (16, 19)], 0.8, WHITE),
        ],
        [
            Polygon([(50, 89), (95, 11.5), (5, 11.5)], 5, WHITE),
            Polygon([(50, 86), (92.5, 13.5), (7.5, 13.5)], 3.5, RED),
            Polygon([(50, 76), (83, 20), (17, 20)], 0.8, WHITE),
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
    warning(Polygon([(46, 36), (54, 36), (52, 70.5), (48, 70.5)], 1.2, BLACK), disc(50, 80.5, 4.5, BLACK)),
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
                    (28, 82.3),
                    (28, 78.3),
                    (32, 77.3),
                    *arc(39.5, 77.8, 7.5, 200, 340),
                    (48.5, 78.3),
                    *arc(59, 77.8, 7.5, 200, 340),
                    (69, 77.3),
                    (72, 78.8),
                    (72, 82.3),
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
    [  # 23 slippery
        face
        for tilt, has_lamps in ((14, False), (8, False), (10, True), (20, False), (-6, False))
        for face in warning(*skid(tilt, has_lamps=has_lamps))
    ],
    [  # 24 narrows on the right
        *warning(
            Bar([(43.6, 45.5), (43.6, 83.5)], 5.5, BLACK), Bar([(53, 45.5), (53, 57.5), (60.6, 66.5), (60.6, 83.5)], 5.3, BLACK)
        ),
        *warning(Bar([(43, 45), (43, 82)], 4.4, BLACK), Bar([(53, 45), (53, 56), (60.5, 64.5), (60.5, 82)], 4.2, BLACK)),
    ],
    warning(*WORKER),
    [  # 26 traffic lights
        face
        for radius, gap in ((6.3, 17), (7, 16.3))
        for face in warning(*(disc(50, 62.2 + row * gap, radius, ink) for row, ink in ((-1, RED), (0, YELLOW), (1, GREEN))))
    ],
    warning(*WALKER),
    warning(*RUNNERS),
    [*warning(*bicycle(49, 73.5, 1.05)), *warning(*bicycle(49.5, 74.5, 1.18))],
    [  # 30 snow or ice
        face
        for y, scale in ((65, 1.02), (62.5, 0.94))
        for face in warning(*(shape for angle in range(0, 360, 60) for shape in place(FLAKE_ARM, 49.5, y, scale, angle)))
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
    end_plate(*place(lorry(GREY), 35, 55, 1.02), *place(car(GREY), 64.5, 55, 1.02)),
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


def list_faces(class_id: int) -> list[Face]:
    """The variants of a class, or, of `WITHOUT_SIGN`, the faces of other signs."""
    return OTHER_FACES if class_id == WITHOUT_SIGN else FACES[class_id]


@cache
def list_inks(class_id: int, variant: int) -> list[int]:
    """The inks of a face, at most four: white, and those that `draw_inks` has a channel for."""
    return [WHITE, *sorted({shape.ink for shape in list_faces(class_id)[variant]} - {WHITE})]


@cache
def draw_inks(class_id: int, variant: int, side: int) -> np.ndarray:
    """A variant of a face as (side, side, 4) uint8: what part of a pixel each ink but white covers, and alpha."""
    drawing = _draw_large(class_id, variant)
    return np.asarray(Image.fromarray(drawing).resize((side, side), Image.Resampling.BOX))


@cache
def _draw_large(class_id: int, variant: int) -> np.ndarray:
    inks = draw_face(list_faces(class_id)[variant], LARGEST)
    channels = [inks == 1 + ink for ink in list_inks(class_id, variant)[1:]]
    channels += [np.zeros_like(inks, bool)] * (3 - len(channels))
    return np.dstack([*channels, inks > 0]).astype(np.uint8) * np.uint8(255)
