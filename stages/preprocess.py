"""Raw images -> arrays:  python -m stages.preprocess VARIANT

Reads   data/raw/{train,test}.parquet
Writes  data/processed/VARIANT/{train,test}/images.npy  (n, size, size, channels) uint8 or float32
                                            labels.npy  (n,) int64
                                            tracks.npy  (n,) int32: number of the physical sign, -1 in the test part
        metrics/arrays/VARIANT.json                     how many images, and the md5 of the bytes of each array
"""

import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from joblib import Parallel, cpu_count, delayed
from tqdm import tqdm

from gtsrb import params, tables
from gtsrb.errors import argument, run
from gtsrb.images import Box, preprocess
from gtsrb.outputs import write_array, write_json, write_rows
from gtsrb.sections import Variant

IMAGES, BYTES = 128, 2**22  # of a unit of work, at most: raw images, bytes of the array
PROCESSES = cpu_count()
AHEAD = 32  # units of work a process, whose results may wait in memory


def main() -> None:
    variants = params.load().preprocess
    name = argument("variant", variants)
    written = {}
    for part in ("train", "test"):
        raw, out = Path(f"data/raw/{part}.parquet"), Path(f"data/processed/{name}/{part}")
        labels, tracks = tables.labels_and_tracks(raw)
        written[part] = {
            "images": len(labels),
            "images_md5": write_images(raw, out / "images.npy", variants[name], label=f"{name} {part}"),
            "labels_md5": write_array(out / "labels.npy", labels),
            "tracks_md5": write_array(out / "tracks.npy", tracks),
        }
    write_json(Path(f"metrics/arrays/{name}.json"), written)


def write_images(raw: Path, out: Path, variant: Variant, *, label: str) -> str:
    """Every image of the table `raw`, preprocessed, into one array, whose md5 it returns."""
    table = pq.ParquetFile(raw)
    shape = (table.metadata.num_rows, *variant.shape)
    with tqdm(desc=label, total=shape[0], unit=" images") as bar:
        return write_rows(out, preprocessed(table, variant, bar), shape=shape, dtype=np.dtype(variant.dtype))


def preprocessed(table: pq.ParquetFile, variant: Variant, bar: tqdm) -> Iterator[np.ndarray]:
    """The images of the table in order, made on all cores; they wait for a disk that is slower, so that memory has a bound."""
    images = max(1, min(IMAGES, BYTES // np.zeros(variant.shape, variant.dtype).nbytes))
    groups = range(table.num_row_groups)
    units = sum(-(-table.metadata.row_group(group).num_rows // images) for group in groups)
    jobs = (
        delayed(preprocess_rows)(batch.to_pydict(), variant)
        for group in groups
        for batch in table.iter_batches(images, [group], ["image", *tables.ROI])
    )
    with warnings.catch_warnings(), Parallel(PROCESSES, batch_size=1, return_as="generator") as parallel:
        warnings.filterwarnings("ignore", "[0-9]+ tasks which were")  # ... cancelled, since the disk got full
        for _ in range(0, units, AHEAD * PROCESSES):
            for part in parallel(islice(jobs, AHEAD * PROCESSES)):
                bar.update(len(part))
                yield part


def preprocess_rows(rows: dict[str, list], variant: Variant) -> np.ndarray:
    """(n, size, size, channels) of n rows of a table's columns."""
    images = zip(*rows.values(), strict=True)
    return np.stack([preprocess(tables.decode_ppm(image), Box(*box), variant) for image, *box in images])


if __name__ == "__main__":
    run(main)
