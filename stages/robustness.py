"""Measures what one recipe bears:  python -m stages.robustness RECIPE

Reads   data/raw/test.parquet, models/RECIPE/
Writes  metrics/RECIPE/robustness.csv  a row for each degradation and strength: images, errors, accuracy

One network, one view, on a stratified sample of the test images, degraded before they are preprocessed.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.model_selection import train_test_split
from tqdm import tqdm

from gtsrb import device, networks, params, tables
from gtsrb.degradations import KINDS
from gtsrb.errors import argument, run
from gtsrb.images import Box, preprocess
from gtsrb.outputs import write_csv
from gtsrb.sections import Robustness, Variant


def main() -> None:
    everything = params.load()
    name = argument("recipe", everything.train)
    recipe, settings = everything.train[name], everything.robustness
    variant = everything.preprocess[recipe.images]
    rows = sample(tables.read(Path("data/raw/test.parquet")), settings)
    labels = rows["class_id"].to_numpy()
    classes = len(pd.read_csv("data/raw/classes.csv"))
    device.set_up(recipe.device, precision=recipe.precision, seed=recipe.seed, deterministic=recipe.deterministic)
    model = networks.build(recipe.network, size=variant.size, dtype=variant.dtype, classes=classes)
    model.load_weights(networks.weights_file(name, recipe.seed, everything.evaluate[name].weights))

    steps = [("none", 0.0)] + [(kind, strength) for kind, strengths in settings.strengths for strength in strengths]
    results = []
    for kind, strength in tqdm(steps, desc=f"{name} robustness"):
        images = degraded(rows, kind, strength, settings.seed, variant)
        errors = int((networks.predict(model, images).argmax(axis=1) != labels).sum())
        results.append({"degradation": kind, "strength": strength, "images": len(rows), "errors": errors})
    table = pd.DataFrame(results)
    table["accuracy"] = 1 - table["errors"] / table["images"]
    write_csv(Path(f"metrics/{name}/robustness.csv"), table)


def sample(rows: pd.DataFrame, settings: Robustness) -> pd.DataFrame:
    """`settings.images` rows, each class in its proportion; all, if there are no more."""
    if settings.images >= len(rows):
        return rows
    chosen, _ = train_test_split(
        np.arange(len(rows)), train_size=settings.images, stratify=rows["class_id"], random_state=settings.seed
    )
    return rows.iloc[np.sort(chosen)]


def degraded(rows: pd.DataFrame, kind: str, strength: float, seed: int, variant: Variant) -> np.ndarray:
    """(n, size, size, 3): every image degraded, then preprocessed; the draws are the same for all recipes and strengths."""
    boxes = rows[tables.ROI].itertuples(index=False)
    jobs = (
        delayed(_degraded)(image, Box(*box), kind, strength, [seed, i], variant)
        for i, (image, box) in enumerate(zip(rows["image"], boxes, strict=True))
    )
    return np.stack(Parallel(n_jobs=-1)(jobs))


def _degraded(image: bytes, box: Box, kind: str, strength: float, seed: list[int], variant: Variant) -> np.ndarray:
    pixels = tables.decode_ppm(image)
    if kind != "none":
        pixels = KINDS[kind](pixels, strength, np.random.default_rng(seed))
    return preprocess(pixels, box, variant)


if __name__ == "__main__":
    run(main)
