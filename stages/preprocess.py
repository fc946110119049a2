"""Raw images -> arrays:  python -m stages.preprocess VARIANT

Reads   data/raw/{train,test}.parquet
Writes  data/processed/VARIANT/{train,test}/images.npy  (n, size, size, channels) uint8 or float32
                                            labels.npy  (n,) int64
                                            tracks.npy  (n,) int32: number of the physical sign, -1 in the test split
        metrics/arrays/VARIANT.json                     the number of images, and the md5 of each array's bytes
"""

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from joblib import Parallel, cpu_count, delayed

from gtsrb.command_line import argument, run_stage
from gtsrb.config.load import load_section, section_names
from gtsrb.config.preprocess import Variant
from gtsrb.data import tables
from gtsrb.outputs import write_array, write_json, write_rows
from gtsrb.preprocessing.crop import Box
from gtsrb.preprocessing.preprocess import preprocess
from gtsrb.progress import Bar

CHUNK_BYTES = 2**24  # at most, of the array that one task computes; at 48 x 48 pixels a row group fits
PROCESSES = cpu_count()
PENDING_PER_PROCESS = 16  # tasks per process whose arrays may wait in memory


def main() -> str:
    name = argument("variant", section_names("preprocess"))
    variant = load_section(Variant, "preprocess", name)
    metrics = {}
    for split in ("train", "test"):
        raw, out = Path(f"data/raw/{split}.parquet"), Path(f"data/processed/{name}/{split}")
        labels, tracks = tables.read_labels_and_tracks(raw)
        metrics[split] = {
            "images": len(labels),
            "images_md5": write_images(raw, out / "images.npy", variant, label=f"{name} {split}"),
            "labels_md5": write_array(out / "labels.npy", labels),
            "tracks_md5": write_array(out / "tracks.npy", tracks),
        }
    write_json(Path(f"metrics/arrays/{name}.json"), metrics)
    shape = " x ".join(map(str, variant.shape))
    images = " and ".join(f"{split_metrics['images']:,} {split}" for split, split_metrics in metrics.items())
    return f"{images} images of {shape} {variant.dtype}"


def write_images(raw: Path, out: Path, variant: Variant, *, label: str) -> str:
    """Preprocesses every image of the table `raw` into the .npy file `out`; returns the md5 of the array's bytes."""
    shape = (pq.read_metadata(raw).num_rows, *variant.shape)
    with Bar(desc=label, total=shape[0], unit=" images") as bar:
        return write_rows(out, preprocess_table(raw, variant, bar), shape=shape, dtype=np.dtype(variant.dtype))


def preprocess_table(raw: Path, variant: Variant, bar: Bar) -> Iterator[np.ndarray]:
    """Yields chunks of preprocessed images in the order of the table, computed on all cores.

    Computation waits for a slower disk, so that memory use is bounded.
    """
    chunk_size = max(1, CHUNK_BYTES // np.zeros(variant.shape, variant.dtype).nbytes)
    metadata = pq.read_metadata(raw)
    tasks = [
        (raw.absolute(), group, start, chunk_size)
        for group in range(metadata.num_row_groups)
        for start in range(0, metadata.row_group(group).num_rows, chunk_size)
    ]
    with warnings.catch_warnings(), Parallel(PROCESSES, batch_size=1, return_as="generator") as parallel:
        warnings.filterwarnings("ignore", "[0-9]+ tasks which were")  # ... cancelled, because the disk is full
        batch_size = PENDING_PER_PROCESS * PROCESSES
        for i in range(0, len(tasks), batch_size):
            for chunk in parallel(delayed(preprocess_rows)(*task, variant) for task in tasks[i : i + batch_size]):
                bar.update(len(chunk))
                yield chunk


def preprocess_rows(raw: Path, group: int, start: int, count: int, variant: Variant) -> np.ndarray:
    """The preprocessed images of a row group from row `start` on, at most `count`: (n, size, size, channels)."""
    rows = tables.read_row_group(raw, group)[start : start + count]
    return np.stack([preprocess(tables.decode_ppm(image), Box(*box), variant) for image, *box in rows])


if __name__ == "__main__":
    run_stage(main)
