"""A study's rows in rare classes and in frequent ones."""

import numpy as np
import pandas as pd

from scripts import compare_by_class_size


def test_gains_are_those_of_the_classes_of_a_bin():
    """A rare class of two signs and a frequent one of four, in two folds; the second row mends two errors of the rare one."""
    labels = np.repeat([0, 1], [20, 2000])
    tracks = np.concatenate([np.repeat([0, 1], 10), 2 + np.repeat([0, 1, 2, 3], 500)])
    lines = pd.DataFrame(
        [
            ("plain", 0, 0, "0:2 2:10"),
            ("plain", 1, 0, "1:2"),
            ("mended", 0, 0, "2:10"),
            ("mended", 1, 0, "1:2"),
            ("mended", 1, 1, np.nan),  # another seed, without an error: the mean of both counts
        ],
        columns=["row", "fold", "seed", "errors_by_track"],
    )
    table = compare_by_class_size.compare(lines, ["plain", "mended"], labels, tracks).set_index("row")
    assert list(table.columns) == ["1 to 300 images", "1,501 or more images"]
    assert table.loc["plain"].tolist() == ["20.00", "0.50"]
    assert table.loc["mended", "1 to 300 images"].startswith("5.00, +15.00 (+10.00 to +20.00)")
    assert table.loc["mended", "1,501 or more images"] == "0.50, +0.00 (+0.00 to +0.00)"
