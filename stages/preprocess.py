"""Raw images -> arrays:  python -m stages.preprocess VARIANT

Reads   data/raw/{train,test}.parquet
Writes  data/processed/VARIANT/{train,test}/images.npy  (n, size, size, channels) uint8 or float32
                                            labels.npy  (n,) int64
                                            tracks.npy  (n,) int32: number of the physical sign, -1 in the test split
        data/processed/VARIANT/none/                    the same of no image: what recipes without synthetic images read
        metrics/arrays/VARIANT.json                     the number of images, and the md5 of each array's bytes
"""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from gtsrb import parallel
from gtsrb.command_line import argument, run_stage
from gtsrb.config.load import load_section, section_names
from gtsrb.config.preprocess import Variant
from gtsrb.data import tables
from gtsrb.outputs import write_array, write_json, write_rows
from gtsrb.parallel import Workers
from gtsrb.preprocessing.preprocess import preprocess_rows
from gtsrb.progress import Bar

CHUNK_BYTES = 2**24  # at most, of the array that one call computes; at 48 x 48 pixels a row group fits


def main() -> str:
    name = argument("variant", section_names("preprocess"))
    variant = load_section(Variant, "preprocess", name)
    metrics = {}
    raws = {split: Path(f"data/raw/{split}.parquet") for split in ("train", "test")}
    with parallel.open_workers(tables.count_row_groups(raws["train"])) as workers:
        for split, raw in raws.items():
            metrics[split] = write_arrays(raw, Path(f"data/processed/{name}/{split}"), variant, workers, f"{name} {split}")
    write_no_arrays(Path(f"data/processed/{name}/none"), variant)
    write_json(Path(f"metrics/arrays/{name}.json"), metrics)
    shape = " x ".join(map(str, variant.shape))
    images = " and ".join(f"{split_metrics['images']:,} {split}" for split, split_metrics in metrics.items())
    return f"{images} images of {shape} {variant.dtype}"


def write_arrays(raw: Path, out: Path, variant: Variant, workers: Workers, label: str) -> dict[str, Any]:
    """Writes the three arrays of the table `raw` to the folder `out`; returns their number of images and their md5."""
    labels, tracks = tables.read_labels_and_tracks(raw)
    return {
        "images": len(labels),
        "images_md5": write_images(raw, out / "images.npy", variant, workers, label=label),
        "labels_md5": write_array(out / "labels.npy", labels),
        "tracks_md5": write_array(out / "tracks.npy", tracks),
    }


def write_no_arrays(out: Path, variant: Variant) -> None:
    """Writes the three arrays of no image to the folder `out`."""
    write_array(out / "images.npy", np.empty((0, *variant.shape), variant.dtype))
    write_array(out / "labels.npy", np.empty(0, np.int64))
    write_array(out / "tracks.npy", np.empty(0, np.int32))


def write_images(raw: Path, out: Path, variant: Variant, workers: Workers, *, label: str) -> str:
    """Preprocesses every image of the table `raw` into the .npy file `out`; returns the md5 of the array's bytes.

    Computation waits for a slower disk, so that memory does not grow with the number of images.
    """
    shape, dtype = (pq.read_metadata(raw).num_rows, *variant.shape), np.dtype(variant.dtype)
    at_most = max(1, CHUNK_BYTES // np.zeros(variant.shape, dtype).nbytes)
    calls = (partial(preprocess_rows, rows, variant) for rows in tables.read_images(raw, at_most))
    with Bar(desc=label, total=shape[0], unit=" images") as bar:
        return write_rows(out, count(workers.map(calls), bar), shape=shape, dtype=dtype)


def count(chunks: Iterable[np.ndarray], bar: Bar) -> Iterator[np.ndarray]:
    """`chunks` as they are; the bar advances by their images."""
    for chunk in chunks:
        yield chunk
        bar.update(len(chunk))


if __name__ == "__main__":
    run_stage(main)
