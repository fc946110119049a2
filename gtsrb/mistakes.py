"""The most confident mistakes, and the pictures that show them with what the network looked at."""

import base64
import io

import numpy as np
from matplotlib import colormaps
from PIL import Image


def most_confident(labels: np.ndarray, probabilities: np.ndarray, limit: int) -> list[tuple[int, int]]:
    """(n,) labels and (n, classes) probabilities -> the image and the number of its kind of at most `limit` mistakes.

    A kind is a pair of truth and prediction; each is shown by its most confident image, since the runners-up are most often
    other frames of the same sign. The most confident come first.
    """
    predictions, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(predictions != labels)
    wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
    pairs = np.stack([labels[wrong], predictions[wrong]], axis=1)
    _, first, counts = np.unique(pairs, axis=0, return_index=True, return_counts=True)
    order = np.argsort(first)[:limit]
    return [(int(wrong[first[i]]), int(counts[i])) for i in order]


def overlay(image: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """(size, size, 3) image and its (size, size) occlusion map -> (size, size, 3) uint8, the map over the image in grey.

    Red where covering takes probability away, blue where it adds some; the greatest of this map is the strongest colour.
    """
    share = lost / max(float(np.abs(lost).max()), 1e-9)
    color = colormaps["RdBu_r"]((share + 1) / 2)[..., :3]
    grey = as_bytes(image).mean(axis=-1, keepdims=True) / 255
    opacity = 0.75 * np.abs(share)[..., None]
    return as_bytes(((1 - opacity) * grey + opacity * color).astype(np.float32))


def as_bytes(image: np.ndarray) -> np.ndarray:
    """uint8 as it is, floats in [0, 1] as uint8."""
    return image if image.dtype == np.uint8 else np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)


def data_uri(image: np.ndarray) -> str:
    """An image of any size as a PNG within the address of an <img>."""
    stream = io.BytesIO()
    Image.fromarray(as_bytes(image)).save(stream, "png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
