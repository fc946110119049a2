"""What pixels are, for everything that changes or measures them: white, luma, their range."""

import numpy as np

LUMA = np.array([0.299, 0.587, 0.114])  # of R, G, B (ITU-R BT.601)


def full_scale(images: np.ndarray) -> int:
    """The value of white in `images`: 255 for uint8, 1 for float32."""
    return 255 if images.dtype == np.uint8 else 1


def cast_pixels(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Clips `values` to the range of pixels of `dtype` (uint8 or float32), and rounds them for uint8."""
    if dtype == np.uint8:
        return np.rint(np.clip(values, 0, 255)).astype(np.uint8)
    return np.clip(values, 0, 1).astype(dtype)
