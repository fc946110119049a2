"""Which pictures lie in a folder of one's own, of which class and of which physical sign. The layouts that it may have:

train/CLASS/..., test/CLASS/...     class folders; no test/ where a fraction of the signs is tested
CLASS/...                           class folders alone, with such a fraction
Train.csv, Test.csv                 Kaggle's: Path, ClassId and perhaps a box; no Test.csv with such a fraction
"""

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import NamedTuple

from gtsrb.errors import InputError

TRACK_FRAME = re.compile(r"(?:[0-9]{5}_)?(?P<track>[0-9]{5})_[0-9]{5}")  # GTSRB's, and Kaggle's with the class before it
ROI = ("Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2")  # columns of Train.csv
NO_DATA = {"README.md", "Thumbs.db", "desktop.ini"}


class Picture(NamedTuple):
    path: str  # within the folder
    label: str  # of its class: the class folder's name, or ClassId
    track: str  # which physical sign of its class
    box: tuple[int, ...] | None  # x1, y1, x2, y2; None: the whole picture


Parts = dict[str, list[Picture]]  # `train` and, where there is one, `test`


def list_pictures(folder: Path, faults: list[str]) -> Parts:
    """The pictures of each part, none of them opened; what is wrong with the files is added to `faults`."""
    for parent, folders, _ in os.walk(folder):
        links = [Path(parent, name).relative_to(folder) for name in folders if Path(parent, name).is_symlink()]
        faults += [f"{link}: a link to a folder, in which DVC sees no change; put the folder itself there" for link in links]
    return _from_csv(folder, faults) if is_kaggle(folder) else _from_folders(folder, faults)


def is_kaggle(folder: Path) -> bool:
    return (folder / "Train.csv").is_file()


def read_csv_rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """The lines of a csv file, separated by commas or semicolons, as texts. Raises `InputError`."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        table = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in text.partition("\n")[0] else ",", restval="")
        lines = list(table)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a csv file in UTF-8 ({error})") from None
    names = table.fieldnames or ()
    if missing := [column for column in columns if column not in names]:
        raise InputError(f"{path}: no column {', '.join(missing)}; found {', '.join(names) or 'nothing'}")
    for number, line in enumerate(lines, start=2):
        if None in line:
            raise InputError(f"{path}, line {number}: more than {len(names)} fields; put a text with a comma into quotes")
    return lines


def class_sort_key(label: str) -> tuple[bool, int, str]:
    """Sorts classes: numbers as numbers, and before other names."""
    number = re.fullmatch("[0-9]+", label) is not None
    return not number, int(label) if number else 0, label


def _from_folders(folder: Path, faults: list[str]) -> Parts:
    entries = [path for path in _entries(folder) if path.name != "classes.csv"]
    if not entries:
        faults.append("nothing in it; expected class folders, or Train.csv; docs/your-data.md has the layouts")
    parts = {path.name.lower(): path for path in entries if path.name.lower() in ("train", "test")}
    if parts:
        others = [path.name for path in entries if path not in parts.values()]
        faults += [f"{name}: expected train, test and classes.csv alone, or class folders alone" for name in others]
    return {part: list(_classes(folder, path, faults)) for part, path in (parts or {"train": folder}).items()}


def _classes(folder: Path, part: Path, faults: list[str]) -> Iterator[Picture]:
    for entry in _entries(part):
        path = entry.relative_to(folder).as_posix()
        if path == "classes.csv":
            continue
        files = sorted(_files(entry))
        if not entry.is_dir():
            faults.append(f"{path}: not in a class folder")
        elif not files:
            faults.append(f"{path}: no image in this class folder")
        for file in files:
            inner = file.relative_to(entry)
            track = inner.parts[0] if len(inner.parts) > 1 else _track(inner)
            yield Picture(file.relative_to(folder).as_posix(), entry.name, track, None)


def _from_csv(folder: Path, faults: list[str]) -> Parts:
    """What Train.csv and Test.csv name; no other file may lie in the folders that they name."""
    names = [name for name in ("Train.csv", "Test.csv") if (folder / name).is_file()]
    parts = {name[:-4].lower(): list(_lines(folder, name, faults)) for name in names}
    counts = Counter(picture.path for part in parts.values() for picture in part)
    faults += [f"{path}: {count} lines name it; expected one" for path, count in counts.items() if count > 1]
    if not faults:  # a faulty line's image would count as one without a line
        for top in sorted({path.partition("/")[0] for path in counts}):
            there = {file.relative_to(folder).as_posix() for file in _files(folder / top)}
            faults += [f"{path}: no line in {' or '.join(names)}" for path in sorted(there - counts.keys())]
    return parts


def _lines(folder: Path, name: str, faults: list[str]) -> Iterator[Picture]:
    for number, row in enumerate(read_csv_rows(folder / name, ("Path", "ClassId")), start=2):
        path, box = row["Path"], [row[column] for column in ROI] if row.keys() >= set(ROI) else []
        odd = [text for text in (row["ClassId"], *box) if not re.fullmatch("[0-9]{1,9}", text.strip())]
        if odd:
            faults.append(f"{name}, line {number}: {odd[0]!r} is not a whole number")
        elif not (folder / path).is_file():
            faults.append(f"{name}, line {number}: {path!r} not found")
        else:
            yield Picture(path, str(int(row["ClassId"])), _track(PurePath(path)), tuple(map(int, box)) or None)


def _entries(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if not _hidden(path.name)]


def _files(folder: Path) -> Iterator[Path]:
    """All files below a folder, less what is hidden (.DS_Store, .ipynb_checkpoints/) or no data."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _hidden(name)]
        yield from (Path(parent, name) for name in names if not _hidden(name))


def _hidden(name: str) -> bool:
    return name.startswith(".") or name in NO_DATA


def _track(file: PurePath) -> str:
    match = TRACK_FRAME.fullmatch(file.stem)
    return match["track"] if match else file.name
