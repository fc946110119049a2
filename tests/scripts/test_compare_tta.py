"""Views are compared with the networks that are evaluated."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT
from example_networks import SHAPE, TUTORIAL, build, random_images

from gtsrb.errors import InputError
from gtsrb.networks import ensemble
from gtsrb.outputs import write_array, write_csv
from scripts import compare_tta

VIEW = {"rotation": 0.0, "shift_x": 0.0, "shift_y": 0.0, "zoom": 1.0}


@pytest.fixture
def name(tmp_path, monkeypatch) -> str:
    """A recipe that is evaluated with its best weights, which alone are there, and has five validation images."""
    monkeypatch.chdir(tmp_path)
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    name, recipe = next((name, recipe) for name, recipe in content["train"].items() if "validation" in recipe)
    recipe |= {"members": 1, "device": "cpu", "precision": "float32", "network": TUTORIAL.model_dump(exclude_none=True)}
    content["evaluate"][name]["weights"] = "best"
    Path("params.yaml").write_text(yaml.safe_dump(content))
    Path("views.yaml").write_text(yaml.safe_dump({"one": [VIEW], "two": [VIEW, VIEW | {"zoom": 1.1}]}))
    arrays = {"images": random_images(9), "labels": np.arange(9), "tracks": np.arange(9)}
    for array_name, array in arrays.items():
        write_array(Path(f"data/processed/{recipe['images']}/train/{array_name}.npy"), array)
    write_array(Path(f"data/validation/{name}/rows.npy"), np.arange(5))
    write_csv(Path("data/raw/classes.csv"), pd.DataFrame({"class_id": range(43), "name": range(43)}))
    ensemble.save_weights(ensemble.weights_file(name, 0, "best"), build(TUTORIAL).get_weights(), TUTORIAL, **SHAPE)
    monkeypatch.setattr(compare_tta.inference, "set_up_device", lambda recipe: None)  # it is one for all tests
    monkeypatch.setattr(sys, "argv", ["compare_tta", name, "views.yaml"])
    return name


def test_the_weights_are_those_of_the_evaluation(name, capsys):
    compare_tta.main()
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["one", "two"]
    ensemble.weights_file(name, 0, "best").unlink()
    with pytest.raises(InputError, match=rf"^models/{name}/member0/best.weights.h5 not found; run `dvc repro train@{name}`$"):
        compare_tta.main()


def test_a_recipe_that_is_not_trained_is_one_line(name):
    Path(f"data/validation/{name}/rows.npy").unlink()
    with pytest.raises(InputError, match=rf"^data/validation/{name}/rows.npy not found; run `dvc repro train@{name}`$"):
        compare_tta.main()
