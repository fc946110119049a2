"""Measures the robustness of one recipe:  python -m stages.robustness RECIPE

Reads   data/raw/{classes.csv,test.parquet}, models/RECIPE/
Writes  metrics/RECIPE/robustness.json  {corruption: {severity: accuracy}}; "none" is the sample without corruption
        metrics/RECIPE/robustness.csv   the same with images and errors, one row per corruption and severity

One member, without test-time augmentation, on a stratified sample of the raw test images, corrupted before preprocessing.
"""

from functools import partial
from itertools import chain, islice
from pathlib import Path

import numpy as np
import pandas as pd

from gtsrb import parallel
from gtsrb.command_line import argument, run_stage
from gtsrb.config.evaluate import Evaluation
from gtsrb.config.load import load_section, section_names
from gtsrb.config.preprocess import Variant
from gtsrb.config.robustness import Robustness
from gtsrb.config.train import Recipe
from gtsrb.data import arrays, tables
from gtsrb.evaluation.corruptions import corrupt_and_preprocess
from gtsrb.networks import ensemble, inference
from gtsrb.networks.build import build_network
from gtsrb.outputs import write_csv, write_json
from gtsrb.progress import Bar

CHUNK = 250  # images that one call corrupts


def main() -> str:
    name = argument("recipe", section_names("train"))
    recipe, evaluation = load_section(Recipe, "train", name), load_section(Evaluation, "evaluate", name)
    variant, settings = load_section(Variant, "preprocess", recipe.images), load_section(Robustness, "robustness")
    raw_file = Path("data/raw/test.parquet")
    rows = sample_images(tables.read(raw_file, ["class_id"]), settings)
    labels, sampled = rows["class_id"].to_numpy(), set(rows.index)
    weights = ensemble.find_weights(name, 0, evaluation.weights)
    inference.set_up_device(recipe)
    model = build_network(
        recipe.network,
        size=variant.size,
        channels=variant.channels,
        dtype=variant.dtype,
        classes=len(arrays.read_class_names()),
    )
    model.load_weights(weights)

    results = []
    in_order = enumerate(chain.from_iterable(tables.read_images(raw_file, CHUNK)))
    numbered = [(number, *row) for number, row in enumerate(row for i, row in in_order if i in sampled)]
    chunks = [numbered[start : start + CHUNK] for start in range(0, len(numbered), CHUNK)]
    steps = [("none", 0, 0.0)]
    steps += [(kind, level, severity) for kind, values in settings.severities for level, severity in enumerate(values, 1)]
    with parallel.open_workers(len(steps) * len(chunks)) as workers:
        corrupted = workers.map(
            partial(corrupt_and_preprocess, chunk, kind, severity, settings.seed, variant)
            for kind, _, severity in steps
            for chunk in chunks
        )
        for kind, level, severity in Bar(steps, desc="corrupting and testing", unit=" corruptions"):
            images = np.concatenate([*islice(corrupted, len(chunks))])
            errors = int((inference.predict(model, images).argmax(axis=1) != labels).sum())
            step = {"corruption": kind, "level": level, "severity": severity}
            results.append(step | {"images": len(rows), "errors": errors, "accuracy": 1 - errors / len(rows)})
    table = pd.DataFrame(results)
    write_csv(Path(f"metrics/{name}/robustness.csv"), table)
    write_json(Path(f"metrics/{name}/robustness.json"), nest(table))
    clean, *rest = table["accuracy"]
    return f"{clean:.2%} of {len(rows):,} test images right, {np.mean(rest):.2%} on average when corrupted"


def sample_images(rows: pd.DataFrame, settings: Robustness) -> pd.DataFrame:
    """Stratified sample of `settings.images` rows, each class in proportion to within one image; all rows if there are fewer.

    Systematic sampling: rows are shuffled, sorted by class, and taken at equal distances.
    """
    shuffled = np.random.default_rng(settings.seed).permutation(len(rows))
    by_class = shuffled[np.argsort(rows["class_id"].to_numpy()[shuffled], kind="stable")]
    images = min(settings.images, len(rows))
    return rows.iloc[np.sort(by_class[np.arange(images) * len(rows) // images])]


def nest(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """One row per corruption and severity -> {corruption: {severity: accuracy}}."""
    return {
        str(kind): {f"{severity:g}": accuracy for severity, accuracy in zip(rows["severity"], rows["accuracy"], strict=True)}
        for kind, rows in table.groupby("corruption", sort=False)
    }


if __name__ == "__main__":
    run_stage(main)
