"""Draws the lots of one physical sign: its face, its condition, and the light and scenery of its photographs."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image

from gtsrb.config.camera import Camera
from gtsrb.data.labels import WITHOUT_SIGN
from gtsrb.synthetic import textures
from gtsrb.synthetic.faces import FACES, list_faces
from gtsrb.synthetic.shapes import RED, WHITE
from gtsrb.synthetic.textures import Shade

# By ink, in fractions of white: fresh, and after years in the sun.
FRESH = np.array(
    [
        (1, 1, 1),
        (0.5, 0.07, 0.08),
        (0.05, 0.2, 0.55),
        (0.93, 0.62, 0.08),
        (0.07, 0.4, 0.38),
        (0.47, 0.47, 0.48),
        (0.06, 0.06, 0.07),
    ]
)
FADED = np.array(
    [(1, 0.97, 0.9), (0.88, 0.5, 0.32), (0.3, 0.5, 0.8), (0.9, 0.8, 0.5), (0.4, 0.6, 0.6), (0.6, 0.6, 0.62), (0.3, 0.3, 0.32)]
)
PINK, BLEACHED = (0.6, 0.18, 0.21), (0.95, 0.85, 0.7)  # red that fades otherwise

# What pictures without a sign of the classes show: another sign, one of the classes beside the box, a collage, or scenery.
OTHER, BESIDE, COLLAGE = 0.3, 0.2, 0.3  # fractions of them; the rest is scenery


class Cover(NamedTuple):
    """A sticker, a stroke of paint, or a branch before the sign, in fractions of its side."""

    is_line: bool
    x: float
    y: float
    width: float
    height: float
    coverage: tuple[int, int, int, int]  # what it puts into the channels of `faces.draw_inks`


class Background(NamedTuple):
    """The part of a texture that is behind a sign of 34 pixels, the median of the benchmark."""

    draw: Callable[[int, int], tuple[Image.Image, float]]  # `draw(seed, texture)`
    texture: int
    x: float  # of the part's corner, fraction of what is possible
    y: float
    side: float  # pixels of the texture
    is_flipped: bool
    level: float  # its mean, fraction of white
    contrast: float  # exponent of its relative luminance


class Sign(NamedTuple):
    class_id: int
    variant: int  # of `faces.list_faces(class_id)`
    angles: np.ndarray  # roll, yaw, pitch, radians
    inks: np.ndarray  # (7, 3) R, G, B of each ink, fractions of white
    covers: list[Cover]
    dirt: Shade | None
    white: float  # level of white in full light; 255 saturates
    tint: np.ndarray  # factors of R, G and B
    veil: float  # scattered light, fraction of white
    shadow: Shade | None
    focus: float  # standard deviation of the blur, fraction of the side
    noise: float  # standard deviation, levels
    background: Background
    pole: float  # its width, fraction of the side; 0 without one
    offset: tuple[float, float] = (0, 0)  # right and down, of the sign from its annotated box, fractions of the side


def sample_sign(class_id: int, camera: Camera, rng: np.random.Generator) -> Sign:
    is_pink, is_bleached, is_flipped, has_pole, has_dirt, has_shadow, is_deep, is_covered = rng.random(8) < (
        0.15, 0.02, 0.5, 0.6, 0.5, camera.shadowed, 0.4, 0.15,
    )  # fmt: skip
    fading, u, x, y = rng.random(4)
    inks = FRESH + fading**4 * (FADED - FRESH)
    if is_pink or is_bleached:
        inks[RED] = BLEACHED if is_bleached else PINK
    inks *= np.exp(rng.normal(-0.08, 0.27, (7, 1))) * rng.normal(1, 0.05, (7, 3))
    inks[WHITE] = rng.normal(1, 0.03, 3)
    blue = rng.normal(np.log(camera.blue[0]), camera.blue[1])
    red = rng.normal(-0.01 - 0.6 * (blue - np.log(camera.blue[0])), 0.05)  # a camera's white balance moves both
    return Sign(
        class_id=class_id,
        variant=int(len(list_faces(class_id)) * u**2),
        angles=np.deg2rad(rng.standard_t(5, 3) * (camera.angles.roll, camera.angles.yaw, camera.angles.pitch)).clip(-0.7, 0.7),
        inks=inks,
        covers=[_sample_cover(rng) for _ in range(is_covered * int(rng.integers(1, 4)))],
        dirt=Shade(textures.draw_leaves, int(rng.integers(textures.SHADES)), rng.uniform(0, 0.35)) if has_dirt else None,
        white=min(max(lognormal(camera.white, rng), camera.white_limits[0]), camera.white_limits[1]),
        tint=np.exp([red, 0, blue]),
        veil=min(float(rng.exponential(camera.veil)), 0.3),
        shadow=_sample_shadow(is_deep, rng) if has_shadow else None,
        focus=camera.focus * float(rng.random()) ** 2,
        noise=lognormal(camera.noise, rng),
        background=Background(
            draw=textures.draw_background,
            texture=int(rng.integers(textures.BACKGROUNDS)),
            x=x,
            y=y,
            side=float(rng.uniform(0.4, 1)) * textures.BACKGROUND_SIDE,
            is_flipped=bool(is_flipped),
            level=lognormal(camera.background, rng),
            contrast=float(rng.uniform(0, 1.1)),
        ),
        pole=float(rng.uniform(0.05, 0.1)) * has_pole,
    )


def sample_without_sign(camera: Camera, rng: np.random.Generator) -> Sign:
    """A place in whose box no sign of the classes can be read."""
    kind, far, near = rng.random(3)
    if kind < BESIDE:
        sign = sample_sign(int(rng.integers(len(FACES))), camera, rng)
        offset = (0.7 + 0.5 * far) * rng.choice([-1, 1]), 1.2 * (2 * near - 1)
        return sign._replace(offset=offset[:: rng.choice([-1, 1])])
    sign = sample_sign(WITHOUT_SIGN, camera, rng)
    if kind < BESIDE + OTHER:
        return sign._replace(variant=1 + int(far * (len(list_faces(WITHOUT_SIGN)) - 1)))
    side = textures.BACKGROUND_SIDE * 0.1 ** (1 - far)  # from a detail to a wide view
    is_collage = kind < BESIDE + OTHER + COLLAGE
    draw = textures.draw_collage if is_collage else sign.background.draw
    pole = sign.pole * (near < 0.3) * (not is_collage)
    return sign._replace(variant=0, background=sign.background._replace(draw=draw, side=side), pole=pole)


def sample_sides(frames: int, is_track: bool, camera: Camera, rng: np.random.Generator) -> np.ndarray:
    """(frames,) sides in pixels: of a car that approaches at constant speed, or of one at random distances."""
    far = lognormal(camera.far_side, rng)
    near = far * max(1.1, lognormal(camera.approach, rng))
    progress = (np.arange(frames) + 0.5) / frames if is_track else rng.random(frames)
    return (1 / (1 / far + progress * (1 / near - 1 / far))).clip(16, 200)


def lognormal(params: list[float], rng: np.random.Generator) -> float:
    """`params` are the median and the standard deviation of the logarithm."""
    return float(np.exp(rng.normal(np.log(params[0]), params[1])))


def _sample_shadow(is_deep: bool, rng: np.random.Generator) -> Shade:
    draw = (textures.draw_edge, textures.draw_leaves, textures.draw_slope)[rng.integers(3)]
    depth = rng.uniform(0.1, 0.85)
    return Shade(draw, int(rng.integers(textures.SHADES)), float(depth if is_deep else depth**2))


def _sample_cover(rng: np.random.Generator) -> Cover:
    is_line = rng.random() < 0.3
    spread, least, most = (0.5, -0.5, 0.5) if is_line else (0.35, 0.03, 0.14)
    x, y = 0.5 + rng.uniform(-spread, spread, 2)
    width, height = rng.uniform(least, most, 2)
    kinds = [(0, 0, 0, 255), (255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 0, 0), (120, 60, 60, 255)]
    return Cover(bool(is_line), x, y, width, height, kinds[rng.integers(len(kinds))])
