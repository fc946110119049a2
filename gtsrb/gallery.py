"""A picture of the mistakes: each image with its truth, the prediction and the confidence."""

import math
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gtsrb import mistakes
from gtsrb.outputs import whole

COLUMNS = 8
TILE = (1.7, 2.0)  # inches


def write(
    path: Path, images: np.ndarray, labels: np.ndarray, probabilities: np.ndarray, names: list[str], *, limit: int
) -> None:
    """Writes a PNG of at most `limit` mistakes, the most confident first.

    Takes (n, size, size, channels) images, (n,) labels and (n, classes) probabilities of a whole test part.
    """
    predictions, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = mistakes.by_confidence(labels, probabilities)
    shown = wrong[:limit]
    rows = max(1, math.ceil(len(shown) / COLUMNS))
    figure = Figure(figsize=(COLUMNS * TILE[0], rows * TILE[1] + 0.6), layout="constrained", dpi=110)
    figure.suptitle(f"{len(wrong)} mistakes in {len(labels)} test images, the {len(shown)} most confident", fontsize=11)
    grid = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, i in zip(grid, shown, strict=False):
        axes.imshow(images[i][..., :3])
        text = f"is: {_short(names[labels[i]])}\ntaken for: {_short(names[predictions[i]])}\n{confidence[i]:.1%} sure, {i:05d}"
        axes.set_title(text, fontsize=6.5, pad=2)
    with whole(path) as beside:
        figure.savefig(beside, format="png", metadata={"Software": None})


def _short(name: str, length: int = 26) -> str:
    return name if len(name) <= length else name[: length - 1] + "…"
