"""Accuracy in bins of something: of the signs' size, of the pictures' brightness, of the network's confidence."""

import numpy as np
import pandas as pd

from gtsrb.augmentation.photometric import LUMA
from gtsrb.data.tables import ROI, decode_ppm
from gtsrb.evaluation.intervals import wilson_interval

QUANTILES = 10
CONFIDENCE_BINS = 15  # Guo et al.'s


def box_sides(rows: pd.DataFrame) -> np.ndarray:
    """Rows of the raw table -> (n,) pixels: the side of a square as large as the annotated box, whose corners are inside."""
    x1, y1, x2, y2 = (rows[name].to_numpy(np.float64) for name in ROI)
    return np.sqrt((x2 - x1 + 1) * (y2 - y1 + 1))


def box_luma(rows: pd.DataFrame) -> np.ndarray:
    """Rows of the raw table, with images -> (n,) mean luma within the annotated box, as a share of white."""
    boxes = rows[ROI].itertuples(index=False)
    means = [
        decode_ppm(image)[y1 : y2 + 1, x1 : x2 + 1].mean(axis=(0, 1))
        for image, (x1, y1, x2, y2) in zip(rows["image"], boxes, strict=True)
    ]
    return np.stack(means) @ LUMA / 255


def accuracy_in_quantiles(values: np.ndarray, right: np.ndarray, *, bins: int = QUANTILES) -> pd.DataFrame:
    """`accuracy_in_bins` of about as many images each; fewer bins than asked for where many values are the same."""
    return accuracy_in_bins(values, right, np.unique(np.quantile(values, np.linspace(0, 1, bins + 1))))


def accuracy_in_bins(values: np.ndarray, right: np.ndarray, edges: np.ndarray) -> pd.DataFrame:
    """(n,) values, and which images are right -> a row a bin: low, high, mean, images, errors, accuracy and its interval.

    A bin is (low, high] and has the mean of its values; bins without an image are left out, values beyond the edges belong to
    the outermost bins. The interval is Wilson's (1927) at 95 %, which takes images as independent; frames of one sign are not.
    """
    edges = np.asarray(edges, np.float64)
    which = np.digitize(values, edges[1:-1], right=True)
    groups = pd.DataFrame({"bin": which, "value": values, "right": right}).groupby("bin")
    table = pd.DataFrame({"mean": groups["value"].mean(), "images": groups.size(), "right": groups["right"].sum()})
    used = table.index.to_numpy()
    low, high = wilson_interval(table["right"], table["images"])
    return pd.DataFrame(
        {
            "low": edges[used],
            "high": edges[np.minimum(used + 1, len(edges) - 1)],
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

    Guo et al. (2017), "On calibration of modern neural networks". A network is calibrated where accuracy equals mean.
    """
    right = probabilities.argmax(axis=1) == labels
    return accuracy_in_bins(probabilities.max(axis=1).astype(np.float64), right, np.linspace(0, 1, CONFIDENCE_BINS + 1))


def calibration_error(table: pd.DataFrame) -> float:
    """A `reliability` table -> the expected calibration error of Guo et al. (2017), in [0, 1]: the bins' mean distance of
    accuracy and confidence, each bin weighted by its images."""
    distance = (table["accuracy"] - table["mean"]).abs()
    return float((distance * table["images"]).sum() / table["images"].sum())
