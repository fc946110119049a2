"""Lists the pictures in the user's data folder, each with its class and its physical sign. The supported layouts:

train/CLASS/..., test/CLASS/...     class folders; without test/ if `test_fraction` is set
CLASS/...                           class folders only, with `test_fraction`
Train.csv, Test.csv                 Kaggle's: Path, ClassId, optionally a box; without Test.csv if `test_fraction` is set
"""

import csv
import os
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path, PurePath
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from gtsrb.errors import InputError

TRACK_FRAME = re.compile(r"(?:[0-9]{5}_)?(?P<track>[0-9]{5})_[0-9]{5}")  # GTSRB's; Kaggle's have the class in front
ROI = ("Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2")  # columns of Train.csv
IGNORED = {"README.md", "Thumbs.db", "desktop.ini"}


class Picture(NamedTuple):
    path: str  # relative to the folder
    label: str  # its class: the class folder's name, or ClassId
    track: str  # identifies the physical sign within its class
    x1: int | None = None  # the box; None: the complete picture
    y1: int | None = None
    x2: int | None = None
    y2: int | None = None


BOX = Picture._fields[3:]
_NAME = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema([("path", pa.string()), ("label", _NAME), ("track", _NAME), *((side, pa.int32()) for side in BOX)])

Splits = dict[str, pd.DataFrame]  # `train` and, if there is one, `test`: a row per picture, a column per field of `Picture`


def list_pictures(folder: Path, problems: list[str]) -> Splits:
    """The pictures of each split, without opening them; problems with the files are added to `problems`."""
    for parent, folders, _ in os.walk(folder):
        links = [Path(parent, name).relative_to(folder) for name in folders if Path(parent, name).is_symlink()]
        problems += [f"{link}: a link to a folder, where DVC detects no change; put the folder itself there" for link in links]
    try:
        return _list_from_csv(folder, problems) if is_kaggle(folder) else _list_from_folders(folder, problems)
    except UnicodeEncodeError as error:
        raise InputError(f"{folder}: {os.fsencode(error.object)!r} is not a file name in UTF-8; rename it") from None


def tabulate(pictures: Iterable[Picture]) -> pd.DataFrame:
    """A row per picture, which takes some 60 bytes; a `Picture` and its strings take 200."""
    pictures, chunks = iter(pictures), []
    while chunk := list(islice(pictures, 10_000)):
        columns = zip(zip(*chunk, strict=True), SCHEMA.types, strict=True)
        chunks.append(pa.table([pa.array(values, type) for values, type in columns], SCHEMA))
    table = pa.concat_tables([SCHEMA.empty_table(), *chunks]).unify_dictionaries()
    return table.to_pandas(types_mapper={pa.int32(): pd.Int32Dtype()}.get)


def is_kaggle(folder: Path) -> bool:
    return (folder / "Train.csv").is_file()


def read_csv_rows(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """The rows of a csv file with commas or semicolons, all values as strings.

    Raises `InputError` if it is not a csv file in UTF-8, lacks one of `columns`, or has a row with too many fields.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            delimiter = ";" if ";" in file.readline() else ","
            file.seek(0)
            table = csv.DictReader(file, delimiter=delimiter, restval="")
            names = table.fieldnames or ()
            if missing := [column for column in columns if column not in names]:
                raise InputError(f"{path}: no column {', '.join(missing)}; found {', '.join(names) or 'nothing'}")
            for number, row in enumerate(table, start=2):
                if None in row:
                    raise InputError(
                        f"{path}, line {number}: more than {len(names)} fields; put quotes around a text with a comma"
                    )
                yield row
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a csv file in UTF-8 ({error})") from None


def class_sort_key(label: str) -> tuple[bool, int, str]:
    """Sorts class labels: numbers first, by value, then other names."""
    is_number = re.fullmatch("[0-9]+", label) is not None
    return not is_number, int(label) if is_number else 0, label


def _list_from_folders(folder: Path, problems: list[str]) -> Splits:
    entries = [path for path in _list_visible(folder) if path.name != "classes.csv"]
    if not entries:
        problems.append("the folder is empty; expected class folders, or Train.csv; docs/your-data.md has the layouts")
    splits = {path.name.lower(): path for path in entries if path.name.lower() in ("train", "test") and path.is_dir()}
    if splits:
        others = [path.name for path in entries if path not in splits.values()]
        problems += [f"{name}: expected only train, test and classes.csv, or only class folders" for name in others]
    splits = splits or {"train": folder}
    return {split: tabulate(_list_class_folders(folder, path, problems)) for split, path in splits.items()}


def _list_class_folders(folder: Path, split: Path, problems: list[str]) -> Iterator[Picture]:
    for entry in _list_visible(split):
        path = entry.relative_to(folder).as_posix()
        if path == "classes.csv":
            continue
        if not entry.is_dir():
            problems.append(f"{path}: not in a class folder")
            continue
        empty = True
        for file in _walk_files(entry):
            empty = False
            inner = file.relative_to(entry)
            track = inner.parts[0] if len(inner.parts) > 1 else _parse_track(inner)
            yield Picture(file.relative_to(folder).as_posix(), entry.name, track)
        if empty:
            problems.append(f"{path}: no image in this class folder")


def _list_from_csv(folder: Path, problems: list[str]) -> Splits:
    """The pictures named in Train.csv and Test.csv; any other file in the same folders is a problem."""
    names = [name for name in ("Train.csv", "Test.csv") if (folder / name).is_file()]
    splits = {name[:-4].lower(): tabulate(_parse_csv(folder, name, problems)) for name in names}
    paths = pd.concat([pictures["path"] for pictures in splits.values()])
    repeated = paths[paths.duplicated(keep=False)].value_counts(sort=False)
    problems += [f"{path}: named in {count} lines; expected one" for path, count in repeated.items()]
    if not problems:  # so each line has a picture of its own; if there are as many files, each has a line
        tops = sorted({path.partition("/")[0] for path in paths if "/" in path})
        if sum(1 for top in tops for _ in _walk_files(folder / top)) > sum("/" in path for path in paths):
            present = {file.relative_to(folder).as_posix() for top in tops for file in _walk_files(folder / top)}
            problems += [f"{path}: no line in {' or '.join(names)}" for path in sorted(present - {*paths})]
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
            yield Picture(path, str(int(row["ClassId"])), _parse_track(PurePath(path)), *map(int, box))


def _list_visible(folder: Path) -> Iterator[Path]:
    """Sorted, except hidden ones (.DS_Store, .ipynb_checkpoints/) and `IGNORED`."""
    return (folder / name for name in sorted(path.name for path in folder.iterdir()) if not _is_ignored(name))


def _walk_files(folder: Path) -> Iterator[Path]:
    """All visible files in a folder and its subfolders, sorted by the parts of their paths."""
    for path in _list_visible(folder):
        if not path.is_dir():
            yield path
        elif not path.is_symlink():
            yield from _walk_files(path)


def _is_ignored(name: str) -> bool:
    return name.startswith(".") or name in IGNORED


def _parse_track(file: PurePath) -> str:
    match = TRACK_FRAME.fullmatch(file.stem)
    return match["track"] if match else file.name
