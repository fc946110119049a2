"""Trains one recipe:  python -m stages.train RECIPE

Reads   data/raw/classes.csv, data/processed/VARIANT/train/
Writes  models/RECIPE/{last,best}.weights.h5, metrics/RECIPE/{history.csv,training.json}

Killed at any moment, the same command resumes at the last finished epoch and ends with the same weights.
"""

import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from gtsrb import arrays, checkpoints, device, networks, optimisation, params, training
from gtsrb.errors import run
from gtsrb.outputs import write_json
from gtsrb.split import split


def main() -> None:
    name = sys.argv[1]
    recipe = params.load().train[name]
    folder = Path(f"data/processed/{recipe.images}/train")
    images, labels, tracks = arrays.load(folder)
    classes = len(pd.read_csv("data/raw/classes.csv"))
    targets = np.eye(classes, dtype="float32")[labels]
    rows, held_out = split(labels, tracks, recipe.validation)

    machine = device.set_up(recipe.device, precision=recipe.precision, seed=recipe.seed, deterministic=recipe.deterministic)
    shape = {"size": images.shape[1], "dtype": str(images.dtype), "classes": classes}
    model = networks.build(recipe.network, **shape)
    steps = training.steps_per_epoch(len(rows), recipe.batch_size)
    optimizer = optimisation.build(recipe.optimizer, recipe.schedule, steps_per_epoch=steps)
    model.compile(optimizer, loss=recipe.loss, metrics=["accuracy"], jit_compile=machine.jit_compile)
    print(
        f"{name}: {machine.name}, {recipe.precision}, {len(rows)} training and {len(held_out)} validation images, "
        f"{model.count_params()} parameters",
        flush=True,
    )

    with checkpoints.reserved(recipe, folder) as kept:
        train, validation = ((images[part], targets[part]) for part in (rows, held_out))
        progress = training.fit(model, recipe, train=train, validation=validation, folder=kept)
        models, metrics = Path("models", name), Path("metrics", name)
        for which, weights in (("last", model.get_weights()), ("best", progress.best_weights)):
            networks.save_weights(models / f"{which}.weights.h5", weights, recipe.network, **shape)
        metrics.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(kept / "history.csv", metrics / "history.csv")
        history = pd.read_csv(metrics / "history.csv")
        figures = {
            "val_accuracy": history["val_accuracy"].iloc[-1],  # of the last epoch
            "val_loss": history["val_loss"].iloc[-1],
            "best_epoch": progress.best_epoch,  # counted from 0, as in history.csv
            "best_val_accuracy": history["val_accuracy"][progress.best_epoch],
            "best_val_loss": history["val_loss"][progress.best_epoch],
            "seconds": round(progress.seconds, 1),  # validation included
            "images_per_second": round(len(rows) * recipe.epochs / progress.seconds, 1),
            "parameters": model.count_params(),
            "train_images": len(rows),
            "validation_images": len(held_out),
            "device": machine.name,
            "precision": recipe.precision,
            "versions": device.versions(),
        }
        write_json(metrics / "training.json", figures)


if __name__ == "__main__":
    run(main)
