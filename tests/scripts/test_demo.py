"""The demo makes every recipe short, whatever the recipes are called."""

import yaml
from dvc.utils.hydra import apply_overrides

from gtsrb.config.params import load
from scripts import demo


def test_recipes_of_any_name_are_made_short(raw_params, tmp_path):
    for section in ("train", "evaluate"):
        raw_params[section] = {f"my_{name}": recipe for name, recipe in raw_params[section].items()}
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(raw_params))
    before = load(path)
    changes = demo.DATA | demo.short(before.train)
    apply_overrides(path, [f"{key}={value}" for key, value in changes.items()])  # as `dvc exp run -S` does
    after = load(path)
    assert after.ingest.source == "synthetic"
    for name, recipe in after.train.items():
        assert (recipe.members, recipe.epochs) == (1, 5)
        assert recipe.augmentation == before.train[name].augmentation
