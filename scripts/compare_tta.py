"""Compares test-time augmentations in validation:  python -m scripts.compare_tta RECIPE docs/test_time_augmentation.yaml

Prints accuracy and loss of each set of views in the file, for the trained members of RECIPE in the workspace (`dvc exp apply
NAME` restores those of an experiment), with the weights that it is evaluated with, on its validation images. No test image is
read.
"""

import sys
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError

from gtsrb.command_line import run
from gtsrb.config import params
from gtsrb.config.evaluate import View
from gtsrb.config.yaml_loader import read_yaml
from gtsrb.data import arrays
from gtsrb.errors import InputError, find_output
from gtsrb.evaluation import tta
from gtsrb.evaluation.metrics import accuracy_metrics
from gtsrb.networks import ensemble, inference
from gtsrb.networks.build import shape_of


def main() -> None:
    if len(sys.argv) != 3:
        raise InputError("expected a recipe and a file: python -m scripts.compare_tta RECIPE docs/test_time_augmentation.yaml")
    name, view_sets, all_params = sys.argv[1], read_views(Path(sys.argv[2])), params.load()
    if name not in all_params.train:
        raise InputError(f"{name!r}: expected a recipe of params.yaml: {', '.join(all_params.train)}")
    recipe, weights = all_params.train[name], all_params.evaluate[name].weights
    images, labels, _ = arrays.load(Path(f"data/processed/{recipe.images}/train"))
    rows = np.load(find_output(Path(f"data/validation/{name}/rows.npy"), f"train@{name}"))
    if not len(rows):
        raise InputError(f"train.{name} has no validation images to compare views on; add a validation block and train it")
    inference.set_up_device(recipe)
    shape = shape_of(images, len(arrays.read_class_names()))
    images, labels = images[rows], labels[rows]
    for title, views in view_sets.items():
        probabilities_per_member = [
            tta.predict(model, images, views) for _, model in ensemble.load_members(name, recipe, weights, **shape)
        ]
        metrics = accuracy_metrics(labels, np.mean(probabilities_per_member, axis=0))
        print(f"{title:<24}{metrics['accuracy']:>9.3%}{metrics['errors']:>6} errors  loss {metrics['loss']:.5f}", flush=True)


def read_views(path: Path) -> dict[str, list[View]]:
    """Sets of views by name. Raises `InputError` if the file cannot be read or is not valid."""
    try:
        return TypeAdapter(dict[str, Annotated[list[View], Field(min_length=1)]]).validate_python(read_yaml(path))
    except ValidationError as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}") from None


if __name__ == "__main__":
    run(main)
