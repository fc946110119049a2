"""What a network says of signs whose class it has never seen:  python -m scripts.hold_out_classes

Reads   data/raw/classes.csv, and the arrays that the recipe `tiny` trains on
Writes  docs/held_out_classes.csv, one row per class, and prints the means

The classes are split at random into five groups; for each, a network is trained on four folds of the other classes' signs (and
on the recipe's places without a sign, some of which have a drawn sign of any class beside their box). As in the study
docs/without_sign.yaml it may mark 1 % of the fifth fold's images as unsure, and then names so many of the group's photographs
without a mark. The networks train side by side, and a killed run resumes after its last finished epochs.
"""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from gtsrb import command_line
from gtsrb.config import params
from gtsrb.config.train import TrackFold
from gtsrb.data import arrays
from gtsrb.data.arrays import Sources
from gtsrb.outputs import write_csv
from gtsrb.studies.training import answered
from gtsrb.training import checkpoints, loop
from gtsrb.training.split import split

RECIPE, GROUPS = "tiny", 5
FOLD = TrackFold(split="tracks", folds=5, fold=0, seed=0)
TABLE = Path("docs/held_out_classes.csv")


def main() -> None:
    recipe = params.load().train[RECIPE].model_copy(update={"validation": FOLD, "threads": 1})
    photographs, synthetic = loop.source_dirs(recipe)
    data, names = arrays.load(photographs), arrays.read_class_names()
    groups = np.array_split(np.random.default_rng(0).permutation(len(names)), GROUPS)
    rows = [choose_rows(data.labels, data.tracks, group) for group in groups]
    with checkpoints.checkpoint_dir(recipe, [photographs, synthetic]) as folder, loop.open_trainers(recipe, GROUPS) as workers:
        shared = loop.share_sources(Sources(photographs, synthetic), workers)
        calls = [
            partial(
                loop.train_member_on, recipe, 0, train, np.concatenate([known, unseen]),
                sources=shared, classes=len(names), folder=folder / f"without_group{number}", name=f"without group {number}",
            )
            for number, (train, known, unseen) in enumerate(rows)
        ]  # fmt: skip
        trained = dict(workers.run(calls))
        tables = [measure(data.labels, *rows[number][1:], trained[number].probabilities, names) for number in range(GROUPS)]
        table = pd.concat([table.assign(group=number) for number, table in enumerate(tables)]).sort_values("class_id")
        write_csv(TABLE, table.round(4))
    print(table.to_markdown(index=False, floatfmt=".4g"))
    of_photographs = np.average(table["answered"], weights=table["images"])
    of_classes = f"{table['answered'].mean():.2%} as a mean over classes"
    print(f"{of_photographs:.2%} of the photographs of unseen classes are named without a mark; {of_classes}")


def choose_rows(labels: np.ndarray, tracks: np.ndarray, held_out: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n,) labels and tracks -> rows to train on and to validate on, both of the other classes, and all rows of these."""
    is_held_out = np.isin(labels, held_out)
    others = np.flatnonzero(~is_held_out)
    train, known = split(labels[others], tracks[others], FOLD)
    return others[train], others[known], np.flatnonzero(is_held_out)


def measure(
    labels: np.ndarray, known: np.ndarray, unseen: np.ndarray, probabilities: np.ndarray, names: list[str]
) -> pd.DataFrame:
    """One row per unseen class, with its most frequent answer. `probabilities` are of the rows `known`, then of `unseen`."""
    confidences, predictions = probabilities.max(axis=1), probabilities.argmax(axis=1)
    with_class = confidences[: len(known)]
    rows = []
    for class_id in np.unique(labels[unseen]):
        of_class = len(known) + np.flatnonzero(labels[unseen] == class_id)
        is_known = np.repeat([1, 0], [len(known), len(of_class)])
        rows.append(
            {
                "class_id": class_id,
                "name": names[class_id],
                "images": len(of_class),
                "answered": answered(with_class, confidences[of_class]),
                "auroc": roc_auc_score(is_known, np.concatenate([with_class, confidences[of_class]])),
                "named": names[np.bincount(predictions[of_class]).argmax()],
            }
        )
    return pd.DataFrame(rows)


if __name__ == "__main__":
    command_line.run(main)
