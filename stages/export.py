"""Exports the network of one recipe, the first of an ensemble:  python -m stages.export RECIPE

Reads   data/raw/{classes.csv,test.parquet}, data/processed/VARIANT/, models/RECIPE/
        metrics/OTHER/out_of_fold.json  `unsure_below` of the recipe `export.threshold_from`
Writes  data/export/RECIPE.onnx            a picture of any size in, which it prepares; `python -m scripts.predict` uses it
        data/export/RECIPE_prepared.onnx   prepared images in, so in batches
        data/export/RECIPE.tflite          prepared images in, for LiteRT
        metrics/RECIPE/export.json         metrics of the first file, on test images with their boxes and as files

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
from gtsrb.progress import say
from gtsrb.serving import export, parity

PARITY_IMAGES = 500  # test images on which the file is compared with Keras and the pipeline's preprocessing
CHUNK = 500  # images that one call predicts


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

    network, n_changed = export.build_smaller_onnx(model, train.images)
    properties = {"names": json.dumps(names), "variant": variant.model_dump_json(), "unsure_below": str(unsure_below)}
    export.save_onnx(path, export.add_preprocessing(network, variant), properties)
    export.save_onnx(path.with_stem(f"{name}_prepared"), network, properties)
    export.save_litert(path.with_suffix(".tflite"), model)

    with_boxes, as_files = predict_table(Path("data/raw/test.parquet"), path.read_bytes())
    head = next(tables.read_images(Path("data/raw/test.parquet"), PARITY_IMAGES))
    prepared = export.predict(export.open_session(path.with_stem(f"{name}_prepared")), test.images)
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
        "parity": {
            "images": PARITY_IMAGES,
            "keras_max_abs_difference": float(np.abs(prepared[:PARITY_IMAGES] - keras_probabilities).max()),
            "input_max_difference": parity.input_difference(head, path.read_bytes(), variant),  # levels
            "top_class_changes": int((with_boxes.argmax(axis=1) != prepared.argmax(axis=1)).sum()),  # of all test images
        },
        "unsure_below": unsure_below,
    }
    write_json(Path(f"metrics/{name}/export.json"), metrics)
    errors = [accuracy["errors"] for accuracy in accuracies.values()]
    of_files = f"{errors[0]} errors with boxes and {errors[1]} as files in {len(test.labels):,} test images"
    return f"{path}, {format_megabytes(path.stat().st_size)}: {of_files}"


def predict_table(raw: Path, model: bytes) -> np.ndarray:
    """(2, n, classes): the probabilities of all images of the table `raw`, with their boxes and as files without."""
    chunks = tables.read_images(raw, CHUNK)
    with parallel.open_workers(tables.count_row_groups(raw)) as workers:
        return np.concatenate([*workers.map(partial(parity.predict_rows, chunk, model) for chunk in chunks)], axis=1)


if __name__ == "__main__":
    run_stage(main)
