"""Which misclassified images are shown, and in which order."""

import numpy as np

from gtsrb.reporting.mistakes import most_confident_mistakes


def test_each_kind_of_mistake_is_shown_by_its_most_confident_image():
    labels = np.array([0, 0, 1, 2, 0, 1])
    probabilities = np.array(
        [
            [0.9, 0.1, 0.0],  # correct
            [0.3, 0.7, 0.0],  # 0 predicted as 1
            [0.6, 0.4, 0.0],  # 1 predicted as 0
            [0.0, 1.0, 0.0],  # 2 predicted as 1
            [0.1, 0.9, 0.0],  # 0 predicted as 1, more confident
            [0.6, 0.4, 0.0],  # 1 predicted as 0, as confident as the first
        ]
    )
    assert most_confident_mistakes(labels, probabilities, 9) == [(3, 1), (4, 2), (2, 2)]
    assert most_confident_mistakes(labels, probabilities, 1) == [(3, 1)]
    assert most_confident_mistakes(labels[:1], probabilities[:1], 9) == []
