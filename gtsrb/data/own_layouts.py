"""Lists the pictures in the user's data folder, each with its class and its physical sign. The supported layouts:

train/CLASS/..., test/CLASS/...     class folders; without test/ if `test_fraction` is set
CLASS/...                           class folders only, with `test_fraction`
Train.csv, Test.csv                 Kaggle's: Path, ClassId, optionally a box; without Test.csv if `test_fraction` is set
"""

import csv
import io
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import NamedTuple

from gtsrb.errors import InputError

TRACK_FRAME = re.compile(r"(?:[0-9]{5}_)?(?P<track>[0-9]{5})_[0-9]{5}")  # GTSRB's; Kaggle's have the class in front
ROI = ("Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2")  # columns of Train.csv
IGNORED = {"README.md", "Thumbs.db", "desktop.ini"}


class Picture(NamedTuple):
    path: str  # relative to the folder
    label: str  # its class: the class folder's name, or ClassId
    track: str  # identifies the physical sign within its class
    box: tuple[int, ...] | None  # x1, y1, x2, y2; None: the complete picture


Splits = dict[str, list[Picture]]  # `train` and, if there is one, `test`


def list_pictures(folder: Path, problems: list[str]) -> Splits:
    """The pictures of each split, without opening them; problems with the files are added to `problems`."""
    for parent, folders, _ in os.walk(folder):
        links = [Path(parent, name).relative_to(folder) for name in folders if Path(parent, name).is_symlink()]
        problems += [f"{link}: a link to a folder, where DVC detects no change; put the folder itself there" for link in links]
    return _list_from_csv(folder, problems) if is_kaggle(folder) else _list_from_folders(folder, problems)


def is_kaggle(folder: Path) -> bool:
    return (folder / "Train.csv").is_file()


def read_csv_rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """The rows of a csv file with commas or semicolons, all values as strings.

    Raises `InputError` if it is not a csv file in UTF-8, lacks one of `columns`, or has a row with too many fields.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        table = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in text.partition("\n")[0] else ",", restval="")
        rows = list(table)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a csv file in UTF-8 ({error})") from None
    names = table.fieldnames or ()
    if missing := [column for column in columns if column not in names]:
        raise InputError(f"{path}: no column {', '.join(missing)}; found {', '.join(names) or 'nothing'}")
    for number, row in enumerate(rows, start=2):
        if None in row:
            raise InputError(f"{path}, line {number}: more than {len(names)} fields; put quotes around a text with a comma")
    return rows


def class_sort_key(label: str) -> tuple[bool, int, str]:
    """Sorts class labels: numbers first, by value, then other names."""
    is_number = re.fullmatch("[0-9]+", label) is not None
    return not is_number, int(label) if is_number else 0, label


def _list_from_folders(folder: Path, problems: list[str]) -> Splits:
    entries = [path for path in _list_visible(folder) if path.name != "classes.csv"]
    if not entries:
        problems.append("the folder is empty; expected class folders, or Train.csv; docs/your-data.md has the layouts")
    splits = {path.name.lower(): path for path in entries if path.name.lower() in ("train", "test")}
    if splits:
        others = [path.name for path in entries if path not in splits.values()]
        problems += [f"{name}: expected only train, test and classes.csv, or only class folders" for name in others]
    return {split: list(_list_class_folders(folder, path, problems)) for split, path in (splits or {"train": folder}).items()}


def _list_class_folders(folder: Path, split: Path, problems: list[str]) -> Iterator[Picture]:
    for entry in _list_visible(split):
        path = entry.relative_to(folder).as_posix()
        if path == "classes.csv":
            continue
        files = sorted(_walk_files(entry))
        if not entry.is_dir():
            problems.append(f"{path}: not in a class folder")
        elif not files:
            problems.append(f"{path}: no image in this class folder")
        for file in files:
            inner = file.relative_to(entry)
            track = inner.parts[0] if len(inner.parts) > 1 else _parse_track(inner)
            yield Picture(file.relative_to(folder).as_posix(), entry.name, sys.intern(track), None)


def _list_from_csv(folder: Path, problems: list[str]) -> Splits:
    """The pictures named in Train.csv and Test.csv; any other file in the same folders is a problem."""
    names = [name for name in ("Train.csv", "Test.csv") if (folder / name).is_file()]
    splits = {name[:-4].lower(): list(_parse_csv(folder, name, problems)) for name in names}
    counts = Counter(picture.path for split in splits.values() for picture in split)
    problems += [f"{path}: named in {count} lines; expected one" for path, count in counts.items() if count > 1]
    if not problems:  # else the image of an invalid line would be reported as one without a line
        for top in sorted({path.partition("/")[0] for path in counts}):
            present = {file.relative_to(folder).as_posix() for file in _walk_files(folder / top)}
            problems += [f"{path}: no line in {' or '.join(names)}" for path in sorted(present - counts.keys())]
    return splits


def _parse_csv(folder: Path, name: str, problems: list[str]) -> Iterator[Picture]:
    for number, row in enumerate(read_csv_rows(folder / name, ("Path", "ClassId")), start=2):
        path, box = row["Path"], [row[column] for column in ROI] if row.keys() >= set(ROI) else []
        invalid = [text for text in (row["ClassId"], *box) if not re.fullmatch("[0-9]{1,9}", text.strip())]
        if invalid:
            problems.append(f"{name}, line {number}: {invalid[0]!r} is not an integer")
        elif not (folder / path).is_file():
            problems.append(f"{name}, line {number}: {path!r} not found")
        else:
            label, track = sys.intern(str(int(row["ClassId"]))), sys.intern(_parse_track(PurePath(path)))
            yield Picture(path, label, track, tuple(map(int, box)) or None)


def _list_visible(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if not _is_ignored(path.name)]


def _walk_files(folder: Path) -> Iterator[Path]:
    """All files in a folder and its subfolders, except hidden ones (.DS_Store, .ipynb_checkpoints/) and `IGNORED`."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _is_ignored(name)]
        yield from (Path(parent, name) for name in names if not _is_ignored(name))


def _is_ignored(name: str) -> bool:
    return name.startswith(".") or name in IGNORED


def _parse_track(file: PurePath) -> str:
    match = TRACK_FRAME.fullmatch(file.stem)
    return match["track"] if match else file.name
