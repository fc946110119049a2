"""What views at test time are worth on validation images:  python -m scripts.views RECIPE docs/views.yaml

Takes the trained members of RECIPE in the workspace (`dvc exp apply NAME` puts those of an experiment there) and the images
that validated it, and prints accuracy and loss of each set of views in the file. No test image is read.
"""

import sys
from pathlib import Path

import numpy as np
import yaml
from pydantic import TypeAdapter, ValidationError

from gtsrb import arrays, device, networks, params, views
from gtsrb.errors import InputError, run
from gtsrb.metrics import accuracy_figures
from gtsrb.sections import View


def main() -> None:
    if len(sys.argv) != 3:
        raise InputError("expected a recipe and a file: python -m scripts.views RECIPE docs/views.yaml")
    name, sets, recipes = sys.argv[1], read(Path(sys.argv[2])), params.load().train
    if name not in recipes:
        raise InputError(f"{name!r}: expected a recipe of params.yaml: {', '.join(recipes)}")
    recipe = recipes[name]
    images, labels, _ = arrays.load(Path(f"data/processed/{recipe.images}/train"))
    held_out = np.load(f"data/validation/{name}/rows.npy")
    if not len(held_out):
        raise InputError(f"train.{name} has no validation images to compare views on; add a validation block and train it")
    device.set_up(recipe.device, precision=recipe.precision, seed=recipe.seed, deterministic=recipe.deterministic)
    shape = networks.shape_of(images, len(arrays.class_names()))
    shown, labels = images[held_out], labels[held_out]
    for title, chosen in sets.items():
        each = [views.predict(model, shown, chosen) for _, model in views.members(name, recipe, "last", **shape)]
        figures = accuracy_figures(labels, np.mean(each, axis=0))
        print(f"{title:<24}{figures['accuracy']:>9.3%}{figures['errors']:>6} errors  loss {figures['loss']:.5f}", flush=True)


def read(path: Path) -> dict[str, list[View]]:
    """Named sets of views. Raises `InputError`."""
    try:
        return TypeAdapter(dict[str, list[View]]).validate_python(yaml.safe_load(path.read_text()))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}") from None


if __name__ == "__main__":
    run(main)
