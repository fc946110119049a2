"""What the rows of a study gain in rare classes and in frequent ones:  python -m scripts.compare_by_class_size STUDY.yaml

Reads   STUDY.csv, the study's lines of results, and data/raw/train.parquet, for the class of each sign
Prints  a table of errors in % of the images, and of the gain over the first row with its 95 % interval over signs in points,
        by the number of training images that a class has
"""

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from gtsrb import command_line
from gtsrb.config.train import TrackFold
from gtsrb.data import tables
from gtsrb.errors import InputError
from gtsrb.evaluation.intervals import track_bootstrap
from gtsrb.studies import results, study
from gtsrb.studies.study_table import errors_by_track

RAW = Path("data/raw/train.parquet")
EDGES = [0, 300, 900, 1500, np.inf]  # images of a class


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.compare_by_class_size", description="A study by size of class.")
    parser.add_argument("study", type=Path, help="a study's YAML file; its results are beside it")
    path = parser.parse_args().study
    content = study.read(path)
    runs = study.list_runs(content, Path("params.yaml").read_text())
    lines = results.select_newest(results.select_current(results.read_lines(path.with_suffix(".csv")), runs))
    validation = runs[0].recipe.validation
    if content.test or not isinstance(validation, TrackFold) or len(content.folds) < validation.folds:
        raise InputError(f"{path}: expected a study of all folds, so that each row and seed counts every sign")
    missing = results.find_missing(lines, runs, lines["code"].iloc[-1]) if len(lines) else runs
    if missing:
        raise InputError(f"{path.with_suffix('.csv')}: no line of {missing[0].name}; run python -m scripts.study {path} first")
    print(
        compare(lines, list(content.rows), *tables.read_labels_and_tracks(RAW)).to_markdown(index=False, disable_numparse=True)
    )


def compare(lines: pd.DataFrame, rows: list[str], labels: np.ndarray, tracks: np.ndarray) -> pd.DataFrame:
    """One line per row of the study, one column per bin of classes. `labels` and `tracks`: (n,), of all training images."""
    class_sizes = pd.cut(np.bincount(labels), EDGES, labels=bins())
    size_of_track = pd.Series(class_sizes[labels]).groupby(tracks).first()
    images = pd.Series(class_sizes[labels]).value_counts()
    errors = {row: errors_of(lines[lines["row"] == row]).reindex(size_of_track.index, fill_value=0.0) for row in rows}
    table = []
    for row in rows:
        line = {"row": row}
        for size, of_size in size_of_track.groupby(size_of_track, observed=True):
            gained = (errors[rows[0]] - errors[row])[of_size.index]
            low, high = track_bootstrap(gained.to_numpy())
            rate, gain, low, high = (
                100 / images[size] * x for x in (errors[row][of_size.index].sum(), gained.sum(), low, high)
            )
            line[size] = f"{rate:.2f}" if row == rows[0] else f"{rate:.2f}, {gain:+.2f} ({low:+.2f} to {high:+.2f})"
        table.append(line)
    return pd.DataFrame(table)


def errors_of(lines: pd.DataFrame) -> pd.Series:
    """Errors by track over all folds, averaged over seeds."""
    return errors_by_track(lines.set_index(["fold", "seed"])).groupby(level="track").sum()


def bins() -> list[str]:
    """What the bins between `EDGES` are called."""
    ranges = [f"{low + 1:,} to {high:,}" for low, high in pairwise(EDGES[:-1])]
    return [f"{images} images" for images in [*ranges, f"{EDGES[-2] + 1:,} or more"]]


if __name__ == "__main__":
    command_line.run(main)
