"""What the rows of a study are worth, from their lines of results (results.py): tables for people, and a plot."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from gtsrb.evaluation.intervals import track_bootstrap
from gtsrb.outputs import atomic_write


def summary(lines: pd.DataFrame, rows: list[str]) -> pd.DataFrame:
    """A line a row: runs, errors over all folds and accuracy in %, their range over the seeds, seconds; against the first row
    the difference in points, its interval and the verdict.

    Errors are averaged over the seeds of a fold, and summed over folds. The difference is taken on the folds and seeds that
    both rows have; its interval is that of a bootstrap over the signs of these folds, whatever the number of seeds.
    """
    table = []
    runs = {row: lines[lines["row"] == row].set_index(["fold", "seed"]) for row in rows}
    base = runs[rows[0]]
    for row, own in runs.items():
        if own.empty:
            continue
        images, errors = size(own, "images"), errors_by_track(own).sum()
        seeds = errors_by_seed(own) / images * 100
        line = {
            "row": row,
            "runs": len(own),
            "errors": errors,
            "images": images,
            "accuracy": 100 - errors / images * 100,
            "low": 100 - seeds.max(),
            "high": 100 - seeds.min(),
            "loss": own["val_loss"].mean(),
            "seconds": own["seconds"].mean(),
            "parameters": own["parameters"].iloc[0],
            "difference": np.nan,
            "from": np.nan,
            "to": np.nan,
            "verdict": "",
        }
        shared = own.index.intersection(base.index)
        if row != rows[0] and len(shared):
            own, other = own.loc[shared], base.loc[shared]
            images, tracks = size(own, "images"), size(own, "tracks")
            gained = errors_by_track(other).sub(errors_by_track(own), fill_value=0)
            low, high = track_bootstrap(np.pad(gained, (0, tracks - len(gained))))  # no errors in all the others
            line["difference"], line["from"], line["to"] = (100 / images * value for value in (gained.sum(), low, high))
            line["verdict"] = verdict(errors_by_seed(own), errors_by_seed(other), low, high)
        table.append(line)
    return pd.DataFrame(table)


def size(runs: pd.DataFrame, what: str) -> int:
    """Images or tracks of all folds of `runs`, each fold once."""
    return int(runs.groupby("fold")[what].first().sum())


def errors_by_track(runs: pd.DataFrame) -> pd.Series:
    """Errors by fold and track, averaged over the seeds of a fold; tracks without errors are absent."""
    found = runs["errors_by_track"].fillna("").str.extractall(r"(?P<track>\d+):(?P<errors>\d+)").astype(int)
    counts = found.set_index("track", append=True)["errors"].groupby(level=["fold", "track"]).sum()
    return counts / runs.groupby("fold").size().reindex(counts.index.get_level_values("fold")).to_numpy()


def errors_by_seed(runs: pd.DataFrame) -> pd.Series:
    """Errors over all folds of `runs`, of each seed that has them all."""
    errors = runs["errors_by_track"].fillna("").str.findall(r":(\d+)").map(lambda counts: sum(map(int, counts)))
    by_seed = errors.groupby("seed").agg(["sum", "size"])
    return by_seed.loc[by_seed["size"] == runs.index.get_level_values("fold").nunique(), "sum"]


def verdict(own: pd.Series, base: pd.Series, low: float, high: float) -> str:
    """Which side of `base` its interval and the errors of all its seeds lie on: gains, loses or, where neither, tie.

    The interval knows which signs were drawn and nothing of the seeds; these show that. One seed decides nothing: "".
    """
    if len(own) < 2:
        return ""
    if low > 0 and own.max() < base.min():
        return "gains"
    if high < 0 and own.min() > base.max():
        return "loses"
    return "tie"


def markdown(table: pd.DataFrame) -> str:
    """The table as it stands in docs/: accuracy in %, seconds of a run, the difference in points with its 95 % interval."""
    shown = pd.DataFrame(
        {
            "row": table["row"],
            "runs": table["runs"],
            "errors": [f"{errors:,.1f} of {images:,}" for errors, images in zip(table["errors"], table["images"], strict=True)],
            "accuracy, %": table["accuracy"].map("{:.2f}".format),
            "range": spans(table, "low", "high", "{:.2f} - {:.2f}"),
            "loss": table["loss"].map("{:.4f}".format),
            "seconds": table["seconds"].map("{:.0f}".format),
            "parameters": table["parameters"].map("{:,}".format),
            "difference, points": [
                f"{difference:+.2f} {span}".rstrip() if span else ""
                for difference, span in zip(
                    table["difference"], spans(table, "from", "to", "({:+.2f} to {:+.2f})"), strict=True
                )
            ],
            "verdict": table["verdict"],
        }
    )
    return shown.to_markdown(index=False, disable_numparse=True)


def spans(table: pd.DataFrame, low: str, high: str, form: str) -> list[str]:
    """Two columns in one text; empty where there is nothing."""
    return ["" if np.isnan(start) else form.format(start, end) for start, end in zip(table[low], table[high], strict=True)]


def repetitions(lines: pd.DataFrame) -> str:
    """Of runs that differ by their seed alone, on the test set: how many, mean and standard deviation, in Markdown."""
    accuracy, errors = lines["test_accuracy"] * 100, lines["test_errors"]
    line = {
        "row": lines["row"].iloc[0],
        "n": len(lines),
        "test accuracy, %: mean": f"{accuracy.mean():.3f}",
        "standard deviation, points": f"{accuracy.std():.3f}" if len(lines) > 1 else "",
        f"errors of {lines['test_images'].iloc[0]:,}: mean": f"{errors.mean():.1f}",
        "each": ", ".join(map(str, errors)),
    }
    return pd.DataFrame([line]).to_markdown(index=False, disable_numparse=True)


def draw(table: pd.DataFrame, path: Path) -> None:
    """A bar a row from the first row's accuracy to its own, a dot, and the range of its seeds as a line."""
    figure = Figure(figsize=(8, 0.32 * len(table) + 1.2), layout="constrained", dpi=110)
    axes = figure.subplots()
    axes.use_sticky_edges = False  # leaves a margin beside the first row's mean
    shown, base = table.iloc[::-1], table["accuracy"].iloc[0]
    better = shown["accuracy"] >= base
    axes.barh(shown["row"], shown["accuracy"] - base, left=base, height=0.6, color=np.where(better, "C0", "C1"))
    axes.plot(shown["accuracy"], shown["row"], "o", color="0.15", markersize=4)
    axes.hlines(shown["row"], shown["low"], shown["high"], color="0.15", linewidth=1.5)
    axes.axvline(base, color="0.4", linewidth=1)
    axes.set_xlabel("accuracy on validation tracks, %: mean, against the first row's, and range of the seeds")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    with atomic_write(path) as beside:
        figure.savefig(beside, format="png", metadata={"Software": None})
