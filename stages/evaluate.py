"""Evaluates one recipe on the test set:  python -m stages.evaluate RECIPE

Reads   data/raw/{classes.csv,test.parquet}, data/processed/VARIANT/test/, models/RECIPE/
Writes  metrics/RECIPE.json, metrics/RECIPE/{predictions,classes,confusion,sizes,brightness,calibration}.csv,
        data/predictions/RECIPE.npy  (n, classes) float32 probabilities, in the order of the test split
"""

from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from gtsrb.command_line import argument, run_stage
from gtsrb.config.evaluate import Evaluation
from gtsrb.config.load import load_section, section_names
from gtsrb.config.train import Recipe
from gtsrb.data import arrays, tables
from gtsrb.evaluation import binned_accuracy, tta
from gtsrb.evaluation.calibration import calibration_metrics
from gtsrb.evaluation.metrics import accuracy_metrics, class_metrics, confusion_counts
from gtsrb.networks import ensemble, inference
from gtsrb.networks.build import shape_of
from gtsrb.outputs import write_array, write_csv, write_json
from gtsrb.progress import say

CHUNK = 500  # images that are read at a time


def main() -> str:
    name = argument("recipe", section_names("train"))
    recipe, evaluation = load_section(Recipe, "train", name), load_section(Evaluation, "evaluate", name)
    images, labels, _ = arrays.load(Path(f"data/processed/{recipe.images}/test"))
    names = arrays.read_class_names()
    inference.set_up_device(recipe)

    views = evaluation.test_time_augmentation
    probabilities_per_member, metrics_per_member = [], {}
    for number, model in ensemble.load_members(name, recipe, evaluation.weights, **shape_of(images, len(names))):
        in_one_view = inference.predict(model, images)
        probabilities_per_member.append(tta.predict(model, images, views) if views else in_one_view)
        if recipe.members > 1 or views:
            metrics = accuracy_metrics(labels, in_one_view)
            metrics_per_member[f"member{number}"] = {key: metrics[key] for key in ("accuracy", "errors")}
            say(f"member{number} in one view: {metrics['accuracy']:.2%}, {metrics['errors']} errors")
    probabilities = np.mean(probabilities_per_member, axis=0)

    predictions = probabilities.argmax(axis=1)
    raw_file = Path("data/raw/test.parquet")
    raw = tables.read(raw_file, ["filename", *tables.ROI])
    metrics, calibrated = accuracy_metrics(labels, probabilities), calibration_metrics(labels, probabilities)
    single = {"one_network_one_view": metrics_per_member} if metrics_per_member else {}
    write_json(Path(f"metrics/{name}.json"), metrics | {"calibration_error": calibrated} | single)
    prediction_rows = pd.DataFrame({"filename": raw["filename"], "class_id": labels, "prediction": predictions})
    write_csv(Path(f"metrics/{name}/predictions.csv"), prediction_rows)
    write_csv(Path(f"metrics/{name}/classes.csv"), class_metrics(labels, predictions, names))
    write_csv(Path(f"metrics/{name}/confusion.csv"), confusion_counts(labels, predictions, names))
    write_csv(Path(f"metrics/{name}/calibration.csv"), binned_accuracy.reliability(labels, probabilities))
    luma = binned_accuracy.box_luma(chain.from_iterable(tables.read_images(raw_file, CHUNK)))
    for quantity, values in {"sizes": binned_accuracy.box_sides(raw), "brightness": luma}.items():
        write_csv(Path(f"metrics/{name}/{quantity}.csv"), binned_accuracy.accuracy_in_quantiles(values, predictions == labels))
    write_array(Path(f"data/predictions/{name}.npy"), probabilities)
    interval = f"95 % interval {metrics['accuracy_low']:.2%} to {metrics['accuracy_high']:.2%}"
    return f"{metrics['accuracy']:.2%} of {len(labels):,} test images right ({interval}), {metrics['errors']} errors"


if __name__ == "__main__":
    run_stage(main)
