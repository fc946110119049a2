"""Files are written completely or not at all."""

import errno
import hashlib
import json
import shutil
from collections import namedtuple

import numpy as np
import pandas as pd
import pytest

from gtsrb.errors import InputError
from gtsrb.outputs import atomic_write, write_array, write_csv, write_json, write_rows

ARRAYS = {
    "bytes": np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
    "floats": np.linspace(0, 1, 12, dtype=np.float32).reshape(4, 3),
    "numbers": np.arange(5, dtype=np.int64),
    "not contiguous": np.arange(24, dtype=np.uint8).reshape(4, 6)[:, ::2],
    "no rows": np.zeros((0, 3), np.float32),
}


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "deep" / "metrics.json"
    write_json(path, {"a": 1})
    with pytest.raises(RuntimeError), atomic_write(path) as temporary_path:
        temporary_path.write_text("half")
        raise RuntimeError
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(path.parent.iterdir()) == [path]


def test_json_has_six_decimals_and_csv_nine_significant_digits(tmp_path):
    write_json(tmp_path / "a.json", {"x": 1 / 3, "n": 7, "pair": {"p": 2e-9 / 3}, "name": "b"})
    assert (tmp_path / "a.json").read_text().endswith("}\n")
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": 0.333333, "n": 7, "pair": {"p": 6.67e-10}, "name": "b"}
    write_csv(tmp_path / "a.csv", pd.DataFrame({"n": [1, 2], "x": [1 / 3, None]}))
    assert (tmp_path / "a.csv").read_text() == "n,x\n1,0.333333333\n2,\n"


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_is_written_as_numpy_saves_it_at_once_or_in_chunks(tmp_path, name):
    array = np.ascontiguousarray(ARRAYS[name])
    np.save(tmp_path / "numpy.npy", array)
    md5 = write_array(tmp_path / "at_once.npy", ARRAYS[name])
    chunks = (ARRAYS[name][i : i + 1] for i in range(len(array)))
    assert write_rows(tmp_path / "chunks.npy", chunks, shape=array.shape, dtype=array.dtype) == md5
    assert md5 == hashlib.md5(array.tobytes()).hexdigest()
    for file in ("at_once", "chunks"):
        assert (tmp_path / f"{file}.npy").read_bytes() == (tmp_path / "numpy.npy").read_bytes()


@pytest.fixture
def set_free_space(monkeypatch):
    """Makes every disk report this many free bytes."""
    usage = namedtuple("usage", "total used free")
    return lambda size: monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12 - size, size))


def test_an_array_larger_than_the_free_space_is_not_started(tmp_path, set_free_space):
    set_free_space(1_500_000)
    with pytest.raises(InputError) as error:
        write_rows(tmp_path / "a.npy", iter("never read"), shape=(2, 10**6), dtype=np.dtype(np.uint8))
    assert str(error.value) == (
        f"{tmp_path}/a.npy: No space left on device: 2.0 MB needed, 1.5 MB free; free some space and run this again"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("code", "reason"),
    [(errno.ENOSPC, "No space left on device"), (errno.EDQUOT, "Disk quota exceeded")],
    ids=["disk", "quota"],
)
def test_a_disk_that_fills_up_is_one_line_and_leaves_nothing_half_written(tmp_path, set_free_space, code, reason):
    write_json(tmp_path / "a.json", {"a": 1})
    set_free_space(3_100_000)
    with pytest.raises(InputError) as error, atomic_write(tmp_path / "a.json") as temporary_path:
        temporary_path.write_bytes(bytes(3_000_000))
        raise OSError(code, "as the system says it")
    needed = "more than 3.0 MB needed, 3.1 MB free"
    assert str(error.value) == f"{tmp_path}/a.json: {reason}: {needed}; free some space and run this again"
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_another_disk_error_is_not_reported_as_a_full_disk(tmp_path):
    with pytest.raises(OSError, match="broken") as error, atomic_write(tmp_path / "a.json"):
        raise OSError(errno.EIO, "broken")
    assert error.value.errno == errno.EIO
