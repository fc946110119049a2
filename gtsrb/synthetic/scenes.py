"""A sign at a distance -> a simulated photograph of it: scenery, inks, light, lens, and a sensor with a Bayer pattern."""

from functools import cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from gtsrb.config.camera import Camera
from gtsrb.data.labels import WITHOUT_SIGN
from gtsrb.synthetic import textures
from gtsrb.synthetic.faces import draw_inks, list_inks
from gtsrb.synthetic.shapes import BLUE, RED
from gtsrb.synthetic.signs import Cover, Sign

WHITE_LEVEL = 110  # of 255, of white in the scene before the sensor, so that the sky can be more than twice as bright
# What a Bayer pattern leaves out is interpolated bilinearly: red and blue are a quarter of the pixels, green is half of them.
QUARTER = ImageFilter.Kernel((3, 3), (1, 2, 1, 2, 4, 2, 1, 2, 1), 4)
HALF = ImageFilter.Kernel((3, 3), (0, 1, 0, 1, 4, 1, 0, 1, 0), 4)


def render_frame(
    sign: Sign, side: float, camera: Camera, seed: int, rng: np.random.Generator
) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """A frame as (height, width, 3) uint8 RGB, and the box x1, y1, x2, y2 of the sign in it, in pixels.

    The sign's longer side is about `side` pixels, the border around it a tenth of that, at least 5 pixels, as in the benchmark.
    `seed` is that of the textures.
    """
    border = max(5, round(side / 10))
    sign_to_image, width, height = _sample_pose(sign, side, border + 1, camera, rng)
    size = (width + 2 * border + 2, height + 2 * border + 2)  # the sensor's interpolation needs a pixel more on each side
    scene = _draw_scenery(sign, side, size, seed, rng)
    draw = ImageDraw.Draw(scene)
    if sign.pole:
        top, bottom = map(tuple, _project(sign_to_image, np.array([(0.5, 0.3), (0.5, 1.6)])))
        draw.line((top, bottom), (int(WHITE_LEVEL * rng.uniform(0.15, 0.85)),) * 3, max(1, round(side * sign.pole)))
    if rng.random() < 0.25:
        _draw_neighbour(draw, sign, size, border, side, rng)

    behind = np.asarray(scene, np.float32)
    face, alpha = _draw_face(sign, side, size, sign_to_image, seed)
    light = behind + alpha * (face - behind)
    if sign.shadow:
        x, y = rng.uniform(0, 16, 2)
        shadow = sign.shadow.draw(seed, sign.shadow.number).resize(size, Image.Resampling.BILINEAR, (x, y, x + 48, y + 48))
        light = light * (1 - np.float32(sign.shadow.depth / 255) * np.asarray(shadow, np.float32)[..., None])
    image = _blur(Image.fromarray(light.clip(0, 255).astype(np.uint8)), sign, side, camera, rng)
    box = (border, border, border + width, border + height)
    return _expose(np.asarray(image, np.float32), sign, seed, rng)[1:-1, 1:-1], box


def _sample_pose(sign: Sign, side: float, border: int, camera: Camera, rng: np.random.Generator) -> tuple[np.ndarray, int, int]:
    """The (3, 3) homography from the sign's unit square to the image, and the annotated width and height there, in pixels."""
    (cr, cy, cp), (sr, sy, sp) = (f(sign.angles + rng.normal(0, (0.015, 0.03, 0.03))) for f in (np.cos, np.sin))
    # The first two columns of the rotation by roll, yaw and pitch; the camera is 4 sides away.
    right, down = np.array([cr * cy, sr * cy, -sy]), np.array([cr * sy * sp - sr * cp, sr * sy * sp + cr * cp, cy * sp])
    projection = np.column_stack([right, down, np.array([0, 0, 4]) - (right + down) / 2])
    variant = sign.variant if sign.class_id == WITHOUT_SIGN else 0
    outline = _project(projection, _find_outline(sign.class_id, variant))
    low, high = outline.min(axis=0), outline.max(axis=0)
    scale = side / (high - low).max()
    before, after = rng.uniform(camera.box_error[0], camera.box_error[1], (2, 2)) * side / 2
    width, height = np.rint((high - low) * scale + before + after).astype(int).clip(8)
    left, top = border + 0.5 - low * scale + before + np.array(sign.offset) * side
    return np.array([[scale, 0, left], [0, scale, top], [0, 0, 1]]) @ projection, int(width), int(height)


@cache
def _find_outline(class_id: int, variant: int) -> np.ndarray:
    """(n, 2) points x, y on the edge of the sign, in its unit square, all of which is taken for an empty face."""
    opaque = draw_inks(class_id, variant, 64)[..., 3] > 127
    opaque |= not opaque.any()
    rows = np.flatnonzero(opaque.any(axis=1))
    left, right = opaque[rows].argmax(axis=1), 64 - opaque[rows, ::-1].argmax(axis=1)
    edges = np.column_stack([np.concatenate([left[::4], right[::4]]), np.tile(rows[::4] + 0.5, 2)])
    extremes = [(left.min(), rows[left.argmin()]), (right.max(), rows[right.argmax()]), (32, rows[0]), (32, rows[-1] + 1)]
    return np.vstack([edges, extremes]) / 64


def _project(homography: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(n, 2) points, mapped by a (3, 3) homography -> (n, 2) points."""
    mapped = points @ homography[:, :2].T + homography[:, 2]
    return mapped[:, :2] / mapped[:, 2:]


def _draw_scenery(sign: Sign, side: float, size: tuple[int, int], seed: int, rng: np.random.Generator) -> Image.Image:
    """What is behind the sign, white at `WHITE_LEVEL`; the farther away the sign, the more of it."""
    background = sign.background
    texture, mean = background.draw(seed, background.texture)
    visible = min(background.side * np.sqrt(34 / side) * rng.uniform(0.9, 1.1), textures.BACKGROUND_SIDE)
    x, y = (corner * (textures.BACKGROUND_SIDE - visible) for corner in (background.x, background.y))
    pixels = np.asarray(
        texture.resize(size, Image.Resampling.BILINEAR, (x, y, x + visible, y + visible), reducing_gap=1), np.float32
    )
    pixels = pixels[:, :: -1 if background.is_flipped else 1] / np.float32(mean)
    luminance = pixels @ np.full((3, 1), 1 / 3, np.float32)
    pixels = (0.75 * pixels + 0.25 * luminance) * luminance ** np.float32(background.contrast)
    return Image.fromarray((pixels * np.float32(background.level * WHITE_LEVEL)).clip(2, 255).astype(np.uint8))


def _draw_neighbour(
    draw: ImageDraw.ImageDraw, sign: Sign, size: tuple[int, int], border: int, side: float, rng: np.random.Generator
) -> None:
    """Another sign on the same pole, cut off at the border: a white plate, a disc, or a triangle."""
    down = 1 if rng.random() < 0.75 else -1  # below or above
    y = size[1] / 2 + down * (size[1] / 2 - border + rng.uniform(0, 0.06) * side)
    x = size[0] / 2 + rng.normal(0, 0.05) * side
    red, blue = (tuple((sign.inks[ink] * WHITE_LEVEL).clip(0, 255).astype(int).tolist()) for ink in (RED, BLUE))
    white, black = (WHITE_LEVEL,) * 3, (20,) * 3
    match rng.integers(3):
        case 0:
            top, bottom = sorted([y, y + down * side * 0.6])
            edge = black if rng.random() < 0.6 else None
            draw.rectangle((x - side * 0.48, top, x + side * 0.48, bottom), white, edge, max(1, round(side * 0.02)))
        case 1:
            for radius, color in ((side / 2, red if rng.random() < 0.6 else blue), (side * 0.36, white)):
                draw.circle((x, y + down * side / 2), radius, color)
        case _:
            draw.polygon([(x, y), (x - side / 2, y + down * side * 0.88), (x + side / 2, y + down * side * 0.88)], red)


def _draw_face(
    sign: Sign, side: float, size: tuple[int, int], sign_to_image: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The sign's colours (height, width, 3), white at `WHITE_LEVEL`, and its coverage of each pixel (height, width, 1)."""
    raster_side = round(12 * 2 ** (np.ceil(2 * np.log2(side / 12)) / 2))  # so that warping reduces it by 1.41 at most
    raster = Image.fromarray(draw_inks(sign.class_id, sign.variant, raster_side))
    for cover in sign.covers:
        _draw_cover(raster, cover)
    image_to_raster = np.diag([raster_side, raster_side, 1]) @ np.linalg.inv(sign_to_image)
    coefficients = (image_to_raster / image_to_raster[2, 2]).ravel()[:8]
    raster = raster.transform(size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BILINEAR)
    coverage = np.asarray(raster, np.float32) / 255
    colors = (sign.inks[list_inks(sign.class_id, sign.variant)] * WHITE_LEVEL).astype(np.float32)
    face = coverage[..., : len(colors) - 1] @ (colors[1:] - colors[0]) + colors[0]
    if sign.dirt:
        dirt = sign.dirt.draw(seed, sign.dirt.number).resize(size, Image.Resampling.BILINEAR)
        face *= 1 - np.float32(sign.dirt.depth / 255) * np.asarray(dirt, np.float32)[..., None]
    return face, coverage[..., 3:]


def _draw_cover(raster: Image.Image, cover: Cover) -> None:
    draw, side = ImageDraw.Draw(raster), raster.width
    corners = tuple(side * position for position in (cover.x, cover.y, cover.x + cover.width, cover.y + cover.height))
    if cover.is_line:
        draw.line(corners, cover.coverage, max(1, round(side * 0.025)))
    else:
        draw.rectangle(corners, cover.coverage)


def _blur(image: Image.Image, sign: Sign, side: float, camera: Camera, rng: np.random.Generator) -> Image.Image:
    """By the lens, and by motion while the shutter is open."""
    sigma = rng.uniform(0.15, 0.5) + sign.focus * side  # pixels
    motion = rng.exponential(camera.motion) * side
    if motion > 0.6:
        angle = rng.uniform(0, np.pi)
        dx, dy = round(motion * np.cos(angle)), round(motion * np.sin(angle))
        moved = ImageChops.blend(ImageChops.offset(image, dx, dy), ImageChops.offset(image, -dx, -dy), 0.5)
        image = ImageChops.blend(image, moved, 0.62)
        sigma += motion * 0.3
    return image.filter(ImageFilter.GaussianBlur(float(sigma)) if sigma > 0.7 else _small_blur(sigma))


def _small_blur(sigma: float) -> ImageFilter.Kernel:
    """A Gaussian of so few pixels as a 3 x 3 kernel of the same variance, which is faster."""
    side = sigma**2 / 2  # the weight of each neighbour in one dimension
    row = np.array([side, 1 - 2 * side, side])
    return ImageFilter.Kernel((3, 3), np.outer(row, row).ravel().tolist(), 1)


def _expose(light: np.ndarray, sign: Sign, seed: int, rng: np.random.Generator) -> np.ndarray:
    """(height, width, 3) light, white at `WHITE_LEVEL` -> uint8 levels, each pixel with one colour that was measured."""
    height, width, _ = light.shape
    gain = sign.white * np.exp(rng.normal(0, 0.07)) / WHITE_LEVEL / (1 + sign.veil)
    pixels = (light + np.float32(sign.veil * 0.9 * WHITE_LEVEL)) * (sign.tint * gain).astype(np.float32)
    x, y = (int(rng.integers(textures.NOISE_SIDE - length)) for length in (width, height))
    pixels += textures.make_noise(seed)[y : y + height, x : x + width] * np.float32(sign.noise * (0.5 + 0.5 * gain))
    pixels *= textures.make_mosaic()[y % 2 : y % 2 + height, x % 2 : x % 2 + width]
    measured = Image.fromarray((pixels + 0.5).clip(0, 255).astype(np.uint8))
    planes = zip(measured.split(), (QUARTER, HALF, QUARTER), strict=True)
    return np.asarray(Image.merge("RGB", [plane.filter(neighbours) for plane, neighbours in planes]))
