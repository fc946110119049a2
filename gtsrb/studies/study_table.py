"""Summarizes the results of a study (results.py) by row, as tables in Markdown and as a plot."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from gtsrb.evaluation.intervals import track_bootstrap
from gtsrb.reporting.plots import write_png


def summarize(lines: pd.DataFrame, rows: list[str]) -> pd.DataFrame:
    """One line per row: runs, errors over all folds, accuracy in % and its range over the seeds, mean seconds; and against the
    first row the difference in points, its 95 % interval and the verdict.

    Errors are averaged over the seeds of a fold and summed over folds. The difference is taken over the folds and seeds that
    both rows have; its interval is that of a bootstrap over the tracks of these folds, whatever the number of seeds.
    """
    table = []
    runs_by_row = {row: lines[lines["row"] == row].set_index(["fold", "seed"]) for row in rows}
    base = runs_by_row[rows[0]]
    for row, runs in runs_by_row.items():
        if runs.empty:
            continue
        images, errors = count(runs, "images"), errors_by_track(runs).sum()
        error_rates = errors_by_seed(runs) / images * 100
        line = {
            "row": row,
            "runs": len(runs),
            "errors": errors,
            "images": images,
            "accuracy": 100 - errors / images * 100,
            "low": 100 - error_rates.max(),
            "high": 100 - error_rates.min(),
            "loss": runs["val_loss"].mean(),
            "answered": runs["answered"].mean() if "answered" in runs else np.nan,
            "as_files": count_as_files(runs),
            "seconds": runs["seconds"].mean(),
            "parameters": runs["parameters"].iloc[0],
            "difference": np.nan,
            "from": np.nan,
            "to": np.nan,
            "verdict": "",
        }
        shared = runs.index.intersection(base.index)
        if row != rows[0] and len(shared):
            shared_runs, shared_base = runs.loc[shared], base.loc[shared]
            images, tracks = count(shared_runs, "images"), count(shared_runs, "tracks")
            gained = errors_by_track(shared_base).sub(errors_by_track(shared_runs), fill_value=0)
            low, high = track_bootstrap(np.pad(gained, (0, tracks - len(gained))))  # the other tracks have no errors
            line["difference"], line["from"], line["to"] = (100 / images * value for value in (gained.sum(), low, high))
            line["verdict"] = judge(errors_by_seed(shared_runs), errors_by_seed(shared_base), low, high)
        table.append(line)
    return pd.DataFrame(table)


def count(runs: pd.DataFrame, column: str) -> int:
    """Number of images or tracks in all folds of `runs`, each fold counted once."""
    return int(runs.groupby("fold")[column].first().sum())


def count_as_files(runs: pd.DataFrame) -> float:
    """Errors without boxes in all folds, averaged over the seeds of a fold; NaN unless all folds have them."""
    if "errors_as_files" not in runs:
        return np.nan
    return runs["errors_as_files"].groupby("fold").mean().sum(skipna=False)


def errors_by_track(runs: pd.DataFrame) -> pd.Series:
    """Errors by fold and track, averaged over the seeds of a fold; tracks without errors are absent."""
    pairs = runs["errors_by_track"].fillna("").str.extractall(r"(?P<track>\d+):(?P<errors>\d+)").astype(int)
    counts = pairs.set_index("track", append=True)["errors"].groupby(level=["fold", "track"]).sum()
    return counts / runs.groupby("fold").size().reindex(counts.index.get_level_values("fold")).to_numpy()


def errors_by_seed(runs: pd.DataFrame) -> pd.Series:
    """Errors over all folds of `runs`, for each seed that has all of them."""
    errors = runs["errors_by_track"].fillna("").str.findall(r":(\d+)").map(lambda counts: sum(map(int, counts)))
    by_seed = errors.groupby("seed").agg(["sum", "size"])
    return by_seed.loc[by_seed["size"] == runs.index.get_level_values("fold").nunique(), "sum"]


def judge(errors: pd.Series, base_errors: pd.Series, low: float, high: float) -> str:
    """gains or loses, if both the interval and the errors of all seeds agree on it; otherwise tie; empty for a single seed.

    `errors` are by seed, `low` and `high` the interval of the errors gained. The interval covers the choice of signs but not
    that of seeds, so that the seeds are compared as well.
    """
    if len(errors) < 2:
        return ""
    if low > 0 and errors.max() < base_errors.min():
        return "gains"
    if high < 0 and errors.min() > base_errors.max():
        return "loses"
    return "tie"


def format_summary(table: pd.DataFrame) -> str:
    """The table of `summarize` in Markdown, as docs/ shows it: accuracy in %, seconds per run, differences in points; errors on
    the validation images without their boxes; and of pictures without a sign, the share that a network answers without a
    mark if it marks 1 % of the validation images. Columns that no line has are left out.
    """
    formatted = pd.DataFrame(
        {
            "row": table["row"],
            "runs": table["runs"],
            "errors": [f"{errors:,.1f} of {images:,}" for errors, images in zip(table["errors"], table["images"], strict=True)],
            "accuracy, %": table["accuracy"].map("{:.2f}".format),
            "range": format_intervals(table, "low", "high", "{:.2f} - {:.2f}"),
            "loss": table["loss"].map("{:.4f}".format),
            "errors without boxes": [f"{errors:,.1f}" if errors >= 0 else "" for errors in table["as_files"]],
            "without a sign, %": [f"{100 * share:.2f}" if share >= 0 else "" for share in table["answered"]],
            "seconds": table["seconds"].map("{:.0f}".format),
            "parameters": table["parameters"].map("{:,}".format),
            "difference, points": [
                f"{difference:+.2f} {interval}".rstrip() if interval else ""
                for difference, interval in zip(
                    table["difference"], format_intervals(table, "from", "to", "({:+.2f} to {:+.2f})"), strict=True
                )
            ],
            "verdict": table["verdict"],
        }
    )
    optional = {"as_files": "errors without boxes", "answered": "without a sign, %"}
    formatted = formatted.drop(columns=[title for column, title in optional.items() if table[column].isna().all()])
    return formatted.to_markdown(index=False, disable_numparse=True)


def format_intervals(table: pd.DataFrame, low: str, high: str, template: str) -> list[str]:
    """Two columns as one text per row; empty for NaN."""
    return ["" if np.isnan(start) else template.format(start, end) for start, end in zip(table[low], table[high], strict=True)]


def format_repetitions(lines: pd.DataFrame) -> str:
    """Number, mean and standard deviation of runs that differ only by their seed, on the test set, in Markdown."""
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


def plot(table: pd.DataFrame, path: Path) -> None:
    """Writes the table of `summarize` as a PNG: a bar per row, its difference from the first, with its interval."""
    figure = Figure(figsize=(8, 0.25 * len(table) + 0.9), layout="constrained", dpi=110)
    axes = figure.subplots()
    bottom_up = table.iloc[::-1].fillna({"difference": 0, "from": 0, "to": 0})
    colors = np.select([bottom_up["from"] > 0, bottom_up["to"] < 0], ["C0", "C1"], "0.75")
    axes.barh(bottom_up["row"], bottom_up["difference"], height=0.6, color=colors)
    axes.hlines(bottom_up["row"], bottom_up["from"], bottom_up["to"], color="0.15", linewidth=1.2)
    axes.axvline(0, color="0.4", linewidth=1)
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.set_xlabel(
        f"accuracy on validation tracks, points more than {table['row'].iloc[0]}\n"
        "line: 95 % interval over signs; coloured: excludes 0"
    )
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    write_png(path, figure)
