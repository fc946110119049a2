"""Accuracy on the test set against the time of training:  python -m scripts.time_to_accuracy

Reads   docs/seeds/RECIPE.{yaml,csv}   repetitions of each recipe by scripts/study.py, one after the other, nothing beside them
        docs/seeds/tutorial.csv        the tutorial's own code, by scripts/time_tutorial.py
Writes  docs/fast.png, and prints the table of docs/fast.md

Time is `fit_seconds`: of training steps, the tracing in the first included, validation not. It depends on the machine; its
ratio to the baseline's, from the same machine and hour, does so less.
"""

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gtsrb import command_line
from gtsrb.errors import InputError
from gtsrb.reporting.plots import write_png
from gtsrb.studies import results, study

SEEDS, PLOT = Path("docs/seeds"), Path("docs/fast.png")
MILESTONES = {"the tutorial's best": 98.29, "human performance": 98.84, "the winner of 2011": 99.46}  # %; docs/fast.md
BASELINE = "baseline"
TICKS = {20: "20 s", 60: "1 min", 180: "3 min", 600: "10 min", 1800: "30 min", 3600: "1 h"}


def main() -> None:
    content = Path("params.yaml").read_text()
    table = pd.DataFrame(
        [summarize(path, content) for path in sorted(SEEDS.glob("*.yaml")) if path.with_suffix(".csv").exists()]
    )
    table = table[table["n"] > 0]
    if BASELINE not in set(table["recipe"]):
        raise InputError(f"{SEEDS}/{BASELINE}.csv: no line of the present params; run the studies in {SEEDS} first")
    table = table.sort_values("seconds", ignore_index=True)
    table["ratio"] = table.loc[table["recipe"] == BASELINE, "seconds"].item() / table["seconds"]
    tutorial = pd.read_csv(SEEDS / "tutorial.csv")
    print(format_table(table))
    plot(table, tutorial)
    print(f"plotted to {PLOT}")


def summarize(path: Path, content: str) -> dict[str, object]:
    """The line of a recipe: epochs, n, test accuracy in % (mean, standard deviation, of each seed), errors, seconds."""
    repetitions = study.read(path)
    runs = study.list_runs(repetitions, content)
    lines = results.select_current(results.read_lines(path.with_suffix(".csv")), runs)
    newest = results.select_newest(lines)
    accuracy = newest["test_accuracy"] * 100
    return {
        "recipe": repetitions.recipe,
        "epochs": runs[0].recipe.epochs,
        "n": len(newest),
        "accuracy": accuracy.mean(),
        "deviation": accuracy.std(),
        "each": accuracy.tolist(),
        "errors": newest["test_errors"].mean(),
        "seconds": newest["fit_seconds"].mean(),
    }


def format_table(table: pd.DataFrame) -> str:
    """The table in Markdown, as docs/fast.md shows it."""
    deviation = table["deviation"].map(lambda points: "" if pd.isna(points) else f" ± {points:.2f}")
    return pd.DataFrame(
        {
            "recipe": table["recipe"].map("`{}`".format),
            "epochs": table["epochs"],
            "n": table["n"],
            "test accuracy, %": table["accuracy"].map("{:.2f}".format) + deviation,
            "errors": table["errors"].map("{:.1f}".format),
            "seconds": table["seconds"].map("{:.0f}".format),
            "of baseline's": table["ratio"].map("1/{:.1f}".format),
        }
    ).to_markdown(index=False, disable_numparse=True)


def plot(table: pd.DataFrame, tutorial: pd.DataFrame) -> None:
    """Each run as a point, the mean of each recipe as a line's end; the tutorial's own code; the milestones."""
    figure = Figure(figsize=(8, 4.5), layout="constrained", dpi=110)
    axes = figure.subplots()
    for name, accuracy in MILESTONES.items():
        axes.axhline(accuracy, color="0.8", linewidth=1)
        axes.annotate(
            f"{name}, {accuracy} %", (0.93, accuracy), xycoords=("axes fraction", "data"), ha="right", va="bottom", size=8
        )
    fast = table[table["recipe"].str.startswith("fast")]
    axes.plot(fast["seconds"], fast["accuracy"], color="C0", linewidth=1)
    for row in table.to_dict("records"):
        color = "C0" if row["recipe"].startswith("fast") else "C1"
        axes.plot([row["seconds"]] * row["n"], row["each"], "o", color=color, markersize=3, alpha=0.5)
        axes.plot(row["seconds"], row["accuracy"], "o", color=color, markersize=7)
        annotate(axes, row["recipe"], row)
    for row in tutorial.to_dict("records"):
        axes.plot(row["seconds"], row["accuracy"], "x", color="0.3")
        annotate(axes, f"the tutorial's code, {row['name']}", row)
    axes.set_xscale("log")
    axes.set_xticks(list(TICKS), list(TICKS.values()))
    axes.minorticks_off()
    axes.set_xlabel("training on two cores")
    axes.set_ylabel("accuracy on the official test set, %")
    axes.spines[["top", "right"]].set_visible(False)
    write_png(PLOT, figure)


def annotate(axes: Axes, text: str, row: dict[Any, Any]) -> None:
    """Writes `text` beside the point of a row, towards the middle of the plot."""
    x, align = (6, "left") if row["seconds"] < 1000 else (-6, "right")
    axes.annotate(text, (row["seconds"], row["accuracy"]), xytext=(x, -12), textcoords="offset points", size=9, ha=align)


if __name__ == "__main__":
    command_line.run(main)
