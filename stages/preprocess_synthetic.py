"""Synthetic training images -> arrays:  python -m stages.preprocess_synthetic SET

Reads   data/synthetic/SET/train.parquet
Writes  data/processed/VARIANT/SET/{images,labels,tracks}.npy  as stages/preprocess.py has them, of the set's variant
        metrics/arrays/SET.json
"""

from pathlib import Path

from gtsrb import parallel
from gtsrb.command_line import argument, run_stage
from gtsrb.config.load import load_section, section_names
from gtsrb.config.preprocess import Variant
from gtsrb.config.render import SyntheticSet
from gtsrb.data import tables
from gtsrb.outputs import write_json
from stages.preprocess import write_arrays


def main() -> str:
    name = argument("set", section_names("render"))
    images = load_section(SyntheticSet, "render", name).images
    variant = load_section(Variant, "preprocess", images)
    raw = Path(f"data/synthetic/{name}/train.parquet")
    with parallel.open_workers(tables.count_row_groups(raw)) as workers:
        metrics = write_arrays(raw, Path(f"data/processed/{images}/{name}"), variant, workers, f"{images} {name}")
    write_json(Path(f"metrics/arrays/{name}.json"), {"train": metrics})
    shape = " x ".join(map(str, variant.shape))
    return f"{metrics['images']:,} synthetic images of {shape} {variant.dtype}"


if __name__ == "__main__":
    run_stage(main)
