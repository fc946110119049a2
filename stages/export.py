"""Exports the network of one recipe, the first of an ensemble:  python -m stages.export RECIPE

Reads   data/raw/{classes.csv,test.parquet}, data/processed/VARIANT/, models/RECIPE/
        metrics/OTHER/out_of_fold.json  the thresholds of the recipe that `export.thresholds_from` names; and if it is this
                                        one, the temperature of its logits
Writes  data/export/RECIPE/picture*.onnx    a picture of any size in, which the file prepares; with float weights and in int8
        data/export/RECIPE/prepared*        prepared images in, in batches: for ONNX Runtime and for LiteRT, the latter in three
                                            precisions
        metrics/RECIPE/export.json          of picture.onnx, on test images with their boxes and as files, and on pictures
                                            without a sign; and of each file
        metrics/RECIPE/without_sign.csv     how often it names one all the same, by photograph
        metrics/RECIPE/export_calibration.csv  how often answers of a given probability are right

`python -m scripts.publish RECIPE` copies three of these files to pretrained/, which Git keeps.
"""

import hashlib
import json
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

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
from gtsrb.data.arrays import Arrays
from gtsrb.errors import InputError
from gtsrb.evaluation.binned_accuracy import reliability
from gtsrb.evaluation.calibration import calibration_metrics
from gtsrb.evaluation.metrics import accuracy_metrics, class_metrics
from gtsrb.evaluation.photographs import MEASURING
from gtsrb.evaluation.thresholds import read_calibration
from gtsrb.evaluation.without_sign import by_photograph, without_sign_metrics
from gtsrb.networks import ensemble, inference
from gtsrb.networks.build import build_network, shape_of
from gtsrb.outputs import write_csv, write_json
from gtsrb.progress import say
from gtsrb.serving import export, parity, predictor, runtime

PARITY_IMAGES = 500  # test images on which the file is compared with Keras and the pipeline's preprocessing
CHUNK = 500  # images that one call predicts


def main() -> str:
    if (backend := keras.backend.backend()) != "tensorflow":
        raise InputError(f"KERAS_BACKEND={backend} cannot export; only TensorFlow can: run this stage without KERAS_BACKEND")
    name = argument("recipe", section_names("train"))
    recipe, evaluation = load_section(Recipe, "train", name), load_section(Evaluation, "evaluate", name)
    variant = load_section(Variant, "preprocess", recipe.images)
    settings = load_section(Export, "export")
    calibration = read_calibration(settings.thresholds_from[name])
    if settings.thresholds_from[name] != name:
        calibration = calibration._replace(temperature=1.0)
    thresholds = {key: getattr(calibration, key) for key in predictor.THRESHOLDS}
    train, test = (arrays.load(Path(f"data/processed/{recipe.images}/{split}")) for split in ("train", "test"))
    names = arrays.read_class_names()
    weights = ensemble.find_weights(name, 0, evaluation.weights)
    folder, raw = Path(f"data/export/{name}"), Path("data/raw/test.parquet")
    say(f"{device.set_up('cpu', precision='float32', seed=recipe.seed, deterministic=True, threads=None)}, float32")
    model = build_network(recipe.network, **shape_of(test.images, len(names)))
    model.load_weights(weights)
    export.divide_logits(model, calibration.temperature)

    properties = {"license": "MIT", "names": json.dumps(names), "variant": variant.model_dump_json()}
    properties |= {key: str(value) for key, value in thresholds.items()}
    n_changed = export.save_files(folder, model, variant, properties, train.images)

    picture_file = folder / "picture.onnx"
    predictions = {file: predict_table(raw, folder / file, boxes=True) for file in export.PICTURE_FILES}
    predictions |= {file: runtime.open_network(folder / file)(test.images) for file in export.PREPARED_FILES}
    with_boxes, prepared = predictions[picture_file.name], predictions["prepared.onnx"]
    as_files = {file: predict_table(raw, folder / file, boxes=False) for file in export.PICTURE_FILES}
    crops = {file: predict_photographs(folder / file, settings.crops) for file in export.PICTURE_FILES}
    classes = class_metrics(test.labels, with_boxes.argmax(axis=1), names).sort_values("accuracy", kind="stable")
    metrics: dict[str, Any] = {
        "with_boxes": accuracy_metrics(test.labels, with_boxes),
        "as_files": accuracy_metrics(test.labels, as_files[picture_file.name]),
        "most_often_missed": classes.iloc[:3].set_index("name")["accuracy"].to_dict(),  # with boxes
        "seed": recipe.seed,
        "weights_md5": hashlib.md5(weights.read_bytes()).hexdigest(),
        "weights_precision": "float32" if n_changed else "float16",
        "changed_by_float16": n_changed,  # training images whose top class float16 changes
        "parity": {
            **measure_parity(model, picture_file, raw, test, prepared, variant),
            "top_class_changes": int((with_boxes.argmax(axis=1) != prepared.argmax(axis=1)).sum()),  # of all test images
        },
        "temperature": calibration.temperature,  # 1 if there are no out-of-fold predictions to fit it on
        **thresholds,
        "device": device.cpu_name(),
        "files": {file: file_metrics(folder / file, probabilities, test) for file, probabilities in predictions.items()},
    }
    for file in export.PICTURE_FILES:
        metrics["files"][file] |= {
            "errors_as_file": int((as_files[file].argmax(axis=1) != test.labels).sum()),
            "without_sign": without_sign_metrics(predictions[file].max(axis=1), crops[file], **thresholds),
        }
    confidences, photographs = (with_boxes.max(axis=1), crops[picture_file.name]), np.repeat(MEASURING, settings.crops)
    write_csv(Path(f"metrics/{name}/without_sign.csv"), by_photograph(photographs, *confidences, **thresholds))
    write_csv(Path(f"metrics/{name}/export_calibration.csv"), reliability(test.labels, with_boxes))
    write_json(Path(f"metrics/{name}/export.json"), metrics)
    errors = [metrics[kind]["errors"] for kind in ("with_boxes", "as_files")]
    return f"{folder}: {errors[0]} errors with boxes and {errors[1]} as files in {len(test.labels):,} test images"


def measure_parity(
    model: keras.Model, picture_file: Path, raw: Path, test: Arrays, prepared: np.ndarray, variant: Variant
) -> dict[str, Any]:
    """How far the exported files are from Keras and from the pipeline's preprocessing, on the first test images.

    `prepared` are the (n, classes) probabilities of the file that takes prepared images.
    """
    rows = list(islice(chain.from_iterable(tables.read_images(raw, CHUNK)), PARITY_IMAGES))
    n = len(rows)
    return {
        "images": n,
        "keras_max_abs_difference": float(np.abs(prepared[:n] - inference.predict(model, test.images[:n])).max()),
        "input_max_difference": parity.input_difference(rows, picture_file, variant),
    }


def file_metrics(path: Path, probabilities: np.ndarray, test: Arrays) -> dict[str, Any]:
    """`probabilities`: (test images, classes), with boxes."""
    image = None if path.name in export.PICTURE_FILES else test.images[0]
    return {
        "errors": int((probabilities.argmax(axis=1) != test.labels).sum()),
        "calibration_error": calibration_metrics(test.labels, probabilities),  # with an interval over images
        "bytes": path.stat().st_size,
        "milliseconds": runtime.measure_latency(path, image),  # of one answer, on one core
        "md5": hashlib.md5(path.read_bytes()).hexdigest(),
    }


def predict_table(raw: Path, model: Path, *, boxes: bool) -> np.ndarray:
    """(n, classes): the probabilities of all images of the table `raw`, with their boxes, or as files without."""
    chunks = tables.read_images(raw, CHUNK)
    with parallel.open_workers(tables.count_row_groups(raw)) as workers:
        shared = workers.share(Path.read_bytes, model)
        return np.concatenate([*workers.map(partial(parity.predict_rows, chunk, shared, boxes=boxes) for chunk in chunks)])


def predict_photographs(model: Path, crops: int) -> np.ndarray:
    """(MEASURING x crops,) probabilities of the first answers, one photograph after the other."""
    with parallel.open_workers(len(MEASURING)) as workers:
        shared = workers.share(Path.read_bytes, model)
        calls = (partial(parity.predict_photograph, photograph, crops, shared) for photograph in MEASURING)
        return np.concatenate([*workers.map(calls)])


if __name__ == "__main__":
    run_stage(main)
