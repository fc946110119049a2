"""Which training images validate. Random, as in the tutorial, or whole tracks: frames of one physical sign stay together."""

import warnings

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from gtsrb.errors import InputError
from gtsrb.recipes import Validation


def split(labels: np.ndarray, tracks: np.ndarray, params: Validation | None) -> tuple[np.ndarray, np.ndarray]:
    """(n,) labels and track numbers -> sorted indices for training and for validation.

    `random` is scikit-learn's `train_test_split`; `tracks` is the first fold of its `StratifiedGroupKFold`; without params
    all images train. Raises `InputError` if there is too little to split.
    """
    if params is None:
        return np.arange(len(labels)), np.arange(0)
    if params.split == "random":
        parts = train_test_split(np.arange(len(labels)), test_size=params.fraction, random_state=params.seed)
    else:
        parts = _by_tracks(labels, tracks, round(1 / params.fraction), params.seed)
    train, held_out = map(np.sort, parts)
    if lost := set(labels.tolist()) - set(labels[train].tolist()):
        raise InputError(
            f"validation takes all {(labels == min(lost)).sum()} training images of class {min(lost)}; "
            "add signs of it, take another validation.seed, or delete the validation block"
        )
    return train, held_out


def _by_tracks(labels: np.ndarray, tracks: np.ndarray, folds: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The least populated class")  # may be missing in validation, not in training
            return next(StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(labels, labels, tracks))
    except ValueError:
        raise InputError(
            f"validation: {len(np.unique(tracks))} signs with at most {np.bincount(labels).max()} images a class do not make "
            f"{folds} folds; add signs, or take a greater validation.fraction"
        ) from None
