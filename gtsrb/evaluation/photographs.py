"""Pictures without a traffic sign: crops of the photographs that scikit-image ships. Nothing is trained or chosen on them."""

import numpy as np
import skimage.data
from skimage.color import gray2rgb

PHOTOGRAPHS = (  # names of functions of skimage.data; all are in the package, so that nothing is downloaded
    "astronaut",
    "brick",
    "camera",
    "cat",
    "cell",
    "clock",
    "coffee",
    "coins",
    "grass",
    "gravel",
    "hubble_deep_field",
    "immunohistochemistry",
    "moon",
    "page",
    "retina",
    "rocket",
    "text",
)
CROP_SIDES = 24, 200  # pixels, about the least and the most of the benchmark's signs


def sample_crops(photograph: str, crops: int, seed: int = 0) -> list[np.ndarray]:
    """Square crops, (side, side, 3) uint8, at random places; sides log-uniform in `CROP_SIDES`."""
    pixels = getattr(skimage.data, photograph)()
    pixels = pixels if pixels.ndim == 3 else gray2rgb(pixels)
    height, width = pixels.shape[:2]
    rng = np.random.default_rng([seed, PHOTOGRAPHS.index(photograph)])
    low, high = CROP_SIDES
    sides = np.exp(rng.uniform(np.log(low), np.log(high), crops)).astype(int).clip(max=min(height, width))
    corners = [(rng.integers(height - side + 1), rng.integers(width - side + 1)) for side in sides]
    return [pixels[top : top + side, left : left + side] for side, (top, left) in zip(sides, corners, strict=True)]
