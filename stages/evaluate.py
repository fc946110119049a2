"""Tests one recipe:  python -m stages.evaluate RECIPE

Reads   data/raw/classes.csv, data/processed/VARIANT/test/, models/RECIPE/
Writes  metrics/RECIPE.json, metrics/RECIPE/{classes,confusion}.csv,
        data/predictions/RECIPE.npy  (n, classes) float32 probabilities, in the order of the test part
        data/gallery/RECIPE.png
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from gtsrb import arrays, device, gallery, networks, params
from gtsrb.errors import run
from gtsrb.metrics import accuracy_figures, class_figures, confusion_counts
from gtsrb.outputs import whole, write_csv, write_json


def main() -> None:
    name = sys.argv[1]
    everything = params.load()
    recipe, evaluation = everything.train[name], everything.evaluate[name]
    images, labels, _ = arrays.load(Path(f"data/processed/{recipe.images}/test"))
    names = pd.read_csv("data/raw/classes.csv")["name"].tolist()

    device.set_up(recipe.device, precision=recipe.precision, seed=recipe.seed, deterministic=recipe.deterministic)
    model = networks.build(recipe.network, size=images.shape[1], dtype=str(images.dtype), classes=len(names))
    model.load_weights(f"models/{name}/{evaluation.weights}.weights.h5")
    probabilities = model.predict(images, batch_size=256, verbose=1 if sys.stdout.isatty() else 2)

    predictions = probabilities.argmax(axis=1)
    figures = accuracy_figures(labels, probabilities)
    write_json(Path(f"metrics/{name}.json"), figures)
    write_csv(Path(f"metrics/{name}/classes.csv"), class_figures(labels, predictions, names))
    write_csv(Path(f"metrics/{name}/confusion.csv"), confusion_counts(labels, predictions, names))
    gallery.write(Path(f"data/gallery/{name}.png"), images, labels, probabilities, names, limit=evaluation.gallery)
    with whole(Path(f"data/predictions/{name}.npy")) as beside:
        np.save(beside, probabilities)
    print(f"{name}: {figures['accuracy']:.2%} of {len(labels)} test images right, {figures['errors']} errors")


if __name__ == "__main__":
    run(main)
