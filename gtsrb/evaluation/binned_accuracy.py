"""Accuracy by size of the sign, by brightness of the image, by confidence of the network."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from gtsrb.augmentation.pixels import LUMA
from gtsrb.data.tables import ROI, decode_ppm
from gtsrb.evaluation.intervals import wilson_interval

QUANTILES = 10
CONFIDENCE_EDGES = np.linspace(0, 1, 16)  # 15 bins of equal width, as in Guo et al. (2017)


def box_sides(rows: pd.DataFrame) -> np.ndarray:
    """Rows of the raw table -> (n,) side in pixels of the square with the area of the annotated box, corners included."""
    x1, y1, x2, y2 = (rows[name].to_numpy(np.float64) for name in ROI)
    return np.sqrt((x2 - x1 + 1) * (y2 - y1 + 1))


def box_luma(rows: Iterable[tuple[bytes, int, int, int, int]]) -> np.ndarray:
    """The image and the annotated box of each row of `tables.read_images` -> (n,) its mean luma, as a share of white."""
    means = [decode_ppm(image)[y1 : y2 + 1, x1 : x2 + 1].mean(axis=(0, 1)) for image, x1, y1, x2, y2 in rows]
    return np.stack(means) @ LUMA / 255


def accuracy_in_quantiles(values: np.ndarray, right: np.ndarray) -> pd.DataFrame:
    """`accuracy_in_bins` in `QUANTILES` bins of about equally many images; in fewer if many values are equal."""
    return accuracy_in_bins(values, right, np.unique(np.quantile(values, np.linspace(0, 1, QUANTILES + 1))))


def bin_indices(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """(n,) values -> (n,) the bin (low, high] of each; values beyond the edges count in the outermost bins."""
    return np.digitize(values, edges[1:-1], right=True)


def accuracy_in_bins(values: np.ndarray, right: np.ndarray, edges: np.ndarray) -> pd.DataFrame:
    """(n,) values and (n,) bool, whether the prediction is right -> one row per bin: low, high, mean, images, errors, accuracy
    and its interval.

    The bins are those of `bin_indices`, `mean` that of their values; empty ones are left out. The interval is Wilson's (1927)
    at 95 %, which assumes independent images; frames of one sign are not.
    """
    edges = np.asarray(edges, np.float64)
    groups = pd.DataFrame({"bin": bin_indices(values, edges), "value": values, "right": right}).groupby("bin")
    table = pd.DataFrame({"mean": groups["value"].mean(), "images": groups.size(), "right": groups["right"].sum()})
    not_empty = table.index.to_numpy()
    low, high = wilson_interval(table["right"], table["images"])
    return pd.DataFrame(
        {
            "low": edges[not_empty],
            "high": edges[np.minimum(not_empty + 1, len(edges) - 1)],
            "mean": table["mean"].to_numpy(np.float64),
            "images": table["images"].to_numpy(),
            "errors": (table["images"] - table["right"]).to_numpy(),
            "accuracy": (table["right"] / table["images"]).to_numpy(),
            "accuracy_low": low,
            "accuracy_high": high,
        }
    )


def reliability(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """(n,) labels and (n, classes) probabilities -> `accuracy_in_bins` of the top probability, in bins of equal width.

    Guo et al. (2017), "On calibration of modern neural networks". A calibrated network's accuracy equals its mean confidence.
    """
    right = probabilities.argmax(axis=1) == labels
    return accuracy_in_bins(probabilities.max(axis=1).astype(np.float64), right, CONFIDENCE_EDGES)


def calibration_error(table: pd.DataFrame) -> float:
    """A `reliability` table -> the expected calibration error of Guo et al. (2017), in [0, 1].

    The mean over the bins, weighted by their images, of the distance between accuracy and confidence.
    """
    distance = (table["accuracy"] - table["mean"]).abs()
    return float((distance * table["images"]).sum() / table["images"].sum())
