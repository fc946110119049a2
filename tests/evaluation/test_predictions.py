"""The tables of predictions: read as they were written, compared image by image, and each pair of recipes in `compare`."""

import json
import shutil
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from gtsrb.config import params
from gtsrb.errors import InputError
from gtsrb.evaluation import predictions, significance
from gtsrb.outputs import write_csv
from stages import compare

LABELS = np.arange(40) % 4


def table(wrong: list[int]) -> pd.DataFrame:
    """Forty images, of which those are taken for the class after their own."""
    predicted = LABELS.copy()
    predicted[wrong] += 1
    return pd.DataFrame({"filename": [f"{i:05d}.ppm" for i in range(40)], "class_id": LABELS, "prediction": predicted})


@pytest.fixture
def recipes(tmp_path, monkeypatch) -> list[str]:
    """The recipes of params.yaml, each tested: the n-th takes the first n images for others."""
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(ROOT / "params.yaml", "params.yaml")
    names = list(params.load().train)
    for i, name in enumerate(names):
        write_csv(predictions.path(name), table(list(range(i))))
    return names


def test_filenames_are_text(tmp_path):
    rows = pd.DataFrame({"filename": ["NA", "007", "", 'a,"b"/c.png'], "class_id": [0, 1, 2, 3], "prediction": [0, 1, 2, 0]})
    write_csv(tmp_path / "predictions.csv", rows)
    assert predictions.parse((tmp_path / "predictions.csv").read_text(), "x").equals(rows)


def test_counts_do_not_depend_on_the_order_of_the_images():
    first, second = table([0, 1, 2]), table([2, 3]).sample(frac=1, random_state=0)
    found = significance.compare(first, second, ("a", "b"))
    assert found == {"only_first_wrong": 2, "only_second_wrong": 1, "both_wrong": 1, "p_value": 1.0}


@pytest.mark.parametrize("edit", ["fewer", "another label", "another image"])
def test_another_test_set_is_one_line(edit):
    first, second = table([0]), table([1])
    if edit == "fewer":
        second = second[1:]
    elif edit == "another label":
        second.loc[0, "class_id"] = 3
    else:
        second.loc[0, "filename"] = "x.ppm"
    expected = rf"^a was tested on 40 images and b on {len(second)}, of which 39 are the same with the same label; only .*$"
    with pytest.raises(InputError, match=expected) as error:
        significance.compare(first, second, ("a", "b"))
    assert "\n" not in str(error.value)


def test_each_pair_of_recipes_and_nothing_that_a_renamed_one_left(recipes, tmp_path):
    write_csv(predictions.path("renamed"), table([5]))
    compare.main()
    found = json.loads((tmp_path / "metrics/comparison.json").read_text())
    assert list(found) == [f"{first}_vs_{second}" for first, second in combinations(recipes, 2)]
    for (i, first), (j, second) in combinations(enumerate(recipes), 2):
        p_value = round(min(1, 2 * 0.5 ** (j - i)), 6)
        expected = {"only_first_wrong": 0, "only_second_wrong": j - i, "both_wrong": i, "p_value": p_value}
        assert found[f"{first}_vs_{second}"] == expected


def test_a_recipe_that_was_not_tested_is_one_line_and_no_file(recipes, tmp_path):
    predictions.path(recipes[-1]).unlink()
    expected = rf"^metrics/{recipes[-1]}/predictions.csv not found; `dvc repro evaluate@{recipes[-1]}` makes it$"
    with pytest.raises(InputError, match=expected):
        compare.main()
    assert not (tmp_path / "metrics/comparison.json").exists()
