"""Which training images validate. Random, as in the tutorial, or whole tracks: frames of one physical sign stay together."""

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from gtsrb.params import Validation


def split(labels: np.ndarray, tracks: np.ndarray, params: Validation) -> tuple[np.ndarray, np.ndarray]:
    """(n,) labels and track numbers -> sorted indices for training and for validation.

    `random` is scikit-learn's `train_test_split`; `tracks` is the first fold of its `StratifiedGroupKFold`.
    """
    if params.split == "random":
        parts = train_test_split(np.arange(len(labels)), test_size=params.fraction, random_state=params.seed)
    else:
        folds = StratifiedGroupKFold(round(1 / params.fraction), shuffle=True, random_state=params.seed)
        parts = next(folds.split(labels, labels, tracks))
    return np.sort(parts[0]), np.sort(parts[1])
