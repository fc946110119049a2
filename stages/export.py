"""Exports the network of one recipe, the first of an ensemble:  python -m stages.export RECIPE

Reads   data/raw/{classes.csv,test.parquet}, data/processed/VARIANT/, models/RECIPE/
        metrics/OTHER/out_of_fold.json  `unsure_below` of the recipe `export.threshold_from`
Writes  data/export/RECIPE.onnx      the network for ONNX Runtime, which `python -m scripts.predict` uses
        data/export/RECIPE.tflite    the network for LiteRT
        metrics/RECIPE/export.json   metrics of the ONNX file, on test images with their boxes and as files

`python -m scripts.publish RECIPE` copies the ONNX file to pretrained/, which Git keeps.
"""

import hashlib
import json
from functools import partial
from pathlib import Path

import keras
import numpy as np

from gtsrb import device, parallel
from gtsrb.command_line import argument, run_stage
from gtsrb.config.evaluate import Evaluation
from gtsrb.config.export import Export
from gtsrb.config.load import load_section, section_names
from gtsrb.config.preprocess import Variant
from gtsrb.config.train import Recipe
from gtsrb.data import arrays, tables
from gtsrb.errors import InputError, format_megabytes
from gtsrb.evaluation.metrics import accuracy_metrics, class_metrics
from gtsrb.evaluation.thresholds import read_threshold
from gtsrb.networks import ensemble, inference
from gtsrb.networks.build import build_network, shape_of
from gtsrb.outputs import write_json
from gtsrb.preprocessing.preprocess import preprocess_files
from gtsrb.progress import say
from gtsrb.serving import export

PARITY_IMAGES = 200  # test images whose probabilities are compared with Keras'
CHUNK = 500  # images that one call preprocesses


def main() -> str:
    if (backend := keras.backend.backend()) != "tensorflow":
        raise InputError(f"KERAS_BACKEND={backend} cannot export; only TensorFlow can: run this stage without KERAS_BACKEND")
    name = argument("recipe", section_names("train"))
    recipe, evaluation = load_section(Recipe, "train", name), load_section(Evaluation, "evaluate", name)
    variant = load_section(Variant, "preprocess", recipe.images)
    unsure_below = read_threshold(load_section(Export, "export").threshold_from)
    train, test = (arrays.load(Path(f"data/processed/{recipe.images}/{split}")) for split in ("train", "test"))
    names = arrays.read_class_names()
    weights = ensemble.weights_file(name, 0, evaluation.weights)
    path = Path(f"data/export/{name}.onnx")
    say(f"{device.set_up('cpu', precision='float32', seed=recipe.seed, deterministic=True, threads=None)}, float32")
    model = build_network(recipe.network, **shape_of(test.images, len(names)))
    model.load_weights(weights)

    properties = {"names": json.dumps(names), "variant": variant.model_dump_json(), "unsure_below": str(unsure_below)}
    n_changed = export.save_smaller_onnx(path, model, properties, train.images)
    export.save_litert(path.with_suffix(".tflite"), model)

    session = export.open_session(path)
    with_boxes = export.predict(session, test.images)
    as_files = export.predict(session, preprocess_without_boxes(Path("data/raw/test.parquet"), variant))
    keras_probabilities = inference.predict(model, test.images[:PARITY_IMAGES])
    classes = class_metrics(test.labels, with_boxes.argmax(axis=1), names).sort_values("accuracy", kind="stable")
    accuracies = {
        "with_boxes": accuracy_metrics(test.labels, with_boxes),
        "as_files": accuracy_metrics(test.labels, as_files),
    }
    metrics = {
        **accuracies,
        "most_often_missed": classes.iloc[:3].set_index("name")["accuracy"].to_dict(),  # with boxes
        "seed": recipe.seed,
        "weights_md5": hashlib.md5(weights.read_bytes()).hexdigest(),
        "weights_precision": "float32" if n_changed else "float16",
        "changed_by_float16": n_changed,  # training images whose top class float16 changes
        "onnx_md5": hashlib.md5(path.read_bytes()).hexdigest(),
        "onnx_bytes": path.stat().st_size,
        "parity_images": PARITY_IMAGES,
        "max_abs_difference": float(np.abs(with_boxes[:PARITY_IMAGES] - keras_probabilities).max()),
        "unsure_below": unsure_below,
    }
    write_json(Path(f"metrics/{name}/export.json"), metrics)
    errors = [accuracy["errors"] for accuracy in accuracies.values()]
    of_files = f"{errors[0]} errors with boxes and {errors[1]} as files in {len(test.labels):,} test images"
    return f"{path}, {format_megabytes(path.stat().st_size)}: {of_files}"


def preprocess_without_boxes(raw: Path, variant: Variant) -> np.ndarray:
    """(n, size, size, channels): the images of the table `raw` as `gtsrb.predict` prepares files."""
    ppms = ([image for image, *_ in rows] for rows in tables.read_images(raw, CHUNK))
    with parallel.open_workers(tables.count_row_groups(raw)) as workers:
        return np.concatenate([*workers.map(partial(preprocess_files, chunk, variant) for chunk in ppms)])


if __name__ == "__main__":
    run_stage(main)
