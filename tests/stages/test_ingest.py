"""Ingest: every layout gives the same bytes; problems with the input are named, and then nothing is written."""

import csv
import errno
import io
import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import raw_tables
import yaml
from PIL import Image

from gtsrb.data import gtsrb_source, sign_names, tables
from gtsrb.errors import InputError
from stages import ingest

ROOT = Path(__file__).parents[2]
TREE_COLUMNS = ["Filename", "Width", "Height", "Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2", "ClassId"]
KAGGLE_COLUMNS = [*TREE_COLUMNS[1:], "Path"]
TRAINING_ZIP, TEST_ZIP, GT_ZIP = gtsrb_source.ARCHIVES
FOLDER = "Final_Training/Images/00007/"
IMAGE, TRAIN_CSV, TEST_CSV = f"{FOLDER}00001_00000.ppm", f"{FOLDER}GT-00007.csv", "GT-final_test.csv"

Files = dict[str, bytes]  # path within the data set -> content


def csv_bytes(columns: list[str], rows: list[list], delimiter: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([columns, *rows])
    return text.getvalue().encode()


def random_signs() -> tuple[pd.DataFrame, pd.DataFrame]:
    """43 classes of 2 tracks of 2 frames, and one test image per class: noise, 15 to 20 pixels per side."""
    rng = np.random.default_rng(0)

    def row(filename: str, class_id: int, track: int | None, frame: int | None) -> list:
        width, height = map(int, rng.integers(15, 21, 2))
        pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
        return [filename, class_id, track, frame, width, height, 1, 2, width - 2, height - 1, tables.encode_ppm(pixels)]

    train = [row(f"{t:05d}_{f:05d}.ppm", c, t, f) for c in range(43) for t in range(2) for f in range(2)]
    test = [row(f"{n:05d}.ppm", n * 5 % 43, None, None) for n in range(43)]
    return tuple(pd.DataFrame(rows, columns=tables.SCHEMA.names) for rows in (train, test))


TRAIN, TEST = random_signs()


def tree_files() -> Files:
    """The official files, without the GTSRB/ folder around them, the csv of the test images at the root."""
    files = {}
    for class_id, rows in TRAIN.groupby("class_id"):
        folder = f"Final_Training/Images/{class_id:05d}/"
        files |= {folder + r.filename: r.image for r in rows.itertuples()}
        lines = [[r.filename, r.width, r.height, r.roi_x1, r.roi_y1, r.roi_x2, r.roi_y2, r.class_id] for r in rows.itertuples()]
        files[f"{folder}GT-{class_id:05d}.csv"] = csv_bytes(TREE_COLUMNS, lines, ";")
    files |= {f"Final_Test/Images/{r.filename}": r.image for r in TEST.itertuples()}
    lines = [[r.filename, r.width, r.height, r.roi_x1, r.roi_y1, r.roi_x2, r.roi_y2, r.class_id] for r in TEST.itertuples()]
    files["Final_Test/Images/GT-final_test.test.csv"] = csv_bytes(TREE_COLUMNS[:-1], [line[:-1] for line in lines], ";")
    return files | {TEST_CSV: csv_bytes(TREE_COLUMNS, lines, ";")}


def kaggle_files() -> Files:
    files, train, test = {}, [], []
    for lines, table in ((train, TRAIN), (test, TEST)):
        for r in table.itertuples():
            stem = r.filename.removesuffix(".ppm")
            path = f"Train/{r.class_id}/{r.class_id:05d}_{stem}.png" if table is TRAIN else f"Test/{stem}.png"
            png = io.BytesIO()
            Image.fromarray(tables.decode_ppm(r.image)).save(png, "png")
            files[path] = png.getvalue()
            lines.append([r.width, r.height, r.roi_x1, r.roi_y1, r.roi_x2, r.roi_y2, r.class_id, path])
    csvs = {"Train.csv": csv_bytes(KAGGLE_COLUMNS, train[::-1], ","), "Test.csv": csv_bytes(KAGGLE_COLUMNS, test, ",")}
    return files | csvs | {"Meta/0.png": b"not read"}


TREE, KAGGLE = tree_files(), kaggle_files()


def write_folder(files: Files, folder: Path) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def write_zip(files: Files, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:  # uncompressed
        for name, content in files.items():
            archive.writestr(name, content)


def write_official_zips(files: Files, folder: Path) -> None:
    in_zips = {f"GTSRB/{name}": content for name, content in files.items() if name != TEST_CSV}
    for zip_name, folder_in_zip in ((TRAINING_ZIP, "GTSRB/Final_Training/"), (TEST_ZIP, "GTSRB/Final_Test/")):
        write_zip({name: content for name, content in in_zips.items() if name.startswith(folder_in_zip)}, folder / zip_name)
    write_zip({TEST_CSV: files[TEST_CSV]}, folder / GT_ZIP)


def move(files: Files, old: str, new: str) -> Files:
    return {new if name == old else name: content for name, content in files.items()}


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project with the params of the random signs; GTSRB_DIR is its folder `copy`."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    sha256 = raw_tables.sha256(*(rows.itertuples(index=False, name=None) for rows in (TRAIN, TEST)))
    params["ingest"]["source"] = "gtsrb"
    params["ingest"]["gtsrb"] = {"classes": 43, "train_images": 172, "train_tracks": 86, "test_images": 43, "sha256": sha256}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GTSRB_DIR", str(tmp_path / "copy"))
    return tmp_path


def ingest_error(workspace: Path) -> str:
    """The message of the `InputError` that ingest raises, after a check that it left no file."""
    with pytest.raises(InputError) as error:
        ingest.main()
    assert not list((workspace / "data").rglob("*.*")) and not (workspace / "metrics").exists()
    return str(error.value)


LAYOUTS: dict[str, Callable[[Path], None]] = {
    "official zips": lambda folder: write_official_zips(TREE, folder),
    "tree": lambda folder: write_folder(TREE, folder),
    "tree in GTSRB/": lambda folder: write_folder(TREE, folder / "GTSRB"),
    "csv beside the test images": lambda folder: write_folder(move(TREE, TEST_CSV, f"Final_Test/Images/{TEST_CSV}"), folder),
    "in GTSRB/, csv beside the test images": lambda folder: write_folder(
        move(TREE, TEST_CSV, f"Final_Test/Images/{TEST_CSV}"), folder / "GTSRB"
    ),
    "as unzip leaves it": lambda folder: (
        write_folder({name: content for name, content in TREE.items() if name != TEST_CSV}, folder / "GTSRB"),
        write_folder({TEST_CSV: TREE[TEST_CSV]}, folder),
    ),
    "Kaggle folder": lambda folder: write_folder(KAGGLE, folder),
    "Kaggle folder, one level down": lambda folder: write_folder(KAGGLE, folder / "archive"),
    "Kaggle zip": lambda folder: write_zip(KAGGLE, folder / "archive.zip"),
    "Kaggle zip, one level down": lambda folder: write_zip({f"gtsrb/{n}": c for n, c in KAGGLE.items()}, folder / "a.zip"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_bytes(workspace: Path, layout: str) -> None:
    LAYOUTS[layout](workspace / "copy")
    ingest.main()
    for name, rows in (("train", TRAIN), ("test", TEST)):
        raw_tables.write_table(workspace / f"expected/{name}.parquet", rows.itertuples(index=False, name=None))
        assert (workspace / f"data/raw/{name}.parquet").read_bytes() == (workspace / f"expected/{name}.parquet").read_bytes()


def test_counts_are_those_of_the_data_set(workspace: Path) -> None:
    LAYOUTS["tree"](workspace / "copy")
    ingest.main()
    dataset = json.loads((workspace / "metrics/dataset.json").read_text())
    assert list(dataset) == ["source", "train_images", "test_images", "classes", "train_tracks", "sha256"]
    assert list(dataset.values())[:-1] == ["gtsrb", 172, 43, 43, 86]
    counts = pd.read_csv(workspace / "metrics/class_counts.csv")
    assert counts.values.tolist() == [[class_id, sign_names.SIGN_NAMES[class_id], 4, 1] for class_id in range(43)]


def test_synthetic_signs(workspace: Path) -> None:
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["ingest"]["source"] = "synthetic"
    params["ingest"]["synthetic"] |= {"tracks_per_class": 2, "frames_per_track": 1, "test_images_per_class": 1}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    ingest.main()
    assert json.loads(Path("metrics/dataset.json").read_text())["train_images"] == 86
    assert set(tables.read(Path("data/raw/test.parquet"))["class_id"]) == set(range(43))


def replace(old: str, new: str, name: str = TRAIN_CSV, files: Files = TREE) -> Files:
    """`files` with the first `old` in the file `name` replaced."""
    assert old.encode() in files[name]
    return files | {name: files[name].replace(old.encode(), new.encode(), 1)}


def without(*names: str, files: Files = TREE) -> Files:
    return {name: content for name, content in files.items() if name not in names}


def with_line(name: str, **values: object) -> Files:
    """TREE with these values in the row of image 00001_00000 of class 7 in the csv file `name`."""
    table = list(csv.DictReader(io.StringIO(TREE[name].decode()), delimiter=";"))
    table[2] |= {key.replace("_", "."): value for key, value in values.items()}
    return TREE | {name: csv_bytes(TREE_COLUMNS, [list(line.values()) for line in table], ";")}


def png(mode: str) -> bytes:
    width, height = Image.open(io.BytesIO(KAGGLE["Test/00003.png"])).size
    data = io.BytesIO()
    Image.new(mode, (width, height)).save(data, "png")
    return data.getvalue()


NO_CLASS_ID = TREE["Final_Test/Images/GT-final_test.test.csv"]
WIDTH, HEIGHT = TRAIN[(TRAIN["class_id"] == 7) & (TRAIN["filename"] == "00001_00000.ppm")][["width", "height"]].iloc[0]
INVALID: dict[str, tuple[Files, list[str]]] = {
    "image missing": (without(IMAGE), ["1 problem", IMAGE, "not found"]),
    "image empty": (TREE | {IMAGE: b""}, [IMAGE, "not a readable image"]),
    "truncated image": (TREE | {IMAGE: TREE[IMAGE][:-9]}, [IMAGE, "not a readable image"]),
    "HTML instead of an image": (TREE | {IMAGE: b"<html>" * 99}, [IMAGE, "not a readable image"]),
    "grey image": (TREE | {IMAGE: b"P5\n%d %d\n255\n" % (WIDTH, HEIGHT) + bytes(WIDTH * HEIGHT)}, [IMAGE, "not an RGB image"]),
    "image of 16 bits": (
        TREE | {IMAGE: b"P6\n%d %d\n65535\n" % (WIDTH, HEIGHT) + bytes(WIDTH * HEIGHT * 6)},
        [IMAGE, "8 bits per channel"],
    ),
    "image of another size": (
        with_line(TRAIN_CSV, Width=99),
        [IMAGE, f"{WIDTH} x {HEIGHT} pixels, annotated as 99 x {HEIGHT}"],
    ),
    "ROI outside": (with_line(TRAIN_CSV, Roi_X2=WIDTH), [IMAGE, "ROI (1, 2, ", "not inside"]),
    "ROI negative": (with_line(TRAIN_CSV, Roi_Y1=-1), [IMAGE, "ROI (1, -1, ", "not inside"]),
    "ROI empty": (with_line(TRAIN_CSV, Roi_X2=1), [IMAGE, "ROI (1, 2, 1", "not inside"]),
    "class 43": (with_line(TRAIN_CSV, ClassId=43), [IMAGE, "class 43, expected 0 to 42"]),
    "class of five digits": (with_line(TRAIN_CSV, ClassId=99999), [IMAGE, "class 99999, expected 0 to 42"]),
    "class of another folder": (with_line(TRAIN_CSV, ClassId=8), [IMAGE, "class 8, in the folder of class 7"]),
    "image without annotation": (TREE | {f"{FOLDER}00009_00000.ppm": b""}, ["00009_00000.ppm: image without an annotation"]),
    "test image without annotation": (TREE | {"Final_Test/Images/99999.ppm": b""}, ["99999.ppm: image without an annotation"]),
    "annotated twice": (with_line(TRAIN_CSV, Filename="00000_00000.ppm"), ["00000_00000.ppm: annotated 2 times"]),
    "file name without a track": (
        with_line(TRAIN_CSV, Filename="sign.ppm"),
        [f"{TRAIN_CSV}, line 4", "sign.ppm", "not a file name"],
    ),
    "fewer images": (
        replace(TREE[TRAIN_CSV].decode().splitlines()[1] + "\r\n", "", files=without(f"{FOLDER}00000_00000.ppm")),
        ["1 problem", "training images: 171 annotated, 172 expected"],
    ),
    "csv missing": (without(TRAIN_CSV), ["1 problem", f"{TRAIN_CSV}: not found"]),
    "csv without a column": (replace("Roi.X2", "Right"), [TRAIN_CSV, "no column Roi.X2", "found Filename"]),
    "csv empty": (TREE | {TRAIN_CSV: b""}, [TRAIN_CSV, "no column Filename", "found nothing"]),
    "csv binary": (TREE | {TRAIN_CSV: b"\xff\xfe\x00"}, [TRAIN_CSV, "not a csv file"]),
    "truncated csv": (TREE | {TRAIN_CSV: TREE[TRAIN_CSV][:-9]}, [f"{TRAIN_CSV}, line 5", "'' is not an integer"]),
    "csv not numeric": (with_line(TRAIN_CSV, Height="tall"), [f"{TRAIN_CSV}, line 4", "Height = 'tall'"]),
    "test csv without ClassId": (
        TREE | {TEST_CSV: NO_CLASS_ID},
        ["1 problem", "no column ClassId", "use GT-final_test.csv from GTSRB_Final_Test_GT.zip"],
    ),
    "only the test csv without ClassId": (
        without(TEST_CSV),
        ["use GT-final_test.csv from GTSRB_Final_Test_GT.zip", "GT-final_test.test.csv", "no ClassId"],
    ),
    "pixels altered": (TREE | {IMAGE: TREE[IMAGE][:-1] + bytes([TREE[IMAGE][-1] ^ 1])}, ["sha256", "params.yaml", "expected"]),
    "Kaggle image with a palette": (KAGGLE | {"Test/00003.png": png("P")}, ["Test/00003.png", "not an RGB image", "mode P"]),
    "Kaggle image with transparency": (KAGGLE | {"Test/00003.png": png("RGBA")}, ["Test/00003.png", "mode RGBA"]),
    "Kaggle image named for another class": (
        replace("Train/7/00007_", "Train/7/00008_", "Train.csv", KAGGLE),
        ["Train.csv, line ", "Train/7/00008_", "not a file name"],
    ),
    "Kaggle csv missing": (without("Test.csv", files=KAGGLE), ["Test.csv: not found"]),
}


@pytest.mark.parametrize("case", INVALID)
def test_problems_are_named(workspace: Path, case: str) -> None:
    files, words = INVALID[case]
    write_folder(files, workspace / "copy")
    message = ingest_error(workspace)
    assert all(word in message for word in words), message
    assert "nothing was written" in message


def test_more_than_ten_problems(workspace: Path) -> None:
    write_folder(without(*(f"Final_Test/Images/{n:05d}.ppm" for n in range(12))), workspace / "copy")
    lines = ingest_error(workspace).splitlines()
    assert "12 problems" in lines[0] and len(lines) == 12 and "... and 2 more" in lines[-1]


def test_a_truncated_zip(workspace: Path) -> None:
    write_official_zips(TREE, workspace / "copy")
    path = workspace / "copy" / TEST_ZIP
    path.write_bytes(path.read_bytes()[:-1000])
    assert f"{TEST_ZIP}: not a complete zip file" in ingest_error(workspace)


def test_a_damaged_zip(workspace: Path) -> None:
    write_official_zips(TREE, workspace / "copy")
    path = workspace / "copy" / TRAINING_ZIP
    path.write_bytes(path.read_bytes().replace(TREE[IMAGE], bytes(len(TREE[IMAGE])), 1))
    assert f"{IMAGE}: cannot be read (Bad CRC-32" in ingest_error(workspace)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_with_a_duplicate_name(workspace: Path) -> None:
    write_zip(KAGGLE, workspace / "copy/archive.zip")
    with zipfile.ZipFile(workspace / "copy/archive.zip", "a") as archive:
        archive.writestr("Test/00000.png", b"")
    assert "archive.zip: duplicate file names (1)" in ingest_error(workspace)


def test_a_missing_folder(workspace: Path) -> None:
    message = ingest_error(workspace)
    assert "GTSRB_DIR" in message and "no such folder" in message and "\n" not in message


def test_a_folder_without_the_data_set(workspace: Path) -> None:
    write_folder({"holiday/beach.jpg": b""}, workspace / "copy")
    message = ingest_error(workspace)
    assert "has holiday; expected the three official zips" in message and "Kaggle" in message and "\n" not in message


def test_a_missing_zip(workspace: Path) -> None:
    write_official_zips(TREE, workspace / "copy")
    (workspace / "copy" / GT_ZIP).unlink()
    assert f"{GT_ZIP} not found" in ingest_error(workspace)


@pytest.mark.seconds
def test_without_a_network_the_options_are_named(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GTSRB_DIR")
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(gtsrb_source.download, "__defaults__", ("http://localhost:9/", workspace / "cache"))
    waits: list[float] = []
    monkeypatch.setattr(gtsrb_source.pooch.core.time, "sleep", waits.append)
    message = ingest_error(workspace)
    assert sum(waits) < 5
    assert all(option in message for option in ("network", "GTSRB_DIR", "make demo")) and "\n" not in message


def test_download_is_read_from_the_cache(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_official_zips(TREE, workspace / "cache")
    hashes = {name: f"md5:{gtsrb_source.pooch.file_hash(workspace / 'cache' / name, 'md5')}" for name in gtsrb_source.ARCHIVES}
    monkeypatch.setattr(gtsrb_source, "ARCHIVES", hashes)
    source = gtsrb_source.download("http://localhost:9/", workspace / "cache")
    assert source.read(IMAGE) == TREE[IMAGE] and source.read(TEST_CSV) == TREE[TEST_CSV]


def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_disk(writer: pq.ParquetWriter, _: object) -> None:
        Path(writer.where).write_bytes(bytes(500_000))
        raise OSError(errno.ENOSPC, "Error writing bytes to file")  # as pyarrow does

    write_folder(TREE, workspace / "copy")
    monkeypatch.setattr(pq.ParquetWriter, "write_table", fill_disk)
    with pytest.raises(InputError) as error:
        ingest.main()
    needed = r"more than 0\.5 MB needed, [0-9,.]+ MB free"
    message = rf"data/raw/train.parquet: No space left on device: {needed}; free some space and run this again"
    assert re.fullmatch(message, str(error.value))
    assert not list((workspace / "data/raw").iterdir()) and not (workspace / "metrics").exists()


@pytest.mark.gtsrb
@pytest.mark.skipif(not os.environ.get("GTSRB_DIR"), reason="needs the real data: set GTSRB_DIR")
def test_the_real_benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the counts and the hash in params.yaml."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.setenv("GTSRB_DIR", str(Path(os.environ["GTSRB_DIR"]).absolute()))
    monkeypatch.chdir(tmp_path)
    ingest.main()
    assert json.loads(Path("metrics/dataset.json").read_text())["train_tracks"] == 1307
