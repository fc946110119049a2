"""Steps of the ensemble, which trains on photographs and synthetic images."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT


@pytest.mark.seconds
def test_steps_of_the_ensemble(tmp_path, params):
    name, recipe = next((name, recipe) for name, recipe in params.train.items() if recipe.members > 1)
    variant, rng = params.preprocess[recipe.images], np.random.default_rng(0)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    for source, n in {"train": 200, recipe.synthetic.set: 100}.items():
        folder = tmp_path / f"data/processed/{recipe.images}/{source}"
        folder.mkdir(parents=True)
        np.save(folder / "images.npy", rng.integers(0, 256, (n, *variant.shape), dtype=np.uint8))
        np.save(folder / "labels.npy", np.arange(n) % 43)
        np.save(folder / "tracks.npy", np.arange(n))
    code = f"from scripts import measure_speed; measure_speed.train_steps({name!r}, threads=1, steps=1)"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=False).returncode == 0
