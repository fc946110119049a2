"""A synthetic data set, without any download: simulated photographs of signs, with annotations like the benchmark's.

Each physical sign has its own pose, fading, light and background; its frames simulate a car that approaches it.
"""

from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from gtsrb.config.ingest import Synthetic
from gtsrb.data.tables import Row, encode_ppm
from gtsrb.parallel import IN_PROCESS, Workers
from gtsrb.progress import Bar
from gtsrb.synthetic.faces import FACES, draw_sign

TRAIN, TEST, TEST_ORDER = range(3)  # part of the seeds: each has its own stream of random numbers

BACKGROUND_SIDE = 128  # pixels
BACKGROUNDS = [  # colours: top, bottom, two kinds of objects; mean number of objects; noise in levels; its roughness [0, 1]
    ([(90, 150, 220), (225, 235, 245), (250, 250, 250), (120, 125, 130)], 2, 12, 0.35),  # sky
    ([(190, 200, 210), (205, 205, 200), (60, 70, 60), (140, 120, 100)], 6, 10, 0.4),  # overcast, roofs
    ([(40, 75, 30), (70, 90, 45), (25, 40, 20), (110, 130, 70)], 8, 40, 0.9),  # leaves
    ([(120, 100, 70), (80, 85, 50), (200, 205, 215), (50, 40, 30)], 12, 35, 0.8),  # autumn
    ([(175, 165, 150), (150, 140, 130), (90, 90, 95), (215, 210, 200)], 9, 10, 0.6),  # walls
    ([(150, 90, 70), (130, 75, 60), (60, 60, 70), (190, 150, 130)], 9, 14, 0.7),  # brick
    ([(170, 190, 215), (85, 90, 90), (50, 60, 45), (235, 235, 235)], 8, 12, 0.5),  # street
]


class Sign(NamedTuple):
    """A physical sign, its condition, and the light and background of its photographs."""

    class_id: int
    first_side: float  # pixels, side of the sign in the first frame
    last_side: float  # pixels, in the last frame
    angles: np.ndarray  # radians: roll, yaw, pitch
    fading: float  # fraction of `dust` in the sign's colours
    dust: np.ndarray  # RGB
    light: np.ndarray  # factors of R, G and B
    haze: float  # fraction of grey over the image
    shadow: float  # fraction of the light that a shadow removes; 0 without one
    shadow_edge: np.ndarray  # its edge: unit normal x, y, and distance from the centre in longer sides of the image
    noise: float  # levels, standard deviation
    background: Image.Image


def render(params: Synthetic, workers: Workers = IN_PROCESS) -> tuple[Iterator[Row], Iterator[Row]]:
    """Rows of the training and the test table, drawn as they are asked for; the same params give the same bytes.

    Test images show signs that are in no training track, in random order.
    """
    classes = range(len(FACES))
    train = list(product(classes, range(params.tracks_per_class)))
    test = list(product(classes, range(params.test_images_per_class)))
    test = [test[index] for index in np.random.default_rng([params.seed, TEST_ORDER]).permutation(len(test))]

    def render_signs(split: int, signs: list[tuple[int, int]], frames: int, name: str) -> Iterator[list[Row]]:
        calls = (partial(_render_sign, params.seed, split, class_id, track, frames) for class_id, track in signs)
        return iter(Bar(workers.map(calls), desc=f"rendering {name} signs", total=len(signs), unit=" signs"))

    def train_rows() -> Iterator[Row]:
        for rows in render_signs(TRAIN, train, params.frames_per_track, "training"):
            yield from rows

    def test_rows() -> Iterator[Row]:
        for number, ((_, class_id, _, _, *rest),) in enumerate(render_signs(TEST, test, 1, "test")):
            yield f"{number:05d}.ppm", class_id, None, None, *rest

    return train_rows(), test_rows()


def _render_sign(seed: int, split: int, class_id: int, track: int, frames: int) -> list[Row]:
    """The rows of one physical sign: in training its frames from far to near, in the test split at random distances."""
    rng = np.random.default_rng([seed, split, class_id, track])
    sign = _sample_sign(class_id, rng)
    nearness = (np.arange(frames) + 0.5) / frames if split == TRAIN else rng.random(frames)
    rows = []
    for frame, side in enumerate(sign.first_side * (sign.last_side / sign.first_side) ** nearness):
        pixels, box = render_frame(sign, float(side), rng)
        height, width, _ = pixels.shape
        rows.append((f"{track:05d}_{frame:05d}.ppm", class_id, track, frame, width, height, *box, encode_ppm(pixels)))
    return rows


def _sample_sign(class_id: int, rng: np.random.Generator) -> Sign:
    edge_angle = rng.uniform(0, 2 * np.pi)
    return Sign(
        class_id=class_id,
        first_side=rng.uniform(15, 28),
        last_side=rng.uniform(36, 82),
        angles=np.deg2rad(rng.normal(0, (3.5, 16, 7)).clip((-8, -35, -15), (8, 35, 15))),
        fading=rng.uniform(0, 0.45),
        dust=rng.uniform(110, 200) + rng.normal(0, 10, 3),
        light=np.exp(rng.uniform(np.log(0.25), np.log(1.25))) * rng.normal(1, 0.05, 3),
        haze=rng.uniform(0, 0.3),
        shadow=rng.uniform(0.4, 0.75) if rng.random() < 0.3 else 0.0,
        shadow_edge=np.array([np.cos(edge_angle), np.sin(edge_angle), rng.uniform(-0.2, 0.2)]),
        noise=rng.uniform(1, 7),
        background=_draw_background(rng),
    )


def render_frame(sign: Sign, side: float, rng: np.random.Generator) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """A frame as (height, width, 3) uint8 RGB, and the box x1, y1, x2, y2 of the sign in it, in pixels.

    The sign's longer side is `side` pixels, the border around it a tenth of that, at least 5 pixels, as in the benchmark.
    """
    border = max(5, round(side / 10))
    sign_to_image, width, height = _sample_pose(sign, side, border, rng)
    size = (width + 2 * border, height + 2 * border)

    # The farther away the sign, the more of the background is visible.
    crop_side = BACKGROUND_SIDE * (0.95 - 0.5 * (side - 15) / 70)
    corner = rng.uniform(0, BACKGROUND_SIDE - crop_side, 2)
    image = sign.background.resize(size, Image.Resampling.BILINEAR, (*corner, *(corner + crop_side)))
    pole = _project(sign_to_image, np.array([(0.5, 0.5), (0.5, 1.6)]))
    ImageDraw.Draw(image).line([tuple(point) for point in pole], (130, 132, 135), max(1, round(side * 0.08)))
    face = _draw_faded_face(sign, side)
    image_to_face = np.diag([face.width, face.height, 1]) @ np.linalg.inv(sign_to_image)
    coefficients = (image_to_face / image_to_face[2, 2]).ravel()[:8]
    face = face.transform(size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC)
    image.paste(face, (0, 0), face)

    y, x = np.mgrid[: size[1], : size[0]] / max(size) - 0.5
    normal_x, normal_y, distance = sign.shadow_edge
    shadow = sign.shadow / (1 + np.exp(-40 * (x * normal_x + y * normal_y - distance)))
    pixels = np.asarray(image, np.float64) * (1 - sign.haze) + 190 * sign.haze
    pixels *= sign.light * rng.uniform(0.88, 1.12) * (1 - shadow[..., None])
    defocus, motion = rng.uniform(0.2, 0.25 + side * 0.016), rng.exponential(side * 0.01)  # pixels
    pixels = gaussian_filter(pixels, (defocus, np.hypot(defocus, motion), 0))
    pixels += rng.normal(0, sign.noise, pixels.shape)
    box = (border, border, border + width - 1, border + height - 1)
    return pixels.round().clip(0, 255).astype(np.uint8), box


def _sample_pose(sign: Sign, side: float, border: int, rng: np.random.Generator) -> tuple[np.ndarray, int, int]:
    """The (3, 3) homography from the sign's unit square to the image, and the sign's width and height there, in pixels."""
    rotation = Rotation.from_euler("zyx", sign.angles + np.deg2rad(rng.normal(0, (1, 2, 2)))).as_matrix()
    centring = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
    projection = np.column_stack([rotation[:, 0], rotation[:, 1], (0, 0, 3)]) @ centring  # the camera is 3 sides away
    outline = _project(projection, _find_outline(sign.class_id))
    low, high = outline.min(axis=0), outline.max(axis=0)
    scale = side / (high - low).max()
    left, top = border - low * scale + rng.uniform(-0.02, 0.02, 2) * side
    width, height = np.ceil((high - low) * scale).astype(int)
    return np.array([[scale, 0, left], [0, scale, top], [0, 0, 1]]) @ projection, int(width), int(height)


def _find_outline(class_id: int) -> np.ndarray:
    """(n, 2) points x, y on the edge of the sign, in its unit square."""
    opaque = draw_sign(class_id, 64)[..., 3] > 127
    rows = np.flatnonzero(opaque.any(axis=1))
    left, right = opaque[rows].argmax(axis=1), 64 - opaque[rows, ::-1].argmax(axis=1)
    return np.column_stack([np.concatenate([left, right]), np.tile(rows + 0.5, 2)]) / 64


def _project(homography: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(n, 2) points, mapped by a (3, 3) homography -> (n, 2) points."""
    x, y, w = homography @ np.vstack([points.T, np.ones(len(points))])
    return np.column_stack([x / w, y / w])


def _draw_faded_face(sign: Sign, side: float) -> Image.Image:
    """The sign's face in faded colours, RGBA, up to 16 pixels larger than `side`, so that warping it only reduces it."""
    face = draw_sign(sign.class_id, 16 * int(np.ceil(side / 16))).copy()
    face[..., :3] = face[..., :3] * (1 - sign.fading) + sign.dust * sign.fading
    return Image.fromarray(face)


def _draw_background(rng: np.random.Generator) -> Image.Image:
    """What is behind a sign: a gradient with random objects and noise, an RGB image of `BACKGROUND_SIDE` pixels."""
    colors, n_objects, strength, roughness = BACKGROUNDS[rng.integers(len(BACKGROUNDS))]
    top, bottom, *objects = np.array(colors) + rng.normal(0, 12, (4, 3))
    height = np.linspace(0, 1, BACKGROUND_SIDE)[:, None, None]
    gradient = np.broadcast_to(top * (1 - height) + bottom * height, (BACKGROUND_SIDE, BACKGROUND_SIDE, 3))
    image = Image.fromarray(gradient.round().clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.poisson(n_objects)):
        color = tuple(objects[rng.integers(2)].round().clip(0, 255).astype(int).tolist())
        x, y = rng.uniform(-20, BACKGROUND_SIDE, 2)
        w, h = rng.uniform(8, 60, 2)
        match rng.integers(3):
            case 0:
                draw.rectangle((x, y, x + w, y + h), color)
            case 1:
                draw.ellipse((x, y, x + w, y + h), color)
            case 2:
                draw.line((x, y, x + 3 * (w - 34), y + 3 * (h - 34)), color, int(rng.integers(2, 8)))
    pixels = np.asarray(image, np.float64)
    for octave in range(5):
        grid = Image.fromarray(rng.normal(0, strength * roughness**octave, (4 << octave, 4 << octave)).astype(np.float32))
        pixels = pixels + np.asarray(grid.resize((BACKGROUND_SIDE, BACKGROUND_SIDE), Image.Resampling.BICUBIC))[..., None]
    return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))
