"""The user's own data: each layout, its classes and signs, problems with it, and a run of the pipeline on it."""

import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT
from PIL import Image
from raw_tables import draw_signs
from small_project import put

from gtsrb.config.ingest import OwnData
from gtsrb.data import arrays, own_reader, sign_names, tables
from gtsrb.data.own_layouts import Picture, tabulate
from gtsrb.errors import InputError, raise_problems
from stages import ingest

WITH_FRACTION, WITH_TEST = OwnData(test_fraction=0.5, seed=0), OwnData(seed=0)
Files = dict[str, bytes]  # path within the folder -> content


def png(number: int, width: int = 12, height: int = 10) -> bytes:
    data = io.BytesIO()
    Image.fromarray(np.random.default_rng(number).integers(0, 256, (height, width, 3), np.uint8)).save(data, "png")
    return data.getvalue()


def csv_lines(*texts: str) -> bytes:
    return "\n".join(texts).encode()


KAGGLE_COLUMNS = "Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId,Path"
FOLDERS = {f"{c}/{n}.png": png(n) for c in ("stop", "yield") for n in range(4)}
SPLITS = {f"train/{path}": data for path, data in FOLDERS.items()} | {"test/yield/a.png": png(9), "test/stop/b.png": png(8)}
KAGGLE = {
    "Train.csv": csv_lines(
        KAGGLE_COLUMNS,
        *(f"12,10,1,2,10,9,{c},Train/{c}/{c:05d}_0000{t}_0000{f}.png" for c in (3, 20) for t in range(2) for f in range(2)),
    ),
    "Test.csv": csv_lines(KAGGLE_COLUMNS, "12,10,0,0,11,8,20,Test/00000.png", "12,10,1,1,8,8,3,Test/00001.png"),
    **{f"Train/{c}/{c:05d}_0000{t}_0000{f}.png": png(c + t + f) for c in (3, 20) for t in range(2) for f in range(2)},
    **{f"Test/0000{n}.png": png(n) for n in range(2)},
    "Meta/0.png": b"not read",
}


def write_files(files: Files, path: Path) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def read(folder: Path, params: OwnData) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Both tables and the names of the classes; problems are raised, as ingest does."""
    problems: list[str] = []
    train, test, names = own_reader.read(folder, params, problems)
    frames = tables.to_frame(train), tables.to_frame(test)
    raise_problems(problems, str(folder))
    return *frames, names


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """data/own/ of an empty project that reads it; half of the signs are held out for the test split."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    put(params, "ingest.source", "own")
    put(params, "ingest.own.test_fraction", 0.5)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    monkeypatch.chdir(tmp_path)
    return write_files({"README.md": b"not an image"}, tmp_path / "data/own")


def test_ingest_writes_tables_class_names_and_counts(own_folder: Path) -> None:
    write_files(FOLDERS, own_folder)
    ingest.main()
    train, test = (tables.read(Path(f"data/raw/{split}.parquet")) for split in ("train", "test"))
    assert (len(train), len(test)) == (4, 4)
    assert sorted([*train["filename"], *test["filename"]]) == sorted(FOLDERS)
    first = train.iloc[0]
    assert (tables.decode_ppm(first["image"]) == np.asarray(Image.open(own_folder / first["filename"]))).all()
    assert first[["class_id", "width", "height", *tables.ROI]].tolist() == [0, 12, 10, 0, 0, 11, 9]
    assert test[["track", "frame"]].isna().all(axis=None)
    assert arrays.read_class_names() == ["stop", "yield"]
    assert pd.read_csv("metrics/class_counts.csv").values.tolist() == [[0, "stop", 2, 2], [1, "yield", 2, 2]]
    dataset = json.loads(Path("metrics/dataset.json").read_text())
    assert list(dataset.values())[:-1] == ["own", 4, 4, 2, 4]


@pytest.mark.parametrize("top", ["train", "Train"])
def test_train_and_test_folders(tmp_path: Path, top: str) -> None:
    files = {path.replace("train", top): data for path, data in SPLITS.items()}
    train, test, classes = read(write_files(files, tmp_path), WITH_TEST)
    assert (len(train), classes) == (8, ["stop", "yield"])
    assert dict(zip(test["filename"], test["class_id"], strict=True)) == {"test/stop/b.png": 0, "test/yield/a.png": 1}


def test_a_fraction_of_the_training_folder_is_held_out(tmp_path: Path) -> None:
    train, test, _ = read(
        write_files({path: SPLITS[path] for path in SPLITS if path.startswith("train")}, tmp_path), WITH_FRACTION
    )
    assert train["class_id"].tolist() == test["class_id"].tolist() == [0, 0, 1, 1]


def test_the_kaggle_layout(tmp_path: Path) -> None:
    train, test, classes = read(write_files(KAGGLE, tmp_path), WITH_TEST)
    assert classes == ["3", "20"]
    assert train[["class_id", "track", "frame"]].values.tolist() == [[c, t, f] for c in (0, 1) for t in (0, 1) for f in (0, 1)]
    assert (train[tables.ROI] == [1, 2, 10, 9]).all(axis=None)
    assert test[["class_id", *tables.ROI]].values.tolist() == [[1, 0, 0, 11, 8], [0, 1, 1, 8, 8]]


def test_the_kaggle_layout_without_boxes_and_test_split(tmp_path: Path) -> None:
    files = {path: data for path, data in KAGGLE.items() if path.startswith("Train/")}
    rows = [f"{path};{path.split('/')[1]}" for path in files]
    files |= {"Train.csv": b"\xef\xbb\xbf" + csv_lines("Path;ClassId", *rows)}  # as Excel writes it
    train, test, _ = read(write_files(files, tmp_path), WITH_FRACTION)
    assert (train[tables.ROI] == [0, 0, 11, 9]).all(axis=None)
    assert len(train) == len(test) == 4


def test_pictures_beside_train_csv(tmp_path: Path) -> None:
    files = {f"{n}.png": png(n) for n in range(4)} | {
        "Train.csv": csv_lines("Path,ClassId", *(f"{n}.png,{n % 2}" for n in range(4)))
    }
    train, test, _ = read(write_files(files, tmp_path), WITH_FRACTION)
    assert len(train) == len(test) == 2


def test_numeric_labels_are_sorted_by_value_and_before_names(tmp_path: Path) -> None:
    files = {f"{label}/{n}.png": png(n) for label in ("10", "9", "a", "B") for n in (0, 1)}
    _, _, classes = read(write_files(files, tmp_path), WITH_FRACTION)
    assert classes == ["9", "10", "B", "a"]


def test_tracks_are_subfolders_or_numbers_in_file_names(tmp_path: Path) -> None:
    paths = ["a/00007_00000.ppm", "a/00007_00001.ppm", "a/00012_00007_00002.png", "a/00003_00000.png", "a/IMG_00007_00000.png"]
    paths += ["b/one/x.png", "b/one/y/z.png", "b/two/x.png", "b/c.png"]
    files = {f"train/{path}": png(0) for path in paths} | {"test/a/a.png": png(0)}
    train, _, _ = read(write_files(files, tmp_path), WITH_TEST)
    signs = train.groupby(["class_id", "track"])["filename"].agg(list).tolist()
    assert [sorted(path.removeprefix("train/") for path in sign) for sign in signs] == [
        ["a/00003_00000.png"],
        ["a/00007_00000.ppm", "a/00007_00001.ppm", "a/00012_00007_00002.png"],
        ["a/IMG_00007_00000.png"],
        ["b/c.png"],
        ["b/one/x.png", "b/one/y/z.png"],
        ["b/two/x.png"],
    ]


def pictures(label: str, tracks: int) -> list[Picture]:
    return [Picture(f"{label}/{track}/{frame}.png", label, str(track)) for track in range(tracks) for frame in range(3)]


def hold_out(pictures: list[Picture], fraction: float, seed: int) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The signs, label and track, of the training and the test pictures."""
    train, test = own_reader.hold_out_signs(tabulate(pictures), fraction, seed)
    return tuple([*zip(split["label"], split["track"], strict=True)] for split in (train, test))


@pytest.mark.parametrize(("tracks", "fraction", "n_test"), [(2, 0.01, 1), (2, 0.5, 1), (3, 0.5, 2), (10, 0.2, 2)])
def test_a_fraction_of_the_tracks_is_held_out(tracks: int, fraction: float, n_test: int) -> None:
    train, test = hold_out([*pictures("a", tracks), *pictures("b", tracks)], fraction, 0)
    for name in "ab":
        train_tracks, test_tracks = ({track for label, track in split if label == name} for split in (train, test))
        assert not train_tracks & test_tracks
        assert (len(train_tracks), len(test_tracks)) == (tracks - n_test, n_test)
    assert len(train) + len(test) == 6 * tracks


def test_held_out_signs_depend_on_the_seed_and_not_on_other_classes() -> None:
    first, repeated, other_seed = (hold_out(pictures("a", 20), 0.2, seed)[1] for seed in (0, 0, 1))
    assert first == repeated != other_seed
    with_another_class = hold_out([*pictures("B", 7), *pictures("a", 20)], 0.2, 0)[1]
    assert [sign for sign in with_another_class if sign[0] == "a"] == first
    assert {track for _, track in hold_out(pictures("b", 20), 0.2, 0)[1]} != {track for _, track in first}


def test_class_names_from_classes_csv(own_folder: Path) -> None:
    write_files(FOLDERS | {"classes.csv": csv_lines('"folder","name"', 'yield,"give way, please"', "stop,007")}, own_folder)
    ingest.main()
    assert arrays.read_class_names() == ["007", "give way, please"]  # a number stays a string


def test_the_kaggle_copy_of_gtsrb_has_its_class_names(tmp_path: Path) -> None:
    paths = {f"Train/{c}/{c:05d}_0000{t}_00000.png": c for c in range(43) for t in (0, 1)}
    files = {path: png(c) for path, c in paths.items()}
    files |= {"Train.csv": csv_lines("Path,ClassId", *(f"{path},{c}" for path, c in paths.items()))}
    assert read(write_files(files, tmp_path / "all"), WITH_FRACTION)[2] == list(sign_names.SIGN_NAMES)
    fewer = {path: data for path, data in files.items() if not path.startswith("Train/42/")}
    fewer |= {"Train.csv": csv_lines("Path,ClassId", *(f"{path},{c}" for path, c in paths.items() if c < 42))}
    assert read(write_files(fewer, tmp_path / "fewer"), WITH_FRACTION)[2] == [str(c) for c in range(42)]


def test_every_picture_format_becomes_rgb(tmp_path: Path) -> None:
    write_files(SPLITS, tmp_path)
    for name, mode in {"a.png": "L", "b.webp": "RGBA", "c.tif": "CMYK", "d.JPG": "RGB"}.items():
        Image.new("RGB", (9, 8), (60, 60, 60)).convert(mode).save(tmp_path / "train/stop" / name)
    train, _, _ = read(tmp_path, WITH_TEST)
    train = train[~train["filename"].isin(SPLITS)]
    assert len(train) == 4 and all(tables.decode_ppm(image).shape == (8, 9, 3) for image in train["image"])
    assert all(abs(tables.decode_ppm(image).mean() - 60) < 2 for image in train["image"])


def test_hidden_and_system_files_are_ignored(tmp_path: Path) -> None:
    ignored = ["README.md", ".DS_Store", "stop/.DS_Store", "stop/Thumbs.db", "stop/desktop.ini", "stop/._0.png"]
    ignored += ["yield/.ipynb_checkpoints/0.png", ".git/x"]
    train, test, _ = read(write_files(FOLDERS | dict.fromkeys(ignored, b"no image"), tmp_path), WITH_FRACTION)
    assert sorted([*train["filename"], *test["filename"]]) == sorted(FOLDERS)


def without(*paths: str, files: Files = FOLDERS) -> Files:
    return {path: data for path, data in files.items() if path not in paths}


def classes_csv(*texts: str) -> Files:
    return FOLDERS | {"classes.csv": csv_lines(*texts)}


def kaggle_with(old: str, new: str) -> Files:
    assert old.encode() in KAGGLE["Train.csv"]
    return KAGGLE | {"Train.csv": KAGGLE["Train.csv"].replace(old.encode(), new.encode(), 1)}


ONE = "Train/3/00003_00000_00001.png"
INVALID: dict[str, tuple[Files, OwnData, list[str]]] = {
    "empty": (
        {},
        WITH_FRACTION,
        ["1 problem", "the folder is empty; expected class folders, or Train.csv", "docs/your-data.md"],
    ),
    "no class folders": ({"a.png": png(0)}, WITH_FRACTION, ["a.png: not in a class folder"]),
    "one class": (
        {f"stop/{n}.png": png(n) for n in range(4)},
        WITH_FRACTION,
        ["1 class of training images; expected at least 2"],
    ),
    "class of one image": (
        without(*(f"yield/{n}.png" for n in range(3))),
        WITH_FRACTION,
        ["class yield: 1 sign; expected at least 2"],
    ),
    "class of one sign": (
        {f"stop/{n}.png": png(n) for n in range(4)} | {f"yield/00001_0000{n}.png": png(n) for n in range(4)},
        WITH_FRACTION,
        ["1 problem", "class yield: 1 sign; expected at least 2"],
    ),
    "class without images": (
        FOLDERS | {"no entry/.keep": b""},
        WITH_FRACTION,
        ["1 problem", "no entry: no image in this class folder"],
    ),
    "truncated image": (FOLDERS | {"stop/0.png": png(0)[:100]}, WITH_FRACTION, ["1 problem", "stop/0.png: cannot be read"]),
    "not an image": (
        FOLDERS | {"stop/list.txt": b"0.png"},
        WITH_FRACTION,
        ["stop/list.txt: not a picture in a supported format"],
    ),
    "image of one row": (
        FOLDERS | {"stop/0.png": png(0, 9, 1)},
        WITH_FRACTION,
        ["stop/0.png: 9 x 1 pixels; expected at least 8 x 8"],
    ),
    "more than ten problems": (
        {f"{c}/{n}.png": b"" for c in ("stop", "yield") for n in range(6)},
        WITH_FRACTION,
        ["12 problems", "... and 2 more"],
    ),
    "fraction and test folder": (
        SPLITS,
        WITH_FRACTION,
        ["1 problem", "it has a test split, and ingest.own.test_fraction = 0.5 in params.yaml; remove one of the two"],
    ),
    "fraction and Test.csv": (KAGGLE, WITH_FRACTION, ["1 problem", "it has a test split"]),
    "neither": (FOLDERS, WITH_TEST, ["1 problem", "no test images; add a test split, or test_fraction"]),
    "test class unknown": (
        SPLITS | {"test/exit/0.png": png(0)},
        WITH_TEST,
        ["1 problem", "class exit: test images, but no training images"],
    ),
    "only a test folder": ({"test/stop/0.png": png(0)}, WITH_TEST, ["no class of training images; expected at least 2"]),
    "another folder beside train": (
        SPLITS | {"val/stop/0.png": png(0)},
        WITH_TEST,
        ["1 problem", "val: expected only train, test"],
    ),
    "train is a file": (FOLDERS | {"train": b""}, WITH_FRACTION, ["1 problem", "train: not in a class folder"]),
    "loose image": (SPLITS | {"train/0.png": png(0)}, WITH_TEST, ["1 problem", "train/0.png: not in a class folder"]),
    "class without a name": (
        classes_csv("folder,name", "stop,Stop"),
        WITH_FRACTION,
        ["1 problem", "classes.csv: no name for class yield"],
    ),
    "name of an unknown class": (
        classes_csv("folder,name", "stop,Stop", "yield,Yield", "exit,Exit"),
        WITH_FRACTION,
        ["1 problem", "classes.csv: 'exit' is not a class; the classes are stop, yield"],
    ),
    "duplicate name": (
        classes_csv("folder,name", "stop,Stop", "yield,Stop"),
        WITH_FRACTION,
        ["1 problem", "classes.csv: name 'Stop' occurs 2 times"],
    ),
    "duplicate class": (
        classes_csv("folder,name", "stop,Stop", "yield,Yield", "stop,Halt"),
        WITH_FRACTION,
        ["1 problem", "classes.csv: folder 'stop' occurs 2 times"],
    ),
    "names without a header": (
        classes_csv("stop,Stop", "yield,Yield"),
        WITH_FRACTION,
        ["classes.csv: no column folder, name; found stop, Stop"],
    ),
    "unquoted comma in a name": (
        classes_csv("folder,name", "stop,Stop", "yield,give way, please"),
        WITH_FRACTION,
        ["classes.csv, line 3: more than 2 fields"],
    ),
    "names in another encoding": (
        FOLDERS | {"classes.csv": "folder,name\nstop,Stoß".encode("latin-1")},
        WITH_FRACTION,
        ["in UTF-8"],
    ),
    "names empty": (FOLDERS | {"classes.csv": b""}, WITH_FRACTION, ["classes.csv: no column folder, name; found nothing"]),
    "line without its image": (without(ONE, files=KAGGLE), WITH_TEST, ["1 problem", f"Train.csv, line 3: '{ONE}' not found"]),
    "image without a line": (
        KAGGLE | {"Train/3/more.png": b""},
        WITH_TEST,
        ["1 problem", "Train/3/more.png: no line in Train.csv or"],
    ),
    "two lines for one image": (
        kaggle_with(ONE, ONE.replace("1.png", "0.png")),
        WITH_TEST,
        ["_00000.png: named in 2 lines; expected one"],
    ),
    "class that is not a number": (
        kaggle_with("9,3,", "9,stop,"),
        WITH_TEST,
        ["1 problem", "Train.csv, line 2: 'stop' is not an integer"],
    ),
    "ROI outside": (
        kaggle_with("10,9,3", "12,9,3"),
        WITH_TEST,
        ["1 problem", "ROI (1, 2, 12, 9) is not inside the image of 12 x 10"],
    ),
    "ROI too small": (
        kaggle_with("1,2,10,9,3", "1,2,7,9,3"),
        WITH_TEST,
        ["1 problem", "ROI (1, 2, 7, 9); expected at least 8 x 8 pixels"],
    ),
    "ROI empty": (kaggle_with("1,2,10,9,3", "1,2,1,9,3"), WITH_TEST, ["1 problem", "ROI (1, 2, 1, 9) is not inside"]),
    "no ClassId": (kaggle_with("ClassId", "Class"), WITH_TEST, ["Train.csv: no column ClassId; found Width"]),
}


@pytest.mark.parametrize("case", INVALID)
def test_problems_are_named(tmp_path: Path, case: str) -> None:
    files, params, words = INVALID[case]
    with pytest.raises(InputError) as error:
        read(write_files(files | {"README.md": b""}, tmp_path), params)
    message = str(error.value)
    assert message.startswith(str(tmp_path))
    assert all(word in message for word in words), message
    assert len(message.splitlines()) <= 12


def test_nothing_is_written_if_there_are_problems(own_folder: Path) -> None:
    write_files(FOLDERS | {"stop/0.png": b""}, own_folder)
    with pytest.raises(
        InputError, match=r"^data/own: 1 problem in the data set; nothing was written\n  stop/0.png: not a picture"
    ):
        ingest.main()
    assert not list(Path("data/raw").iterdir()) and not Path("metrics").exists()


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"own: no such folder; docs/your-data.md"):
        read(tmp_path / "own", WITH_FRACTION)


def test_a_link_to_a_folder_is_rejected(tmp_path: Path) -> None:
    write_files(FOLDERS, tmp_path / "own")
    (tmp_path / "own/halt").symlink_to(tmp_path / "own/stop")
    with pytest.raises(InputError, match=r"  halt: a link to a folder, where DVC detects no change"):
        read(tmp_path / "own", WITH_FRACTION)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such file names")
def test_a_file_name_in_another_encoding_is_rejected(tmp_path: Path) -> None:
    write_files(FOLDERS, tmp_path)
    Path(os.fsdecode(bytes(tmp_path) + b"/stop/\xe9.png")).write_bytes(png(0))
    with pytest.raises(InputError, match=r"stop/\\xe9.png' is not a file name in UTF-8; rename it"):
        read(tmp_path, WITH_FRACTION)


@pytest.mark.slow
def test_the_pipeline_on_five_classes(new_project) -> None:
    """Class folders of synthetic signs and an edit of params.yaml, nothing else; a new image makes ingest stale."""
    project, recipe = new_project, next(iter(new_project.params()["train"]))
    classes = {1: "thirty", 12: "priority", 13: "yield", 14: "stop", 38: "right"}
    rows = tables.to_frame(draw_signs(tracks_per_class=8, frames_per_track=2, test_images_per_class=1)[0])
    for row in rows[rows["class_id"].isin(classes)].itertuples():
        path = f"train/{classes[row.class_id]}/{row.track}/{row.frame}.png"
        write_files({path: b""}, project.folder / "data/own")
        Image.fromarray(tables.decode_ppm(row.image)).save(project.folder / "data/own" / path)
    project.edit({"ingest.source": "own", "ingest.own": {"test_fraction": 0.25, "seed": 0}, f"train.{recipe}.epochs": 12})
    assert project.run("git", "status", "--porcelain").split() == ["M", "params.yaml"]
    project.dvc("repro", f"evaluate@{recipe}")

    metrics = project.folder / "metrics"
    assert pd.read_csv(metrics / "class_counts.csv").values.tolist() == [
        [class_id, name, 12, 4] for class_id, name in enumerate(sorted(classes.values()))
    ]
    assert pd.read_csv(metrics / f"{recipe}/history.csv")["loss"].iloc[-1] < 0.8 * np.log(
        5
    )  # below guessing: it learned from the images
    assert pd.read_csv(metrics / f"{recipe}/classes.csv")["name"].tolist() == sorted(classes.values())
    assert np.load(project.folder / f"data/predictions/{recipe}.npy").shape == (20, 5)
    assert "up to date" in project.dvc("status", f"evaluate@{recipe}")

    write_files({"train/stop/new/0.png": png(0)}, project.folder / "data/own")
    assert "modified:           data/own" in project.dvc("status", "ingest")
