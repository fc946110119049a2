"""Raw images -> arrays:  python -m stages.preprocess VARIANT

Reads   data/raw/{train,test}.parquet
Writes  data/processed/VARIANT/{train,test}/images.npy  (n, size, size, channels) uint8 or float32
                                            labels.npy  (n,) int64
                                            tracks.npy  (n,) int32: number of the physical sign, -1 in the test part
        metrics/arrays/VARIANT.json                     how many images, and the md5 of the bytes of each array
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

BYTES = 2**24  # of an array that is a unit of work, at most; of 48 x 48 pixels a row group fits
PROCESSES = cpu_count()
AHEAD = 16  # units of work a process, whose arrays may wait in memory


def main() -> str:
    name = argument("variant", section_names("preprocess"))
    variant = load_section(Variant, "preprocess", name)
    written = {}
    for part in ("train", "test"):
        raw, out = Path(f"data/raw/{part}.parquet"), Path(f"data/processed/{name}/{part}")
        labels, tracks = tables.read_labels_and_tracks(raw)
        written[part] = {
            "images": len(labels),
            "images_md5": write_images(raw, out / "images.npy", variant, label=f"{name} {part}"),
            "labels_md5": write_array(out / "labels.npy", labels),
            "tracks_md5": write_array(out / "tracks.npy", tracks),
        }
    write_json(Path(f"metrics/arrays/{name}.json"), written)
    shape = " x ".join(map(str, variant.shape))
    images = " and ".join(f"{of_part['images']:,} {part}" for part, of_part in written.items())
    return f"{images} images of {shape} {variant.dtype}"


def write_images(raw: Path, out: Path, variant: Variant, *, label: str) -> str:
    """Every image of the table `raw`, preprocessed, into one array, whose md5 it returns."""
    shape = (pq.read_metadata(raw).num_rows, *variant.shape)
    with Bar(desc=label, total=shape[0], unit=" images") as bar:
        return write_rows(out, preprocess_table(raw, variant, bar), shape=shape, dtype=np.dtype(variant.dtype))


def preprocess_table(raw: Path, variant: Variant, bar: Bar) -> Iterator[np.ndarray]:
    """The images of the table in order, made on all cores; they wait for a disk that is slower, so that memory has a bound."""
    most = max(1, BYTES // np.zeros(variant.shape, variant.dtype).nbytes)
    groups = pq.read_metadata(raw)
    units = [
        (raw.absolute(), group, start, most)
        for group in range(groups.num_row_groups)
        for start in range(0, groups.row_group(group).num_rows, most)
    ]
    with warnings.catch_warnings(), Parallel(PROCESSES, batch_size=1, return_as="generator") as parallel:
        warnings.filterwarnings("ignore", "[0-9]+ tasks which were")  # ... cancelled, since the disk got full
        for i in range(0, len(units), AHEAD * PROCESSES):
            for part in parallel(delayed(preprocess_rows)(*unit, variant) for unit in units[i : i + AHEAD * PROCESSES]):
                bar.update(len(part))
                yield part


def preprocess_rows(raw: Path, group: int, start: int, most: int, variant: Variant) -> np.ndarray:
    """(n, size, size, channels) of a row group's images from `start` on, `most` or as many as there are."""
    rows = tables.read_group(raw, group)[start : start + most]
    return np.stack([preprocess(tables.decode_ppm(image), Box(*box), variant) for image, *box in rows])


if __name__ == "__main__":
    run_stage(main)
