"""Which mistakes are shown, and how."""

import numpy as np

from gtsrb.reporting import mistakes


def test_each_kind_of_mistake_by_its_most_confident_image():
    labels = np.array([0, 0, 1, 2, 0, 1])
    probabilities = np.array(
        [
            [0.9, 0.1, 0.0],  # right
            [0.3, 0.7, 0.0],  # 0 for 1
            [0.6, 0.4, 0.0],  # 1 for 0
            [0.0, 1.0, 0.0],  # 2 for 1
            [0.1, 0.9, 0.0],  # 0 for 1, surer
            [0.6, 0.4, 0.0],  # 1 for 0, as sure as the first
        ]
    )
    assert mistakes.most_confident_mistakes(labels, probabilities, 9) == [(3, 1), (4, 2), (2, 2)]
    assert mistakes.most_confident_mistakes(labels, probabilities, 1) == [(3, 1)]
    assert mistakes.most_confident_mistakes(labels[:1], probabilities[:1], 9) == []
