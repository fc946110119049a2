"""Compares each pair of recipes on the test set:  python -m stages.compare

Reads   metrics/RECIPE/predictions.csv of every recipe of params.yaml
Writes  metrics/comparison.json
"""

from itertools import combinations
from pathlib import Path

from gtsrb.command_line import run_stage
from gtsrb.config.load import section_names
from gtsrb.evaluation import predictions, significance
from gtsrb.outputs import write_json


def main() -> str:
    tables = {name: predictions.read(name) for name in section_names("evaluate")}
    pairs = {
        f"{first}_vs_{second}": significance.compare(tables[first], tables[second], (first, second))
        for first, second in combinations(tables, 2)
    }
    write_json(Path("metrics/comparison.json"), pairs)
    images = len(next(iter(tables.values())))
    return f"{', '.join(tables)} on {images:,} test images, in pairs"


if __name__ == "__main__":
    run_stage(main)
