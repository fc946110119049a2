"""Compares drawn signs with photographs, class by class:  python -m scripts.compare_synthetic

Reads   data/validation/synthetic/      what a network that was trained on drawings alone names the training photographs
        pretrained/augmented.onnx       a network that was trained on photographs alone, to name new drawings
        data/raw/train.parquet, data/raw/classes.csv, data/processed/VARIANT/train/
Writes  docs/synthetic_classes.csv, docs/synthetic_classes.png, and prints the means

The first figure chooses; the second finds faulty faces. The third, `auroc`, is that of a network like that of `synthetic` which
tells new drawings from photographs: 0.5 if it cannot, 1 if it always can. It is trained without augmentation on four folds of
the signs and an equal number of drawings, and measured on the fifth.
"""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.metrics import roc_auc_score

from gtsrb import command_line, parallel
from gtsrb.config import params
from gtsrb.config.camera import Camera
from gtsrb.config.train import Recipe, TrackFold
from gtsrb.data import arrays
from gtsrb.data.arrays import Arrays
from gtsrb.errors import InputError, find_output
from gtsrb.outputs import write_csv
from gtsrb.preprocessing.preprocess import preprocess_rows
from gtsrb.reporting.plots import write_png
from gtsrb.serving import predictor
from gtsrb.serving.parity import Row, predict_rows
from gtsrb.synthetic.render import TEST, render_signs
from gtsrb.training import loop
from gtsrb.training.batches import Examples
from gtsrb.training.split import split

RECIPE = "synthetic"
READER = "augmented"  # the published model that names drawings: the most accurate that has seen none
SEED = 1000  # of drawings that no recipe has
DRAWINGS = 200  # of each class
TABLE, PLOT = Path("docs/synthetic_classes.csv"), Path("docs/synthetic_classes.png")


def main() -> None:
    content = params.load()
    recipe, names = content.train[RECIPE], arrays.read_class_names()
    photographs = arrays.load(loop.source_dirs(recipe)[0])
    rows = draw(content.camera, len(names))
    variant = content.preprocess[recipe.images]
    with parallel.open_workers(len(rows)) as workers:
        model = workers.share(Path.read_bytes, predictor.find(READER))
        probabilities = np.concatenate([*workers.map(partial(predict_rows, part, model, boxes=True) for part in rows)])
        drawings = np.concatenate([*workers.map(partial(preprocess_rows, part, variant) for part in rows)])
    table = pd.DataFrame({"class_id": range(len(names)), "name": names})
    hits = read_hits(photographs.labels)
    table["photographs"] = mean_per_class(hits, photographs.labels)
    labels = np.repeat(table["class_id"].to_numpy(), DRAWINGS)
    table["drawings"] = mean_per_class(probabilities.argmax(axis=1) == labels, labels)
    table["auroc"] = tell_apart(recipe, photographs, drawings, labels)
    write_csv(TABLE, table.round(4))
    plot(table)
    print(f"{hits.mean():.2%} of the photographs by {RECIPE}, {table['drawings'].mean():.2%} of the drawings by {READER}")
    print(table.sort_values("photographs").to_markdown(index=False, floatfmt=".3f"))


def read_hits(labels: np.ndarray) -> np.ndarray:
    """(photographs,) whether the network that was trained on drawings names each. Raises `InputError`."""
    folder = find_output(Path(f"data/validation/{RECIPE}"), f"train@{RECIPE}")
    rows, probabilities = np.load(folder / "rows.npy"), np.load(folder / "probabilities.npy")
    if len(rows) != len(labels):
        raise InputError(f"{folder} has {len(rows)} of {len(labels)} photographs; set train.{RECIPE}.validation to split: all")
    return probabilities.argmax(axis=1) == labels


def mean_per_class(values: np.ndarray, labels: np.ndarray) -> pd.Series:
    return pd.Series(values).groupby(labels).mean()


def draw(camera: Camera, classes: int) -> list[list[Row]]:
    """`DRAWINGS` drawings of each class with their boxes, each of another sign."""
    signs = [[(class_id, track) for track in range(DRAWINGS)] for class_id in range(classes)]
    with parallel.open_workers(classes) as workers:
        drawn = workers.map(partial(render_signs, SEED, TEST, of_class, 1, camera) for of_class in signs)
        return [[(row[-1], *row[6:10]) for (row,) in of_class] for of_class in drawn]


def tell_apart(recipe: Recipe, photographs: Arrays, drawings: np.ndarray, labels: np.ndarray) -> pd.Series:
    """The area under the ROC curve by class; `labels` are those of the drawings."""
    rows = sample_rows(photographs.labels, DRAWINGS)
    tracks = np.concatenate([photographs.tracks[rows], photographs.tracks.max() + 1 + np.arange(len(labels))])
    images, classes = np.concatenate([photographs.images[rows], drawings]), np.concatenate([photographs.labels[rows], labels])
    is_drawn = np.repeat([0, 1], [len(rows), len(labels)])
    train, test = split(classes, tracks, TrackFold(split="tracks", folds=5, fold=0, seed=0))
    without = {"augmentation": None, "validation": None, "epochs": 3, "label_smoothing": 0.0, "seed": 0}
    recipe = recipe.model_copy(update=without)
    machine = loop.set_up_device(recipe)
    with TemporaryDirectory() as folder:
        member = loop.train_member(
            recipe, 0,
            train=Examples(images[train], is_drawn[train], 2),
            validation=Examples(images[test], is_drawn[test], 2),
            machine=machine,
            folder=Path(folder),
        )  # fmt: skip
    scores = pd.DataFrame({"class_id": classes[test], "is_drawn": is_drawn[test], "score": member.probabilities[:, 1]})
    print(f"AUROC of drawings against photographs {roc_auc_score(scores['is_drawn'], scores['score']):.4f}")
    return pd.Series({name: roc_auc_score(group["is_drawn"], group["score"]) for name, group in scores.groupby("class_id")})


def sample_rows(labels: np.ndarray, n: int) -> np.ndarray:
    """At most `n` rows of each class, in their order."""
    rng = np.random.default_rng(0)
    return np.sort(np.concatenate([rng.permutation(np.flatnonzero(labels == label))[:n] for label in np.unique(labels)]))


def plot(table: pd.DataFrame) -> None:
    figure = Figure(figsize=(8, 9), layout="constrained", dpi=110)
    axes = figure.subplots()
    table = table.sort_values("photographs", ignore_index=True)
    axes.hlines(table.index, table[["photographs", "drawings"]].min(axis=1) * 100, 100, color="0.9", linewidth=1)
    axes.plot(
        table["photographs"] * 100, table.index, "o", markersize=5, label="photographs, by a network trained on drawings alone"
    )
    axes.plot(
        table["drawings"] * 100, table.index, "x", markersize=5, label="drawings, by a network trained on photographs alone"
    )
    axes.set_yticks(table.index, table["name"], size=8)
    axes.set_xlabel("named rightly, %")
    axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1), ncols=2, fontsize=8, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    write_png(PLOT, figure)


if __name__ == "__main__":
    command_line.run(main)
