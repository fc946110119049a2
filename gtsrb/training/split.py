"""Which training images validate. Random, as in the tutorial, or whole tracks: frames of one physical sign stay together."""

import warnings

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from gtsrb.config.train import RandomSplit, TrackFold, Validation
from gtsrb.errors import InputError


def split(labels: np.ndarray, tracks: np.ndarray, params: Validation | None) -> tuple[np.ndarray, np.ndarray]:
    """(n,) labels and track numbers -> sorted indices for training and for validation; without params all images train.

    `random` is scikit-learn's `train_test_split`, `tracks` one fold of its `StratifiedGroupKFold`: those of one seed are
    disjoint and together hold every image. Raises `InputError` if there is too little to split.
    """
    if params is None:
        return np.arange(len(labels)), np.arange(0)
    if isinstance(params, RandomSplit):
        parts = train_test_split(np.arange(len(labels)), test_size=params.fraction, random_state=params.seed)
    else:
        parts = _fold(labels, tracks, params)
    train, held_out = map(np.sort, parts)
    if lost := set(labels.tolist()) - set(labels[train].tolist()):
        raise InputError(
            f"validation takes all {(labels == min(lost)).sum()} training images of class {min(lost)}; "
            "add signs of it, take another seed or fold, or delete the validation block"
        )
    return train, held_out


def _fold(labels: np.ndarray, tracks: np.ndarray, params: TrackFold) -> tuple[np.ndarray, np.ndarray]:
    """Every fold has its share of every class, as far as whole tracks allow; a class of few signs may be missing."""
    folds = StratifiedGroupKFold(params.folds, shuffle=True, random_state=params.seed)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The least populated class")  # may be missing in validation, not in training
            parts = list(folds.split(labels, labels, tracks))
    except ValueError:  # of every class there are fewer images than folds
        parts = []
    if not parts or min(len(held_out) for _, held_out in parts) == 0:
        raise InputError(
            f"validation: {len(np.unique(tracks))} signs with at most {np.bincount(labels).max()} images a class do not make "
            f"{params.folds} folds; add signs, or take fewer folds"
        )
    return parts[params.fold]
