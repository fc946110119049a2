"""Pictures without a traffic sign: crops of photographs that packages ship, so that nothing is downloaded.

Nothing is trained on them, and nothing is chosen by those that measure.
"""

import numpy as np
import skimage.data
from skimage.color import gray2rgb
from sklearn.datasets import load_sample_image

CHOOSING = ("china", "flower")  # scikit-learn's
MEASURING = (  # scikit-image's: names of functions of skimage.data
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


def sample_crops(photograph: str, crops: int) -> list[np.ndarray]:
    """Square crops, (side, side, 3) uint8, at random places; sides log-uniform in `CROP_SIDES`."""
    pixels = load_sample_image(f"{photograph}.jpg") if photograph in CHOOSING else getattr(skimage.data, photograph)()
    pixels = pixels if pixels.ndim == 3 else gray2rgb(pixels)
    height, width = pixels.shape[:2]
    rng = np.random.default_rng([0, (*MEASURING, *CHOOSING).index(photograph)])
    low, high = CROP_SIDES
    sides = np.exp(rng.uniform(np.log(low), np.log(high), crops)).astype(int).clip(max=min(height, width))
    corners = [(rng.integers(height - side + 1), rng.integers(width - side + 1)) for side in sides]
    return [pixels[top : top + side, left : left + side] for side, (top, left) in zip(sides, corners, strict=True)]
