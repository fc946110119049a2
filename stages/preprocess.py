"""Raw images -> arrays:  python -m stages.preprocess VARIANT

Reads   data/raw/{train,test}.parquet
Writes  data/processed/VARIANT/{train,test}/images.npy  (n, size, size, 3) uint8 or float32
                                            labels.npy  (n,) int64
                                            tracks.npy  (n,) int32: number of the physical sign, -1 in the test part
"""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from joblib import Parallel, delayed
from tqdm import tqdm

from gtsrb import params, tables
from gtsrb.errors import argument, run
from gtsrb.images import Box, preprocess
from gtsrb.outputs import whole
from gtsrb.sections import Variant


def main() -> None:
    variants = params.load().preprocess
    name = argument("variant", variants)
    variant = variants[name]
    for part in ("train", "test"):
        raw, out = Path(f"data/raw/{part}.parquet"), Path(f"data/processed/{name}/{part}")
        out.mkdir(parents=True, exist_ok=True)
        rows = tables.read(raw, ["class_id", "track"])
        tracks = rows.groupby(["class_id", "track"]).ngroup().fillna(-1)
        np.save(out / "labels.npy", rows["class_id"].to_numpy(np.int64))
        np.save(out / "tracks.npy", tracks.to_numpy(np.int32))
        write_images(raw, out / "images.npy", variant, label=f"{name} {part}")


def write_images(raw: Path, out: Path, variant: Variant, *, label: str) -> None:
    """Every image of the table `raw`, preprocessed, into one array: all cores, each a row group of the table at a time."""
    groups = pq.ParquetFile(raw)
    lengths = [groups.metadata.row_group(i).num_rows for i in range(groups.num_row_groups)]
    shape = (sum(lengths), variant.size, variant.size, variant.channels)
    with whole(out) as beside, tqdm(desc=label, total=shape[0], unit=" images") as bar:
        np.lib.format.open_memmap(beside, mode="w+", dtype=variant.dtype, shape=shape).flush()
        jobs = (delayed(write_group)(raw, i, beside, sum(lengths[:i]), variant) for i in range(len(lengths)))
        for done in Parallel(n_jobs=-1, return_as="generator_unordered")(jobs):
            bar.update(done)


def write_group(raw: Path, group: int, out: Path, start: int, variant: Variant) -> int:
    """Preprocesses the images of one row group into `out[start:]`; returns their number."""
    rows = pq.ParquetFile(raw).read_row_group(group).select(["image", *tables.ROI]).to_pydict()
    array = np.load(out, mmap_mode="r+")
    for i, (image, *box) in enumerate(zip(*rows.values(), strict=True), start):
        array[i] = preprocess(tables.decode_ppm(image), Box(*box), variant)
    return len(rows["image"])


if __name__ == "__main__":
    run(main)
