"""Which training images validate. Random, as in the tutorial, or whole tracks: frames of one physical sign stay together."""

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from gtsrb.recipes import Validation


def split(labels: np.ndarray, tracks: np.ndarray, params: Validation | None) -> tuple[np.ndarray, np.ndarray]:
    """(n,) labels and track numbers -> sorted indices for training and for validation.

    `random` is scikit-learn's `train_test_split`; `tracks` is the first fold of its `StratifiedGroupKFold`; without params
    all images train.
    """
    if params is None:
        return np.arange(len(labels)), np.arange(0)
    if params.split == "random":
        parts = train_test_split(np.arange(len(labels)), test_size=params.fraction, random_state=params.seed)
    else:
        folds = StratifiedGroupKFold(round(1 / params.fraction), shuffle=True, random_state=params.seed)
        parts = next(folds.split(labels, labels, tracks))
    return np.sort(parts[0]), np.sort(parts[1])
