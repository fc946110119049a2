"""Reads the user's own data set, one picture after the other; docs/your-data.md describes it for users.

Classes are numbered in the order of their folders' names. A track, one physical sign, is a subfolder of a class folder, or the
number TTTTT in GTSRB's file names (TTTTT_FFFFF); any other image is a track by itself. No track is in both splits.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from gtsrb.config.ingest import OwnData
from gtsrb.data import own_layouts, picture_files
from gtsrb.data.limits import MIN_SIDE
from gtsrb.data.sign_names import SIGN_NAMES
from gtsrb.data.tables import Row, encode_ppm
from gtsrb.errors import InputError, raise_problems
from gtsrb.progress import Bar


def read(folder: Path, params: OwnData, problems: list[str]) -> tuple[Iterator[Row], Iterator[Row], list[str]]:
    """Rows of the training and the test table, and the names of the classes; each picture is read when its row is asked for.

    Pictures that cannot be read are added to `problems`. Raises `InputError` for anything else that is wrong.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; docs/your-data.md has the layouts")
    splits = own_layouts.list_pictures(folder, problems)
    raise_problems(problems, str(folder))
    train, given_test = splits.get("train", own_layouts.tabulate([])), splits.get("test")
    labels = sorted(train["label"].unique(), key=own_layouts.class_sort_key)
    problems += [*check_splits(train, given_test, params.test_fraction)]
    names = name_classes(folder, labels, problems)
    raise_problems(problems, str(folder))

    if params.test_fraction:
        train, given_test = hold_out_signs(train, params.test_fraction, params.seed)
    assert given_test is not None  # `check_splits`
    numbered, test = number_pictures(train, labels), sort_by_path(given_test, labels)
    return read_pictures(folder, numbered, problems), read_pictures(folder, test, problems), names


def check_splits(train: pd.DataFrame, test: pd.DataFrame | None, fraction: float | None) -> Iterator[str]:
    """Yields the reasons why these pictures cannot be trained and tested on; `test` is None if the folder has no test split."""
    tracks = {str(label): n for label, n in train.groupby("label", observed=True)["track"].nunique().items()}
    if len(tracks) < 2:
        yield f"{len(tracks) or 'no'} class of training images; expected at least 2"
    if fraction and test is None:
        for label in sorted(tracks, key=own_layouts.class_sort_key):
            if tracks[label] < 2:
                yield f"class {label}: 1 sign; expected at least 2, to train and to test on (docs/your-data.md, signs)"
    elif fraction:
        yield f"it has a test split, and ingest.own.test_fraction = {fraction} in params.yaml; remove one of the two"
    elif test is None or test.empty:
        yield "no test images; add a test split, or test_fraction to ingest.own in params.yaml"
    else:
        for label in sorted({*test["label"].unique()} - tracks.keys(), key=own_layouts.class_sort_key):
            yield f"class {label}: test images, but no training images"


def name_classes(folder: Path, labels: list[str], problems: list[str]) -> list[str]:
    """One name per label: from classes.csv (folder, name), else GTSRB's names for its Kaggle copy, else the labels."""
    if not (folder / "classes.csv").is_file():
        is_gtsrb = own_layouts.is_kaggle(folder) and labels == [str(class_id) for class_id in range(len(SIGN_NAMES))]
        return list(SIGN_NAMES) if is_gtsrb else labels
    columns = ("folder", "name")
    rows = [(row["folder"], row["name"].strip()) for row in own_layouts.read_csv_rows(folder / "classes.csv", columns)]
    names = dict(rows)
    valid = ", ".join(labels[:5]) + (" ..." if len(labels) > 5 else "")
    problems += [f"classes.csv: no name for class {label}" for label in labels if not names.get(label)]
    problems += [f"classes.csv: {label!r} is not a class; the classes are {valid}" for label in names if label not in labels]
    for column, values in (("folder", [label for label, _ in rows]), ("name", [name for _, name in rows if name])):
        problems += [f"classes.csv: {column} {value!r} occurs {n} times" for value, n in Counter(values).items() if n > 1]
    return [names.get(label, label) for label in labels]


def hold_out_signs(train: pd.DataFrame, fraction: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and test pictures: `fraction` of each class's tracks, at least one, become the test split.

    The draw of a class depends only on its own tracks, so that new images of one class do not move images of another.
    """
    held_out = pd.Series(False, train.index)
    for label, tracks in train.groupby("label", observed=True)["track"]:
        names = sorted(tracks.unique())
        shuffled = np.random.default_rng([seed, *str(label).encode()]).permutation(names)
        held_out[tracks.index] = tracks.isin(shuffled[: max(1, round(fraction * len(names)))])
    return train[~held_out], train[held_out]


def number_pictures(pictures: pd.DataFrame, labels: list[str]) -> pd.DataFrame:
    """By class and sign: `class_id` is the label's place, `track` that of the sign's name among those of its class, `frame` the
    picture's among those of the sign, in the order given.
    """
    class_id = number_classes(pictures, labels)
    names = pictures["track"].cat.categories
    track = pictures["track"].cat.set_categories(sorted(names)).cat.codes.groupby(class_id).rank("dense").astype(int) - 1
    numbered = pictures.assign(class_id=class_id, track=track).iloc[np.lexsort([track, class_id])]
    return numbered.assign(frame=numbered.groupby(["class_id", "track"]).cumcount())


def sort_by_path(pictures: pd.DataFrame, labels: list[str]) -> pd.DataFrame:
    """The test split: `class_id` as in training, no track, no frame."""
    return pictures.assign(class_id=number_classes(pictures, labels), track=None, frame=None).sort_values("path")


def number_classes(pictures: pd.DataFrame, labels: list[str]) -> pd.Series:
    return pictures["label"].cat.set_categories(labels).cat.codes


def read_pictures(folder: Path, pictures: pd.DataFrame, problems: list[str]) -> Iterator[Row]:
    """Their rows; a picture that cannot be read, or whose box is not inside it, is added to `problems` and has none."""
    columns = [pictures[name] for name in ("path", "class_id", "track", "frame", *own_layouts.BOX)]
    values = zip(*columns, strict=True)
    for path, class_id, track, frame, *box in Bar(values, desc="reading pictures", total=len(pictures), unit=" pictures"):
        try:
            image = picture_files.read(folder / path)
        except InputError as error:
            problems.append(f"{path}: {error}")
            continue
        height, width, _ = image.shape
        x1, y1, x2, y2 = map(int, box) if pd.notna(box[0]) else (0, 0, width - 1, height - 1)
        if min(width, height) < MIN_SIDE:
            problems.append(f"{path}: {width} x {height} pixels; expected at least {MIN_SIDE} x {MIN_SIDE}")
        elif not (0 <= x1 < x2 < width and 0 <= y1 < y2 < height):
            problems.append(f"{path}: ROI {x1, y1, x2, y2} is not inside the image of {width} x {height} pixels")
        elif min(x2 - x1, y2 - y1) + 1 < MIN_SIDE:
            problems.append(f"{path}: ROI {x1, y1, x2, y2}; expected at least {MIN_SIDE} x {MIN_SIDE} pixels")
        else:
            yield path, class_id, track, frame, width, height, x1, y1, x2, y2, encode_ppm(image)
