"""Measures the out-of-fold predictions of one recipe and lists its errors by sign:  python -m stages.out_of_fold RECIPE

Reads   data/raw/{classes.csv,train.parquet}, data/crossvalidation/RECIPE/probabilities.npy
Writes  metrics/RECIPE/out_of_fold.json, of which stages/export.py reads the temperature and the thresholds
        metrics/RECIPE/hard_signs.csv  one row per physical sign with errors, the hardest first

It is apart from stages/crossvalidate.py so that an edit of a metric, or of the rule for a threshold, trains nothing.
"""

from pathlib import Path

import numpy as np

from gtsrb.command_line import argument, run_stage
from gtsrb.config.load import load_section, section_names
from gtsrb.config.out_of_fold import OutOfFold
from gtsrb.data import arrays, tables
from gtsrb.errors import find_output
from gtsrb.evaluation.out_of_fold import out_of_fold_metrics, sign_metrics
from gtsrb.outputs import write_csv, write_json


def main() -> str:
    name = argument("recipe", section_names("crossvalidate"))
    params = load_section(OutOfFold, "out_of_fold")
    rows = tables.read(Path("data/raw/train.parquet"), ["class_id", "track"])
    labels, tracks = rows["class_id"].to_numpy(np.int64), rows["track"].to_numpy()
    probabilities = np.load(find_output(Path(f"data/crossvalidation/{name}/probabilities.npy"), f"crossvalidate@{name}"))
    signs = sign_metrics(labels, tracks, probabilities, arrays.read_class_names())
    metrics = out_of_fold_metrics(labels, tracks, probabilities, signs, params)
    write_json(Path(f"metrics/{name}/out_of_fold.json"), metrics)
    write_csv(Path(f"metrics/{name}/hard_signs.csv"), signs[signs["errors"] > 0])
    interval = f"95 % interval {metrics['accuracy_low']:.2%} to {metrics['accuracy_high']:.2%}"
    errors = f"{metrics['errors']} errors on {metrics['tracks_with_errors']} of {metrics['tracks']:,} signs"
    return f"{metrics['accuracy']:.2%} ({interval}), {errors}; unsure below {metrics['unsure_below']:.3f}"


if __name__ == "__main__":
    run_stage(main)
