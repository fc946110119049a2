"""The plots of the report and the tour: tables of metrics in, matplotlib figures out, and these as SVG in HTML or as PNG.

A recipe has the same colour and marker in every plot; the report's legend explains them.
"""

import io
import math
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
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
from gtsrb.outputs import atomic_write
from gtsrb.reporting.html_images import to_uint8

TEXT_COLOR = "#010203"  # a placeholder for the colour of the page's text, which differs between light and dark mode
COLORS = ("#3b8fd6", "#d55e00", "#009e73", "#c0679d", "#a6841c")  # distinct on white, on black and to the colour-blind
MARKERS = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼"}  # matplotlib's name: the same as a character
RC_PARAMS: dict[RcKeyType, Any] = {
    "text.parse_math": False,  # a class may be named $5
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "gtsrb",  # the same plot gives the same bytes
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.use_mathtext": False,
    "font.size": 9,
    "figure.constrained_layout.use": True,
    "text.color": TEXT_COLOR,
    "axes.edgecolor": TEXT_COLOR,
    "axes.labelcolor": TEXT_COLOR,
    "axes.titlecolor": TEXT_COLOR,
    "xtick.color": TEXT_COLOR,
    "ytick.color": TEXT_COLOR,
}
UNITS = {  # of the severities of gtsrb/evaluation/corruptions.py
    "blur": "sigma (% of the shorter side)",
    "noise": "standard deviation (share of white)",
    "darkening": "share of the brightness removed",
    "contrast_loss": "share of the contrast removed",
    "jpeg": "100 - quality",
    "occlusion": "grey square (share of the shorter side)",
    "rotation": "degrees",
    "scale": "share",
    "translation": "share of each side",
}

QUANTITIES = {  # by which metrics/RECIPE/FILE.csv have bins
    "sizes": "side of a square of the box's area (pixels)",
    "brightness": "mean luma in the box (share of white)",
}


class LineStyle(NamedTuple):
    """The style of a recipe's lines."""

    color: str
    marker: str


Tables = Mapping[str, pd.DataFrame]  # recipe -> its table
Styles = Mapping[str, LineStyle]  # recipe -> its style


def line_styles(recipes: list[str]) -> Styles:
    """The colours repeat after five recipes, then with other markers: 25 recipes differ."""
    markers = list(MARKERS)
    return {
        name: LineStyle(COLORS[i % len(COLORS)], markers[(i + i // len(COLORS)) % len(markers)])
        for i, name in enumerate(recipes)
    }


def write_png(path: Path, figure: Figure) -> None:
    """The same figure gives the same bytes."""
    with atomic_write(path) as temporary_path:
        figure.savefig(temporary_path, format="png", metadata={"Software": None})


def to_svg(name: str, draw: Callable[..., Figure], *arguments: object) -> str:
    """`draw(*arguments)` as an <svg> element for HTML; the prefix `name` keeps its ids apart from those of other plots."""
    with mpl.rc_context(RC_PARAMS):
        figure, stream = draw(*arguments), io.StringIO()
        figure.savefig(stream, format="svg", transparent=True, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    element = stream.getvalue()[stream.getvalue().index("<svg") :].replace(TEXT_COLOR, "currentColor")
    return re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", element)


def image_grid(images: Sequence[np.ndarray], titles: Sequence[str], *, columns: int, side: float = 1.2) -> Figure:
    """(height, width, channels) images of any sizes, `columns` per row, each `side` inches wide with its title above.

    uint8, or floats in [0, 1]; of six channels the first three are shown.
    """
    rows = math.ceil(len(images) / columns)
    figure = Figure(figsize=(columns * side, rows * (side + 0.4)))
    for axes in (grid := figure.subplots(rows, columns, squeeze=False).ravel()):
        axes.set_axis_off()
    for axes, image, title in zip(grid, images, titles, strict=False):
        axes.imshow(to_uint8(image), interpolation="nearest")
        axes.set_title("\n".join(textwrap.wrap(title, round(14 * side))), fontsize=8)
    return figure


def learning_curves(histories: Tables, styles: Styles, metric: str) -> Figure:
    """`metric`, accuracy or loss, by epoch: dashed on training images, solid on validation images where there are any."""
    figure, axes = _axes(4.6, 3.2)
    for name, history in histories.items():
        color, marker = styles[name]
        axes.plot(history["epoch"], history[metric], color=color, linewidth=1, linestyle="--")
        axes.plot(history["epoch"], history[f"val_{metric}"], color=color, marker=marker, markersize=3)
    axes.set_xlabel("epoch")
    if metric == "loss":
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))  # the default needs math text, which is off here
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_ylabel("cross-entropy (nats)")
    else:
        axes.set_ylabel("accuracy")
        lowest = min(
            history[[metric, f"val_{metric}"]].iloc[len(history) // 10 :].min().min() for history in histories.values()
        )
        axes.set_ylim(lowest - 0.02, 1.005)  # the first tenth of the epochs would squeeze the others at the top
        axes.yaxis.set_major_formatter(PercentFormatter(1))
    return figure


def confusion(counts: pd.DataFrame, names: list[str]) -> Figure:
    """Rows of (truth, prediction, images) as a matrix of all classes: colours on a log scale, the count in each cell."""
    class_ids = {name: i for i, name in enumerate(names)}
    truth, prediction = (counts[column].map(class_ids).to_numpy() for column in ("truth", "prediction"))
    matrix = np.full((len(names), len(names)), np.nan)
    matrix[truth, prediction] = counts["images"]
    figure, axes = _axes(1.2 + 0.21 * len(names), 1.2 + 0.21 * len(names))
    norm = LogNorm(0.2, max(2, counts["images"].max()))  # from 0.2, so that one image is not nearly white
    ConfusionMatrixDisplay(matrix, display_labels=names).plot(
        ax=axes, include_values=False, colorbar=False, cmap="YlGnBu", im_kw={"norm": norm, "interpolation": "none"}
    )
    for y, x, images in zip(truth.tolist(), prediction.tolist(), counts["images"], strict=True):
        axes.text(x, y, images, ha="center", va="center", fontsize=6, color="white" if norm(images) > 0.6 else "black")
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right", rotation_mode="anchor")
    axes.tick_params(labelsize=7)
    axes.set(xlabel="prediction", ylabel="truth")
    return figure


def class_accuracy(tables: Tables, styles: Styles) -> Figure:
    """Accuracy per class with its interval, recipes side by side; the row of a class without images is empty."""
    names = next(iter(tables.values()))["name"]
    figure, axes = _axes(6, 0.8 + 0.24 * len(names))
    for i, (name, table) in enumerate(tables.items()):
        color, marker = styles[name]
        low, high = wilson_interval(table["images"] - table["errors"], table["images"])
        y = np.arange(len(table)) + (i - (len(tables) - 1) / 2) * 0.6 / len(tables)
        axes.hlines(y, low, high, color=color, alpha=0.5)
        axes.plot(table["accuracy"], y, marker, color=color, markersize=4)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="y", alpha=0.25, linewidth=0.5)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("accuracy on the test images of the class")
    return figure


def accuracy_in_bins(tables: Tables, styles: Styles, label: str) -> Figure:
    """Accuracy with its interval at the mean of each bin (gtsrb/evaluation/binned_accuracy.py)."""
    figure, axes = _axes(4.6, 3.2)
    _plot_bins(axes, tables, styles)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set(xlabel=label, ylabel="accuracy")
    return figure


def reliability(tables: Tables, styles: Styles) -> Figure:
    """Accuracy in bins of the confidence; a calibrated network is on the dotted diagonal."""
    figure, axes = _axes(4.6, 4.4)
    axes.plot([0, 1], [0, 1], color=TEXT_COLOR, linewidth=0.8, linestyle=":")
    _plot_bins(axes, tables, styles)
    axes.set(xlim=(0, 1.01), ylim=(0, 1.01), xlabel="confidence (probability of the predicted class)", ylabel="accuracy")
    return figure


def robustness(tables: Tables, styles: Styles, kind: str) -> Figure:
    """Accuracy by the severity of one kind of corruption; severity 0 is the uncorrupted images."""
    figure, axes = _axes(3.1, 2.5)
    for name, table in tables.items():
        color, marker = styles[name]
        rows = table[table["corruption"].isin(["none", kind])].sort_values("severity")
        low, high = wilson_interval(rows["images"] - rows["errors"], rows["images"])
        axes.vlines(rows["severity"], low, high, color=color, alpha=0.5)
        axes.plot(rows["severity"], rows["accuracy"], color=color, marker=marker, markersize=4)
    axes.set_title(kind.replace("_", " "), fontsize=10)
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel(UNITS.get(kind, "severity"))
    return figure


def _plot_bins(axes: Axes, tables: Tables, styles: Styles) -> None:
    for name, table in tables.items():
        color, marker = styles[name]
        axes.vlines(table["mean"], table["accuracy_low"], table["accuracy_high"], color=color, alpha=0.5)
        axes.plot(table["mean"], table["accuracy"], color=color, marker=marker, markersize=4)


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of `width` x `height` inches with one plot."""
    figure = Figure(figsize=(width, height))
    return figure, figure.subplots()
