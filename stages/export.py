"""Exports one recipe, of an ensemble its first network:  python -m stages.export RECIPE

Reads   data/raw/classes.csv, data/processed/VARIANT/, models/RECIPE/,
        metrics/{dataset,RECIPE/training}.json              for the model card
Writes  pretrained/RECIPE.onnx, pretrained/RECIPE.md        the network for `python -m gtsrb.predict`, and its model card
        data/litert/RECIPE.tflite                           the network for LiteRT
        metrics/RECIPE/export.json                          what was measured of the ONNX file
"""

import hashlib
import json
from pathlib import Path

import numpy as np

from gtsrb import arrays, card, device, export, networks, params
from gtsrb.errors import argument, run
from gtsrb.metrics import accuracy_figures, class_figures
from gtsrb.outputs import whole, write_json

PARITY = 200  # test images whose probabilities are compared with Keras'


def main() -> None:
    everything = params.load()
    name = argument("recipe", everything.train)
    recipe, unsure_below = everything.train[name], everything.export.unsure_below
    variant = everything.preprocess[recipe.images]
    train, test = (arrays.load(Path(f"data/processed/{recipe.images}/{part}")) for part in ("train", "test"))
    names = arrays.class_names()
    weights, path = networks.weights_file(name, recipe.seed, everything.evaluate[name].weights), Path(f"pretrained/{name}.onnx")
    machine = device.set_up("cpu", precision="float32", seed=recipe.seed, deterministic=True)
    model = networks.build(recipe.network, **networks.shape_of(test.images, len(names)))
    model.load_weights(weights)

    properties = {"names": json.dumps(names), "variant": variant.model_dump_json(), "unsure_below": str(unsure_below)}
    changed = export.save(path, model, properties, train.images)
    export.save_litert(Path(f"data/litert/{name}.tflite"), model)

    probabilities = export.predict(export.session(path), test.images)
    difference = np.abs(probabilities[:PARITY] - networks.predict(model, test.images[:PARITY])).max()
    classes = class_figures(test.labels, probabilities.argmax(axis=1), names).sort_values("accuracy", kind="stable")
    figures = accuracy_figures(test.labels, probabilities) | {
        "most_often_missed": classes.iloc[:3].set_index("name")["accuracy"].to_dict(),
        "seed": recipe.seed,
        "weights_md5": hashlib.md5(weights.read_bytes()).hexdigest(),
        "weights_precision": "float32" if changed else "float16",
        "changed_by_float16": changed,  # top classes of training images
        "onnx_md5": hashlib.md5(path.read_bytes()).hexdigest(),
        "onnx_bytes": path.stat().st_size,
        "parity_images": PARITY,
        "greatest_difference": float(difference),
        "unsure_below": unsure_below,
        "latency_ms": round(export.latency(path, test.images[0]), 2),
        "latency_runs": export.LATENCY_RUNS,
        "device": machine.name,
    }
    write_json(Path(f"metrics/{name}/export.json"), figures)

    sources = {"dataset": "dataset", "training": f"{name}/training", "export": f"{name}/export"}  # as rounded
    found = {what: json.loads(Path(f"metrics/{source}.json").read_text()) for what, source in sources.items()}
    with whole(Path(f"pretrained/{name}.md")) as beside:
        beside.write_text(card.text(name, recipe, variant, **found))
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB, {figures['accuracy']:.2%}, {figures['latency_ms']} ms an image")


if __name__ == "__main__":
    run(main)
