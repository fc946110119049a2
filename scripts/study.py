"""Trains the rows of a study and says what each is worth:  python -m scripts.study docs/ideas.yaml

A study is a YAML file: a `recipe`, overrides in `common` and in each of `rows` as `dvc exp run -S` takes them, the `folds` of
the split by tracks and the `seeds`. Each row, fold and seed is one experiment, `dvc exp run --temp -S ... train@RECIPE`: it
trains and validates, no test figure is computed. Its results are a line of the .csv beside the study; what has its line is not
run again.

`--report` runs nothing. Either way the table is printed, in Markdown, and drawn into the .png beside the study.
"""

import argparse
import io
import json
import subprocess
import sys
from pathlib import Path

import dvc.api
import numpy as np
import pandas as pd
import yaml
from matplotlib.figure import Figure

from gtsrb import arrays, params
from gtsrb.errors import InputError, run
from gtsrb.metrics import track_bootstrap
from gtsrb.outputs import whole

KEYS = {"recipe", "common", "folds", "seeds", "rows"}
RUN = ["row", "fold", "seed"]
LIST = [sys.executable, "-m", "dvc", "exp", "list", "--name-only"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.study", description="Trains the rows of a study.")
    parser.add_argument("study", type=Path, help="a YAML file, such as docs/ideas.yaml")
    parser.add_argument("--report", action="store_true", help="run nothing, print and draw what there is")
    arguments = parser.parse_args()
    study = read(arguments.study)
    results = arguments.study.with_suffix(".csv")
    if not arguments.report:
        for row, fold, seed in missing(study, results):
            line = pd.DataFrame([run_experiment(study, row, fold, seed)])
            line.to_csv(results, mode="a", header=not results.exists(), index=False)
    table = summary(pd.read_csv(results), list(study["rows"]))
    print(markdown(table))
    draw(table, arguments.study.with_suffix(".png"))


def read(path: Path) -> dict:
    """The study in `path`. Raises `InputError`."""
    try:
        study = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}") from None
    if not isinstance(study, dict) or study.keys() != KEYS:
        raise InputError(f"{path}: expected the keys {', '.join(sorted(KEYS))}; docs/ideas.yaml shows how")
    return study


def missing(study: dict, results: Path) -> list[tuple[str, int, int]]:
    """What `results` does not have yet, all rows of one seed before the next, so that rows can be compared early."""
    done = set(pd.read_csv(results)[RUN].itertuples(index=False, name=None)) if results.exists() else set()
    runs = [(row, fold, seed) for seed in study["seeds"] for fold in study["folds"] for row in study["rows"]]
    return [run for run in runs if run not in done]


def run_experiment(study: dict, row: str, fold: int, seed: int) -> dict:
    """Trains `row` as a DVC experiment and returns its line of results. Raises `InputError`."""
    recipe, name = study["recipe"], f"{row}-fold{fold}-seed{seed}".replace("_", "-")
    overrides = [*study["common"], f"train.{recipe}.validation.seed={fold}", f"train.{recipe}.seed={seed}", *study["rows"][row]]
    settings = [part for override in overrides for part in ("-S", override)]
    own = [path for path in Path("data/own").glob("*") if path.name != "README.md"]  # not in Git, so not in the copy
    copied = [part for path in own for part in ("--copy-paths", str(path))]
    command = ["dvc", "exp", "run", "--temp", "--name", name, *copied, *settings, f"train@{recipe}"]
    print(f"\n{' '.join(command)}", flush=True)
    if name in subprocess.run(LIST, capture_output=True, text=True, check=True).stdout.split():  # from an earlier study
        subprocess.run([sys.executable, "-m", "dvc", "exp", "remove", name], check=True)
    if subprocess.run([sys.executable, "-m", *command], check=False).returncode != 0:
        raise InputError(f"experiment {name} failed; its output stands above")

    figures = json.loads(dvc.api.read(f"metrics/{recipe}/training.json", rev=name))
    rows, probabilities = (
        np.load(io.BytesIO(dvc.api.read(f"data/validation/{recipe}/{what}.npy", rev=name, mode="rb")))
        for what in ("rows", "probabilities")
    )
    data = arrays.load(Path(f"data/processed/{params.load().train[recipe].images}/train"))  # labels are those of all variants
    wrong = pd.Series(probabilities.argmax(axis=1) != data.labels[rows]).groupby(data.tracks[rows]).sum()
    return {
        "row": row,
        "fold": fold,
        "seed": seed,
        "val_accuracy": figures["val_accuracy"],
        "val_loss": figures["val_loss"],
        "seconds": figures["seconds"],
        "parameters": figures["parameters"],
        "images": len(rows),
        "tracks": len(wrong),
        "errors_by_track": " ".join(f"{track}:{errors}" for track, errors in wrong[wrong > 0].items()),
    }


def summary(runs: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """A line a row: runs, mean and range of accuracy in %, seconds; difference to the first row, its interval and the verdict.

    The difference is taken on the folds and seeds that both rows have; the interval is that of a bootstrap over their tracks.
    """
    lines = []
    base = runs[runs["row"] == names[0]].set_index(["fold", "seed"])
    for name in names:
        own = runs[runs["row"] == name].set_index(["fold", "seed"])
        if own.empty:
            continue
        line = {
            "row": name,
            "runs": len(own),
            "accuracy": own["val_accuracy"].mean() * 100,
            "low": own["val_accuracy"].min() * 100,
            "high": own["val_accuracy"].max() * 100,
            "loss": own["val_loss"].mean(),
            "seconds": own["seconds"].mean(),
            "parameters": own["parameters"].iloc[0],
            "difference": np.nan,
            "from": np.nan,
            "to": np.nan,
            "verdict": "",
        }
        shared = own.index.intersection(base.index)
        if name != names[0] and len(shared):
            gained = errors_by_track(base.loc[shared]).sub(errors_by_track(own.loc[shared]), fill_value=0)
            images, tracks = own.loc[shared].groupby("fold")[["images", "tracks"]].first().sum()
            line["difference"] = gained.sum() / images * 100
            low, high = track_bootstrap(np.pad(gained, (0, tracks - len(gained))))  # no errors in all the others
            line["from"], line["to"] = low / images * 100, high / images * 100
            line["verdict"] = verdict(own.loc[shared], base.loc[shared], low, high)
        lines.append(line)
    return pd.DataFrame(lines)


def verdict(own: pd.DataFrame, base: pd.DataFrame, low: float, high: float) -> str:
    """Which side of `base` its interval and, in every fold, all the runs of `own` lie on: gains, loses or, where neither, tie.

    The interval knows which tracks were drawn and nothing of the seeds; the runs show those. One run decides nothing: "".
    """
    if len(own) == 1:
        return ""
    own_folds, base_folds = (runs["val_accuracy"].groupby("fold") for runs in (own, base))
    if low > 0 and (own_folds.min() > base_folds.max()).all():
        return "gains"
    if high < 0 and (own_folds.max() < base_folds.min()).all():
        return "loses"
    return "tie"


def markdown(table: pd.DataFrame) -> str:
    """The table as it stands in docs/: accuracy in %, seconds of a run, the difference in points with its 95 % interval."""
    shown = pd.DataFrame(
        {
            "row": table["row"],
            "runs": table["runs"],
            "accuracy, %": table["accuracy"].map("{:.2f}".format),
            "range": table["low"].map("{:.2f}".format) + " - " + table["high"].map("{:.2f}".format),
            "loss": table["loss"].map("{:.4f}".format),
            "seconds": table["seconds"].map("{:.0f}".format),
            "parameters": table["parameters"].map("{:,}".format),
            "difference, points": [
                f"{difference:+.2f} ({low:+.2f} to {high:+.2f})" if not np.isnan(difference) else ""
                for difference, low, high in table[["difference", "from", "to"]].to_numpy()
            ],
            "verdict": table["verdict"],
        }
    )
    return shown.to_markdown(index=False, disable_numparse=True)


def errors_by_track(runs: pd.DataFrame) -> pd.Series:
    """Errors by fold and track, averaged over the seeds of a fold; tracks without errors are absent."""
    found = runs["errors_by_track"].fillna("").str.extractall(r"(?P<track>\d+):(?P<errors>\d+)").astype(int)
    counts = found.set_index("track", append=True)["errors"].groupby(level=["fold", "track"]).sum()
    return counts / runs.groupby("fold").size().reindex(counts.index.get_level_values("fold")).to_numpy()


def draw(table: pd.DataFrame, path: Path) -> None:
    """A bar a row from the first row's mean accuracy to its own, a dot, and the range of its runs as a line."""
    figure = Figure(figsize=(8, 0.32 * len(table) + 1.2), layout="constrained", dpi=110)
    axes = figure.subplots()
    axes.use_sticky_edges = False  # leaves a margin beside the first row's mean
    shown, base = table.iloc[::-1], table["accuracy"].iloc[0]
    better = shown["accuracy"] >= base
    axes.barh(shown["row"], shown["accuracy"] - base, left=base, height=0.6, color=np.where(better, "C0", "C1"))
    axes.plot(shown["accuracy"], shown["row"], "o", color="0.15", markersize=4)
    axes.hlines(shown["row"], shown["low"], shown["high"], color="0.15", linewidth=1.5)
    axes.axvline(base, color="0.4", linewidth=1)
    axes.set_xlabel("accuracy on validation tracks, %: mean, against the first row's, and range of the runs")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    with whole(path) as beside:
        figure.savefig(beside, format="png", metadata={"Software": None})


if __name__ == "__main__":
    run(main)
