"""The plots of report and tour: tables as the stages write them in, matplotlib figures out, and these as SVG for a page.

A recipe has one look in all figures that show several; the page explains it beside them.
"""

import io
import math
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, PercentFormatter, StrMethodFormatter
from matplotlib.typing import RcKeyType
from sklearn.metrics import ConfusionMatrixDisplay

from gtsrb.evaluation.intervals import wilson_interval
from gtsrb.reporting.html_images import to_uint8

INK = "#010203"  # stands for the colour of the page's text, which a dark page has otherwise than a light one
COLORS = ("#3b8fd6", "#d55e00", "#009e73", "#c0679d", "#a6841c")  # told apart on white and on black, and by the colour-blind
MARKERS = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼"}  # matplotlib's, and the same as characters
STYLE: dict[RcKeyType, Any] = {
    "text.parse_math": False,  # a class may be called $5
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "gtsrb",  # the same figure gives the same bytes
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.use_mathtext": False,
    "font.size": 9,
    "figure.constrained_layout.use": True,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
UNITS = {  # of the severities of gtsrb/evaluation/corruptions.py
    "blur": "sigma, % of the lesser side",
    "noise": "standard deviation, of white",
    "darkening": "share of the light taken away",
    "contrast_loss": "share of the contrast taken away",
    "jpeg": "100 - quality",
    "occlusion": "side of a grey square, of the lesser side",
    "rotation": "degrees",
    "scale": "share",
    "translation": "of each side",
}


class Look(NamedTuple):
    """Of a recipe's lines."""

    color: str
    marker: str


Tables = Mapping[str, pd.DataFrame]  # of each recipe
Looks = Mapping[str, Look]


def looks(recipes: list[str]) -> Looks:
    """Different ones for the first five recipes."""
    return {name: Look(COLORS[i % len(COLORS)], list(MARKERS)[i % len(MARKERS)]) for i, name in enumerate(recipes)}


def svg(name: str, draw: Callable[..., Figure], *arguments: object) -> str:
    """`draw(*arguments)` as an <svg> element to stand in HTML; `name` keeps its ids apart from those of others."""
    with mpl.rc_context(STYLE):
        figure, stream = draw(*arguments), io.StringIO()
        figure.savefig(stream, format="svg", transparent=True, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    element = stream.getvalue()[stream.getvalue().index("<svg") :].replace(INK, "currentColor")
    return re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", element)


def image_grid(images: Sequence[np.ndarray], titles: Sequence[str], *, columns: int, side: float = 1.2) -> Figure:
    """Images (height, width, channels) of any sizes, `columns` in a row, each `side` inches large and under its title.

    uint8, or floats in [0, 1]; of six channels the first three.
    """
    rows = math.ceil(len(images) / columns)
    figure = Figure(figsize=(columns * side, rows * (side + 0.4)))
    for axes in (grid := figure.subplots(rows, columns, squeeze=False).ravel()):
        axes.set_axis_off()
    for axes, image, title in zip(grid, images, titles, strict=False):
        axes.imshow(to_uint8(image), interpolation="nearest")
        axes.set_title("\n".join(textwrap.wrap(title, round(14 * side))), fontsize=8)
    return figure


def learning_curves(histories: Tables, looks: Looks, what: str) -> Figure:
    """`what`, accuracy or loss, by epoch: dashed on training images, whole on validation images where there are any."""
    figure, axes = _axes(4.6, 3.2)
    for name, history in histories.items():
        color, marker = looks[name]
        axes.plot(history["epoch"], history[what], color=color, linewidth=1, linestyle="--")
        axes.plot(history["epoch"], history[f"val_{what}"], color=color, marker=marker, markersize=3)
    axes.set_xlabel("epoch")
    if what == "loss":
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))  # its own is mathematics, which is off here
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_ylabel("cross-entropy (nats)")
    else:
        axes.set_ylabel("accuracy")
        lowest = min(history[[what, f"val_{what}"]].iloc[len(history) // 10 :].min().min() for history in histories.values())
        axes.set_ylim(lowest - 0.02, 1.005)  # the first tenth of the epochs would press all others to the top
        axes.yaxis.set_major_formatter(PercentFormatter(1))
    return figure


def confusion(counts: pd.DataFrame, names: list[str]) -> Figure:
    """Rows of (truth, prediction, images) as a matrix of all classes; the colour is logarithmic, mistakes have their number."""
    numbers = {name: i for i, name in enumerate(names)}
    truth, prediction = (counts[column].map(numbers).to_numpy() for column in ("truth", "prediction"))
    matrix = np.full((len(names), len(names)), np.nan)
    matrix[truth, prediction] = counts["images"]
    figure, axes = _axes(1.2 + 0.21 * len(names), 1.2 + 0.21 * len(names))
    norm = LogNorm(0.2, max(2, counts["images"].max()))  # from 0.2, so that a single image is no shade of white
    ConfusionMatrixDisplay(matrix, display_labels=names).plot(
        ax=axes, include_values=False, colorbar=False, cmap="YlGnBu", im_kw={"norm": norm, "interpolation": "none"}
    )
    for y, x, images in zip(truth.tolist(), prediction.tolist(), counts["images"], strict=True):
        axes.text(x, y, images, ha="center", va="center", fontsize=6, color="white" if norm(images) > 0.6 else "black")
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right", rotation_mode="anchor")
    axes.tick_params(labelsize=7)
    axes.set(xlabel="prediction", ylabel="truth")
    return figure


def class_accuracy(tables: Tables, looks: Looks) -> Figure:
    """Accuracy of each class with its interval, recipes beside each other; a class without images stays empty."""
    names = next(iter(tables.values()))["name"]
    figure, axes = _axes(6, 0.8 + 0.24 * len(names))
    for i, (name, table) in enumerate(tables.items()):
        color, marker = looks[name]
        low, high = wilson_interval(table["images"] - table["errors"], table["images"])
        y = np.arange(len(table)) + (i - (len(tables) - 1) / 2) * 0.6 / len(tables)
        axes.hlines(y, low, high, color=color, alpha=0.5)
        axes.plot(table["accuracy"], y, marker, color=color, markersize=4)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="y", alpha=0.25, linewidth=0.5)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("share of the class's test images that are right")
    return figure


def accuracy_in_bins(tables: Tables, looks: Looks, label: str) -> Figure:
    """Accuracy with its interval at the mean of each bin (gtsrb/evaluation/binned_accuracy.py)."""
    figure, axes = _axes(4.6, 3.2)
    _in_bins(axes, tables, looks)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set(xlabel=label, ylabel="accuracy")
    return figure


def reliability(tables: Tables, looks: Looks) -> Figure:
    """Accuracy in bins of the confidence; calibrated is on the diagonal."""
    figure, axes = _axes(4.6, 4.4)
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=":")
    _in_bins(axes, tables, looks)
    axes.set(xlim=(0, 1.01), ylim=(0, 1.01), xlabel="confidence: probability of the predicted sign", ylabel="accuracy")
    return figure


def robustness(tables: Tables, looks: Looks, kind: str) -> Figure:
    """Accuracy under one kind of corruption by its severity, from none on."""
    figure, axes = _axes(3.1, 2.5)
    for name, table in tables.items():
        color, marker = looks[name]
        rows = table[table["corruption"].isin(["none", kind])].sort_values("severity")
        low, high = wilson_interval(rows["images"] - rows["errors"], rows["images"])
        axes.vlines(rows["severity"], low, high, color=color, alpha=0.5)
        axes.plot(rows["severity"], rows["accuracy"], color=color, marker=marker, markersize=4)
    axes.set_title(kind.replace("_", " "), fontsize=10)
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel(UNITS.get(kind, "severity"))
    return figure


def _in_bins(axes: Axes, tables: Tables, looks: Looks) -> None:
    for name, table in tables.items():
        color, marker = looks[name]
        axes.vlines(table["mean"], table["accuracy_low"], table["accuracy_high"], color=color, alpha=0.5)
        axes.plot(table["mean"], table["accuracy"], color=color, marker=marker, markersize=4)


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height))
    return figure, figure.subplots()
