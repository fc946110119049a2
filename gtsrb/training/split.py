"""The validation split: random images, as in the tutorial, or whole tracks, so that frames of one sign stay on one side."""

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from gtsrb.config.train import AllPhotographs, RandomSplit, TrackFold, Validation
from gtsrb.errors import InputError


def split(labels: np.ndarray, tracks: np.ndarray, params: Validation | None) -> tuple[np.ndarray, np.ndarray]:
    """(n,) labels and track numbers -> sorted rows for training and for validation; without params all rows train, and with
    `all` none does.

    `random` is scikit-learn's `train_test_split`, `tracks` one fold of its `StratifiedGroupKFold`: the folds of one seed
    partition the images. Raises `InputError` if there are too few images to split.
    """
    if params is None:
        return np.arange(len(labels)), np.arange(0)
    if isinstance(params, AllPhotographs):
        return np.arange(0), np.arange(len(labels))
    if isinstance(params, RandomSplit):
        sides = train_test_split(np.arange(len(labels)), test_size=params.fraction, random_state=params.seed)
    else:
        sides = _split_by_track(labels, tracks, params)
    train, validation = map(np.sort, sides)
    if missing := set(labels.tolist()) - set(labels[train].tolist()):
        raise InputError(
            f"validation takes all {(labels == min(missing)).sum()} training images of class {min(missing)}; "
            "add signs of this class, choose another seed or fold, or delete the validation block"
        )
    return train, validation


def split_into_folds(
    labels: np.ndarray, tracks: np.ndarray, folds: Sequence[Validation | None]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """`split` for each of `folds`, all those of one split by tracks. Raises `InputError`, also for a class of one sign."""
    signs = pd.DataFrame({"class_id": labels, "track": tracks}).groupby("class_id")["track"].nunique()
    if single := signs.index[signs < 2].tolist():
        raise InputError(
            f"crossvalidate: class {single[0]} has a single training sign, which cannot be held out and trained on; "
            "add signs of this class"
        )
    return [split(labels, tracks, fold) for fold in folds]


def _split_by_track(labels: np.ndarray, tracks: np.ndarray, params: TrackFold) -> tuple[np.ndarray, np.ndarray]:
    """Stratified by class as far as whole tracks allow; a fold may lack a class of few signs."""
    splitter = StratifiedGroupKFold(params.folds, shuffle=True, random_state=params.seed)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The least populated class")  # validation may lack a class, training may not
            folds = list(splitter.split(labels, labels, tracks))
    except ValueError:  # every class has fewer images than there are folds
        folds = []
    if not folds or min(len(validation) for _, validation in folds) == 0:
        raise InputError(
            f"validation: {len(np.unique(tracks))} signs with at most {np.bincount(labels).max()} images per class are too few "
            f"for {params.folds} folds; add signs, or set fewer folds"
        )
    return folds[params.fold]
