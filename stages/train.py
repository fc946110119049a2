"""Trains one recipe:  python -m stages.train RECIPE

Reads   data/raw/classes.csv, data/processed/VARIANT/train/
Writes  models/RECIPE/seedN/{last,best}.weights.h5  a folder a member; no `best` without validation images
        data/validation/RECIPE/rows.npy             (n,) int64, the rows of the training part that validated
                               probabilities.npy    (n, classes) float32, by the last weights, averaged over members
        metrics/RECIPE/history.csv                  averaged over members
        metrics/RECIPE/training.json

Killed at any moment, the same command resumes at the last finished epoch and ends with the same weights.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from gtsrb import arrays, checkpoints, device, networks, params, training
from gtsrb.errors import argument, run
from gtsrb.outputs import write_array, write_csv, write_json
from gtsrb.split import split


def main() -> None:
    recipes = params.load().train
    name = argument("recipe", recipes)
    recipe = recipes[name]
    data = Path(f"data/processed/{recipe.images}/train")
    images, labels, tracks = arrays.load(data)
    classes = len(arrays.class_names())
    training.check_classes(recipe, classes)
    targets = np.eye(classes, dtype="float32")[labels]
    rows, held_out = split(labels, tracks, recipe.validation)
    machine = device.set_up(recipe.device, precision=recipe.precision, seed=recipe.seed, deterministic=recipe.deterministic)
    print(
        f"{name}: {machine.name}, {recipe.precision}, {len(rows)} training and {len(held_out)} validation images, "
        f"{recipe.members} member{'s' if recipe.members > 1 else ''}",
        flush=True,
    )

    with checkpoints.reserved(recipe, data) as kept:
        train, validation = ((images[part], targets[part]) for part in (rows, held_out))
        options = {"train": train, "validation": validation, "jit_compile": machine.jit_compile}
        members = [training.train_member(recipe, seed, folder=kept / f"seed{seed}", **options) for seed in recipe.seeds]

        shape = networks.shape_of(images, classes)
        for member in members:
            for which, weights in (("last", member.last), ("best", member.best)):
                if weights:
                    networks.save_weights(networks.weights_file(name, member.seed, which), weights, recipe.network, **shape)
        probabilities = np.mean([member.probabilities for member in members], axis=0)
        write_array(Path(f"data/validation/{name}/rows.npy"), held_out)
        write_array(Path(f"data/validation/{name}/probabilities.npy"), probabilities)
        history = pd.concat([member.history for member in members]).groupby("epoch", as_index=False).mean()
        write_csv(Path(f"metrics/{name}/history.csv"), history)
        figures = training.figures(members, labels[held_out], probabilities)
        figures |= {
            "train_images": len(rows),
            "validation_images": len(held_out),
            "images_per_second": round(len(rows) * recipe.epochs * recipe.members / figures["seconds"], 1),
            "device": machine.name,
            "precision": recipe.precision,
            "versions": device.versions(),
        }
        write_json(Path(f"metrics/{name}/training.json"), figures)


if __name__ == "__main__":
    run(main)
