"""The stage compares each pair of recipes, or names the one that has not been tested."""

import json
import shutil
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from gtsrb.config import params
from gtsrb.errors import InputError
from gtsrb.evaluation import predictions
from gtsrb.outputs import write_csv
from stages import compare

LABELS = np.arange(40) % 4


def table(errors: int) -> pd.DataFrame:
    """Predictions of forty images, the first `errors` of which are predicted as the next class."""
    predicted = LABELS + (np.arange(40) < errors)
    return pd.DataFrame({"filename": [f"{i:05d}.ppm" for i in range(40)], "class_id": LABELS, "prediction": predicted})


@pytest.fixture
def recipes(tmp_path, monkeypatch) -> list[str]:
    """The recipes of params.yaml, all tested: recipe number n has n errors."""
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(ROOT / "params.yaml", "params.yaml")
    names = list(params.load().train)
    for number, name in enumerate(names):
        write_csv(predictions.path(name), table(number))
    return names


def test_each_pair_of_recipes_and_no_file_of_a_renamed_one(recipes, tmp_path):
    write_csv(predictions.path("renamed"), table(1))
    compare.main()
    comparison = json.loads((tmp_path / "metrics/comparison.json").read_text())
    assert list(comparison) == [f"{first}_vs_{second}" for first, second in combinations(recipes, 2)]
    for (i, first), (j, second) in combinations(enumerate(recipes), 2):
        p_value = round(min(1, 2 * 0.5 ** (j - i)), 6)
        expected = {"only_first_wrong": 0, "only_second_wrong": j - i, "both_wrong": i, "p_value": p_value}
        assert comparison[f"{first}_vs_{second}"] == expected


def test_a_recipe_that_was_not_tested_is_a_one_line_error_and_no_file(recipes, tmp_path):
    predictions.path(recipes[-1]).unlink()
    expected = rf"^metrics/{recipes[-1]}/predictions.csv not found; run `dvc repro evaluate@{recipes[-1]}`$"
    with pytest.raises(InputError, match=expected):
        compare.main()
    assert not (tmp_path / "metrics/comparison.json").exists()
