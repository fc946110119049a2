"""The stage `preprocess`: arrays in the order of the tables, complete, and the same on any number of processes."""

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from raw_tables import make_noise_rows, write_table

from gtsrb.config import params
from gtsrb.data import tables
from gtsrb.errors import InputError
from gtsrb.preprocessing.crop import Box
from gtsrb.preprocessing.preprocess import preprocess
from stages import preprocess as stage

VARIANT = params.load(ROOT / "params.yaml").preprocess["plain"]


def write_raw(folder: Path, n: int) -> pd.DataFrame:
    """Writes `n` training images and one test image per class, as ingest does; returns the training images."""
    rows = make_noise_rows(n)
    test = [(filename, class_id, None, None, *rest) for filename, class_id, _, _, *rest in (rows[0], rows[-1])]
    for split, split_rows in (("train", rows), ("test", test)):
        write_table(folder / f"data/raw/{split}.parquet", split_rows)
    shutil.copyfile(ROOT / "params.yaml", folder / "params.yaml")
    return tables.to_frame(rows)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["stages.preprocess", "plain"])
    monkeypatch.setattr(stage, "CHUNK_BYTES", 7 * 48 * 48 * 3)  # several calls ...
    monkeypatch.setattr(tables, "GROUP_ROWS", 20)  # ... for each of several row groups
    return tmp_path


@pytest.mark.seconds
def test_arrays_in_the_order_of_the_table_and_their_md5(workspace: Path) -> None:
    rows = write_raw(workspace, 50)
    stage.main()
    folder = workspace / "data/processed/plain/train"
    images, labels, tracks = (np.load(folder / f"{name}.npy") for name in ("images", "labels", "tracks"))
    boxes = rows[tables.ROI].itertuples(index=False)
    expected = [preprocess(tables.decode_ppm(ppm), Box(*box), VARIANT) for ppm, box in zip(rows["image"], boxes, strict=True)]
    assert (images == np.stack(expected)).all()
    assert labels.tolist() == rows["class_id"].tolist() and labels.dtype == np.int64
    assert tracks.tolist() == list(range(50)) and tracks.dtype == np.int32
    metrics = json.loads((workspace / "metrics/arrays/plain.json").read_text())
    assert list(metrics) == ["train", "test"]
    assert metrics["train"] == {"images": 50} | {
        f"{name}_md5": hashlib.md5(array.tobytes()).hexdigest()
        for name, array in (("images", images), ("labels", labels), ("tracks", tracks))
    }


@pytest.mark.seconds
def test_the_same_on_any_number_of_processes(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_raw(workspace, 50)
    stage.main()
    expected = (workspace / "data/processed/plain/train/images.npy").read_bytes()
    monkeypatch.setenv("GTSRB_JOBS", "2")
    stage.main()
    assert (workspace / "data/processed/plain/train/images.npy").read_bytes() == expected


def test_a_full_disk_is_one_line_and_nothing_is_half_written(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated: full after the first chunk of images."""
    write_raw(workspace, 50)

    def fill_disk(*_: object) -> Iterator[np.ndarray]:
        yield np.zeros((7, *VARIANT.shape), np.uint8)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(stage, "count", fill_disk)
    message = r"^data/processed/plain/train/images.npy: No space left on device: 0.3 MB needed, \S+ MB free; free some space"
    with pytest.raises(InputError, match=message):
        stage.main()
    assert not [path for path in workspace.rglob("*") if "processed" in path.parts and path.is_file()]


@pytest.mark.slow
@pytest.mark.parametrize("size_is_known", [True, False])
def test_a_really_full_disk(tmp_path: Path, size_is_known: bool) -> None:
    """A small file system in memory on which the arrays do not fit: an error at the start, or during writing."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting a file system is not permitted")
    try:
        write_raw(disk, 400)  # 2.8 MB of arrays, 0.9 MB of images
        code = "import sys; from stages import preprocess as stage; from gtsrb import command_line, outputs;"
        if not size_is_known:
            code += "outputs.shutil.disk_usage = lambda _: type('usage', (), {'free': 10**12});"
        command = [sys.executable, "-c", f"{code} command_line.run(stage.main)", "plain"]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        result = subprocess.run(command, cwd=disk, env=environment, capture_output=True, text=True, check=False)
        assert result.returncode == 1
        (line,) = [line for line in result.stderr.splitlines() if line and "images/s" not in line]
        assert line.startswith("error: data/processed/plain/train/images.npy: No space left on device: 2.8 MB needed, ")
        assert not [path for path in disk.rglob("*") if "processed" in path.parts and path.is_file()]
    finally:
        subprocess.run(["umount", disk], check=True)
