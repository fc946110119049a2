"""Compares each pair of recipes on the test images:  python -m stages.compare

Reads   data/raw/test.parquet (the classes), data/predictions/
Writes  metrics/comparison.json
"""

from itertools import combinations
from pathlib import Path

import numpy as np

from gtsrb import params, tables
from gtsrb.errors import run
from gtsrb.metrics import mcnemar
from gtsrb.outputs import write_json


def main() -> None:
    recipes = params.load().evaluate
    labels = tables.read(Path("data/raw/test.parquet"), ["class_id"])["class_id"].to_numpy()
    predictions = {name: np.load(f"data/predictions/{name}.npy").argmax(axis=1) for name in recipes}
    pairs = {
        f"{first}_vs_{second}": mcnemar(labels, predictions[first], predictions[second])
        for first, second in combinations(predictions, 2)
    }
    write_json(Path("metrics/comparison.json"), pairs)


if __name__ == "__main__":
    run(main)
