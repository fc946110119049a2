"""Tests one recipe:  python -m stages.evaluate RECIPE

Reads   data/raw/{classes.csv,test.parquet}, data/processed/VARIANT/test/, models/RECIPE/
Writes  metrics/RECIPE.json, metrics/RECIPE/{predictions,classes,confusion,sizes,brightness,calibration}.csv,
        data/predictions/RECIPE.npy  (n, classes) float32 probabilities, in the order of the test part
"""

from pathlib import Path

import numpy as np
import pandas as pd

from gtsrb import device
from gtsrb.command_line import argument, run_stage
from gtsrb.config.evaluate import Evaluation
from gtsrb.config.load import load_section, section_names
from gtsrb.config.train import Recipe
from gtsrb.data import arrays, tables
from gtsrb.evaluation import binned_accuracy, test_time_augmentation
from gtsrb.evaluation.metrics import accuracy_metrics, class_metrics, confusion_counts
from gtsrb.networks import ensemble, inference
from gtsrb.networks.build import shape_of
from gtsrb.outputs import write_array, write_csv, write_json
from gtsrb.progress import say


def main() -> str:
    name = argument("recipe", section_names("train"))
    recipe, evaluation = load_section(Recipe, "train", name), load_section(Evaluation, "evaluate", name)
    images, labels, _ = arrays.load(Path(f"data/processed/{recipe.images}/test"))
    names = arrays.read_class_names()
    machine = device.set_up(recipe.device, precision=recipe.precision, seed=recipe.seed, deterministic=recipe.deterministic)
    say(f"{machine}, {recipe.precision}")

    each, alone = [], {}
    for number, model in ensemble.load_members(name, recipe, evaluation.weights, **shape_of(images, len(names))):
        as_it_is = inference.predict(model, images)
        each.append(
            test_time_augmentation.predict(model, images, evaluation.test_time_augmentation)
            if evaluation.test_time_augmentation
            else as_it_is
        )
        if recipe.members > 1 or evaluation.test_time_augmentation:
            figures = accuracy_metrics(labels, as_it_is)
            alone[f"member{number}"] = {key: figures[key] for key in ("accuracy", "errors")}
            say(f"member{number} in one view: {figures['accuracy']:.2%}, {figures['errors']} errors")
    probabilities = np.mean(each, axis=0)

    predictions = probabilities.argmax(axis=1)
    raw = tables.read(Path("data/raw/test.parquet"), ["filename", *tables.ROI, "image"])
    calibration = binned_accuracy.reliability(labels, probabilities)
    figures = accuracy_metrics(labels, probabilities) | {"calibration_error": binned_accuracy.calibration_error(calibration)}
    write_json(Path(f"metrics/{name}.json"), figures | ({"one_network_one_view": alone} if alone else {}))
    of_images = pd.DataFrame({"filename": raw["filename"], "class_id": labels, "prediction": predictions})
    write_csv(Path(f"metrics/{name}/predictions.csv"), of_images)
    write_csv(Path(f"metrics/{name}/classes.csv"), class_metrics(labels, predictions, names))
    write_csv(Path(f"metrics/{name}/confusion.csv"), confusion_counts(labels, predictions, names))
    write_csv(Path(f"metrics/{name}/calibration.csv"), calibration)
    for what, values in {"sizes": binned_accuracy.box_sides(raw), "brightness": binned_accuracy.box_luma(raw)}.items():
        write_csv(Path(f"metrics/{name}/{what}.csv"), binned_accuracy.accuracy_in_quantiles(values, predictions == labels))
    write_array(Path(f"data/predictions/{name}.npy"), probabilities)
    interval = f"95 % interval {figures['accuracy_low']:.2%} to {figures['accuracy_high']:.2%}"
    return f"{figures['accuracy']:.2%} of {len(labels):,} test images right ({interval}), {figures['errors']} errors"


if __name__ == "__main__":
    run_stage(main)
