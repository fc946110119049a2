"""What is drawn once and cut into many images: backgrounds, shadows, dirt, and the camera's noise."""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFilter

BACKGROUNDS, SHADES = 256, 32  # how many there are, of shades of each kind
BACKGROUND_SIDE, SHADE_SIDE, NOISE_SIDE = 224, 64, 512  # pixels
STREAMS = BACKGROUND, EDGE, LEAVES, SLOPE, NOISE, COLLAGE = range(10, 16)  # parts of the seeds, other than those of signs

PALETTES = [  # colours from the darkest to the brightest part of a texture; its roughness [0, 1]; its contrast
    ([(18, 26, 14), (52, 66, 34), (88, 102, 52), (150, 160, 100), (235, 240, 245)], 0.9, 1.0),  # leaves before the sky
    ([(14, 14, 16), (44, 42, 40), (84, 78, 72), (150, 150, 152), (250, 250, 255)], 0.9, 1.2),  # bare branches
    ([(30, 22, 14), (92, 66, 34), (150, 112, 52), (196, 160, 90), (250, 240, 220)], 0.85, 1.0),  # autumn
    ([(8, 10, 8), (18, 24, 16), (28, 36, 22), (46, 54, 34), (70, 76, 56)], 0.8, 0.9),  # the dark of a forest
    ([(120, 150, 205), (160, 185, 225), (200, 215, 238), (230, 236, 245), (252, 252, 255)], 0.35, 0.7),  # sky with clouds
    ([(190, 200, 212), (205, 212, 222), (222, 226, 232), (238, 240, 243), (255, 255, 255)], 0.3, 0.5),  # overcast
    ([(70, 64, 58), (110, 104, 96), (140, 134, 124), (168, 162, 150), (205, 200, 190)], 0.55, 0.5),  # plaster
    ([(60, 34, 26), (100, 58, 44), (126, 76, 58), (150, 98, 78), (190, 150, 130)], 0.7, 0.5),  # brick
    ([(40, 42, 46), (66, 68, 72), (92, 94, 98), (122, 124, 126), (180, 182, 184)], 0.6, 0.6),  # street, concrete
]
SHARES = np.array([4, 4, 3, 4, 2, 2, 1, 1, 2]) / 23  # how often each palette is used


class Shade(NamedTuple):
    """Takes part of the light: `draw(seed, number)` is a map of where, `depth` how much at most [0, 1]."""

    draw: Callable[[int, int], Image.Image]
    number: int
    depth: float


@cache
def draw_background(seed: int, index: int) -> tuple[Image.Image, float]:
    """Scenery without a sign, an RGB image of `BACKGROUND_SIDE` pixels, and its mean level."""
    rng = np.random.default_rng([seed, BACKGROUND, index])
    pixels = _paint(rng)
    if rng.random() < 0.45:  # two kinds of scenery that meet at an edge
        angle, offset = rng.normal(0, 0.25) + np.pi / 2 * (rng.random() < 0.4), rng.uniform(-0.3, 0.3)
        y, x = np.mgrid[:BACKGROUND_SIDE, :BACKGROUND_SIDE] / BACKGROUND_SIDE - 0.5
        edge = y * np.cos(angle) - x * np.sin(angle) - offset + 0.03 * rng.random() * _make_fractal(rng, BACKGROUND_SIDE, 0.6)
        pixels = np.where(edge[..., None] > 0, pixels, _paint(rng))
    image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.poisson(2.5)):  # windows, posts, wires, branches
        color = tuple((rng.choice([25, 60, 110, 170, 235]) * rng.normal(1, 0.06, 3)).clip(0, 255).astype(int).tolist())
        x, y = rng.uniform(-20, BACKGROUND_SIDE, 2)
        w, h = rng.uniform(8, 98, 2)
        match rng.integers(4):
            case 0:
                draw.rectangle((x, y, x + w, y + h), color)
            case 1:
                draw.ellipse((x, y, x + w, y + h), color)
            case _:
                dx, dy = rng.normal(0, 140, 2)
                draw.line((x, y, x + dx, y + dy), color, int(rng.integers(1, 12)))
    return image, float(np.asarray(image).mean())


@cache
def draw_collage(seed: int, index: int) -> tuple[Image.Image, float]:
    """Coloured shapes and stripes, which stand for all that photographs show besides scenery; size and mean as above."""
    rng = np.random.default_rng([seed, COLLAGE, index])
    side, scale = BACKGROUND_SIDE * 3 // 2, np.exp(rng.uniform(np.log(8), np.log(90)))  # pixels, of most shapes
    hue, spread = rng.random(), rng.choice([0.04, 0.15, 0.5])  # of its colours, which are alike or are not
    colors = [
        ImageColor.getrgb(f"hsv({360 * (hue + rng.normal(0, spread)) % 360:.0f}, {100 * s:.0f}%, {100 * v:.0f}%)")
        for s, v in zip(rng.beta(1.5, 1, 6), rng.beta(2, 1, 6), strict=True)
    ]
    image = Image.new("RGB", (side, side), colors[0])
    draw = ImageDraw.Draw(image)
    for _ in range(int(3 * (side / scale) ** 1.3)):
        x, y = rng.uniform(-scale, side + scale, 2)
        w, h = scale * np.exp(rng.normal(0, 0.5, 2))
        fill, edge = (colors[i] for i in rng.integers(len(colors), size=2))
        width = int(rng.integers(1, 2 + int(scale / 8)))
        match rng.integers(5):
            case 0:
                draw.ellipse((x - w, y - h, x + w, y + h), fill, edge, width)
            case 1:
                start, end = sorted(rng.uniform(0, 360, 2))
                draw.arc((x - w, y - h, x + w, y + h), start, end, edge, 2 * width)
            case 2:
                draw.polygon([(x + w * a, y + h * b) for a, b in rng.normal(0, 0.7, (int(rng.integers(3, 7)), 2))], fill, edge)
            case 3:
                draw.rectangle((x - w, y - h, x + w, y + h), fill, edge, width)
            case _:
                dx, dy = rng.normal(0, scale, 2)
                for k in range(int(rng.integers(2, 12))):  # parallel lines
                    u, v = x + 3 * k * width, y + rng.normal(0, 0.3) * width
                    draw.line((u, v, u + dx, v + dy), edge, width)
    image = image.rotate(float(rng.uniform(0, 360)), Image.Resampling.BILINEAR).filter(
        ImageFilter.GaussianBlur(rng.uniform(0, 2))
    )
    border = (side - BACKGROUND_SIDE) // 2  # whose corners the rotation leaves empty
    image = image.crop((border, border, border + BACKGROUND_SIDE, border + BACKGROUND_SIDE))
    light = 1 + 0.25 * rng.random() * _make_fractal(rng, BACKGROUND_SIDE, rng.uniform(0.5, 0.95))
    image = Image.fromarray((np.asarray(image) * light[..., None]).clip(2, 255).astype(np.uint8))
    return image, float(np.asarray(image).mean())


@cache
def draw_edge(seed: int, index: int) -> Image.Image:
    """A shade with a straight edge, sharp or soft, a grey image of `SHADE_SIDE` pixels, white where all light is taken."""
    rng = np.random.default_rng([seed, EDGE, index])
    sharpness = np.exp(rng.uniform(np.log(8), np.log(80)))
    return _to_shade(sharpness * (_make_slope(rng) - rng.uniform(-0.25, 0.25)))


@cache
def draw_leaves(seed: int, index: int) -> Image.Image:
    """The shade of leaves and branches; or dirt."""
    rng = np.random.default_rng([seed, LEAVES, index])
    return _to_shade(rng.uniform(1.5, 8) * (_make_fractal(rng, SHADE_SIDE, rng.uniform(0.5, 0.95)) + rng.normal(0, 0.5)))


@cache
def draw_slope(seed: int, index: int) -> Image.Image:
    """A shade that deepens from one side to the other."""
    slope = 0.5 + _make_slope(np.random.default_rng([seed, SLOPE, index]))
    return Image.fromarray((slope.clip(0, 1) * 255).astype(np.uint8))


@cache
def make_noise(seed: int) -> np.ndarray:
    """Noise of a sensor: (512, 512, 1) float32, standard deviation 1."""
    return np.random.default_rng([seed, NOISE]).normal(0, 1, (NOISE_SIDE, NOISE_SIDE, 1)).astype(np.float32)


@cache
def make_mosaic() -> np.ndarray:
    """Which pixels of a Bayer sensor see red, green, and blue: (513, 513, 3) float32, 0 or 1."""
    y, x = np.mgrid[: NOISE_SIDE + 1, : NOISE_SIDE + 1] % 2
    return np.stack([(y == 0) & (x == 0), y != x, (y == 1) & (x == 1)], axis=-1).astype(np.float32)


def _paint(rng: np.random.Generator) -> np.ndarray:
    """(side, side, 3) levels of a texture in the colours of a palette."""
    colors, roughness, contrast = PALETTES[rng.choice(len(PALETTES), p=SHARES)]
    rough = _make_fractal(rng, BACKGROUND_SIDE, roughness * rng.uniform(0.8, 1.05))
    position = (2 + 1.2 * contrast * rough + rng.normal(-0.3, 0.6)).clip(0, 4)
    palette = np.array(colors) * rng.uniform(0.8, 1.2) + rng.normal(0, 6, 3)
    return np.stack([np.interp(position, range(5), palette[:, channel]) for channel in range(3)], axis=-1)


def _make_fractal(rng: np.random.Generator, side: int, roughness: float) -> np.ndarray:
    """Noise of seven octaves, each `roughness` times as strong as the one before: (side, side) float32, mean 0, variance 1."""
    total = np.zeros((side, side), np.float32)
    for octave in range(7):
        grid = rng.normal(0, roughness**octave, (4 << octave, 4 << octave)).astype(np.float32)
        total += np.asarray(Image.fromarray(grid).resize((side, side), Image.Resampling.BICUBIC))
    return (total - total.mean()) / total.std()


def _make_slope(rng: np.random.Generator) -> np.ndarray:
    """(64, 64) values that rise in a random direction, 0 at the centre."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[:SHADE_SIDE, :SHADE_SIDE] / SHADE_SIDE - 0.5
    return x * np.cos(angle) + y * np.sin(angle)


def _to_shade(field: np.ndarray) -> Image.Image:
    return Image.fromarray((255 / (1 + np.exp(-field))).astype(np.uint8))
