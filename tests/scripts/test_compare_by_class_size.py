"""A study's rows in rare classes and in frequent ones."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from example_study import CONTENT, PARAMS, REPEATED, line_of

from gtsrb.errors import InputError
from gtsrb.studies import results, study
from gtsrb.studies.study import Study
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


@pytest.mark.parametrize(
    ("content", "lines", "message"),
    [
        (REPEATED, 0, "some.yaml: expected a study of all folds"),
        (CONTENT, 4, "some.yaml: expected a study of all folds"),
        (CONTENT | {"folds": [0, 1, 2, 3, 4]}, 0, "some.csv: no line of base, fold 0, seed 0; run"),
        (CONTENT | {"folds": [0, 1, 2, 3, 4]}, 3, "some.csv: no line of batch_normalization, fold 1, seed 0; run"),
    ],
)
def test_signs_that_no_run_has_predicted_are_not_counted_as_right(content, lines, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(PARAMS)
    Path("some.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    for run in study.list_runs(Study.model_validate(content), PARAMS)[:lines]:
        results.append_line(Path("some.csv"), line_of(run.row, run.fold, run.seed, {}) | {"params": run.params})
    monkeypatch.setattr(sys, "argv", ["compare_by_class_size", "some.yaml"])
    with pytest.raises(InputError, match=message):
        compare_by_class_size.main()
