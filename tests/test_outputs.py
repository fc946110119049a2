"""Files are written whole or not at all."""

import json

import pandas as pd
import pytest

from gtsrb.outputs import whole, write_csv, write_json


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "deep" / "figures.json"
    write_json(path, {"a": 1})
    with pytest.raises(RuntimeError), whole(path) as beside:
        beside.write_text("half")
        raise RuntimeError
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(path.parent.iterdir()) == [path]


def test_digits_of_figures_and_of_rows(tmp_path):
    write_json(tmp_path / "a.json", {"x": 1 / 3, "n": 7, "pair": {"p": 2e-9 / 3}, "name": "b"})
    assert (tmp_path / "a.json").read_text().endswith("}\n")
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": 0.333333, "n": 7, "pair": {"p": 6.67e-10}, "name": "b"}
    write_csv(tmp_path / "a.csv", pd.DataFrame({"n": [1, 2], "x": [1 / 3, None]}))
    assert (tmp_path / "a.csv").read_text() == "n,x\n1,0.333333333\n2,\n"
