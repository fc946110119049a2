"""Reads the user's own data set, one picture after the other; docs/your-data.md describes it for users.

Classes are numbered in the order of their folders' names. A track, one physical sign, is a subfolder of a class folder, or the
number TTTTT in GTSRB's file names (TTTTT_FFFFF); any other image is a track by itself. No track is in both splits.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gtsrb.config.ingest import OwnData
from gtsrb.data import own_layouts, picture_files
from gtsrb.data.own_layouts import Picture
from gtsrb.data.sign_names import SIGN_NAMES
from gtsrb.data.tables import Row, encode_ppm
from gtsrb.errors import InputError, raise_problems
from gtsrb.progress import Bar


class Numbered(NamedTuple):
    """A picture with the numbers that the tables have for its class, its sign and its place among the sign's pictures."""

    class_id: int
    track: int | None  # None, as the frame, in the test split
    frame: int | None
    path: str
    box: tuple[int, ...] | None


def read(folder: Path, params: OwnData, problems: list[str]) -> tuple[Iterator[Row], Iterator[Row], list[str]]:
    """Rows of the training and the test table, and the names of the classes; each picture is read when its row is asked for.

    Pictures that cannot be read are added to `problems`. Raises `InputError` for anything else that is wrong.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; docs/your-data.md has the layouts")
    splits = own_layouts.list_pictures(folder, problems)
    raise_problems(problems, str(folder))
    train, given_test = splits.pop("train", []), splits.pop("test", None)
    labels = sorted({picture.label for picture in train}, key=own_layouts.class_sort_key)
    problems += [*check_splits(train, given_test, params.test_fraction)]
    names = name_classes(folder, labels, problems)
    raise_problems(problems, str(folder))

    test = given_test or []
    if params.test_fraction:
        train, test = hold_out_signs(train, params.test_fraction, params.seed)
    class_ids = {label: class_id for class_id, label in enumerate(labels)}
    test.sort(key=lambda picture: picture.path)
    unnumbered = (Numbered(class_ids[picture.label], None, None, picture.path, picture.box) for picture in test)
    numbered = number_pictures(train, class_ids)
    return read_pictures(folder, numbered, len(train), problems), read_pictures(folder, unnumbered, len(test), problems), names


def check_splits(train: list[Picture], test: list[Picture] | None, fraction: float | None) -> Iterator[str]:
    """Yields the reasons why these pictures cannot be trained and tested on; `test` is None if the folder has no test split."""
    tracks = Counter(label for label, _ in {(picture.label, picture.track) for picture in train})
    if len(tracks) < 2:
        yield f"{len(tracks) or 'no'} class of training images; expected at least 2"
    if fraction and test is None:
        for label in sorted(tracks, key=own_layouts.class_sort_key):
            if tracks[label] < 2:
                yield f"class {label}: 1 sign; expected at least 2, to train and to test on (docs/your-data.md, signs)"
    elif fraction:
        yield f"it has a test split, and ingest.own.test_fraction = {fraction} in params.yaml; remove one of the two"
    elif not test:
        yield "no test images; add a test split, or test_fraction to ingest.own in params.yaml"
    else:
        for label in sorted({picture.label for picture in test} - tracks.keys(), key=own_layouts.class_sort_key):
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


def hold_out_signs(train: list[Picture], fraction: float, seed: int) -> tuple[list[Picture], list[Picture]]:
    """Training and test pictures: `fraction` of each class's tracks, at least one, become the test split.

    The draw of a class depends only on its own tracks, so that new images of one class do not move images of another.
    """
    test_tracks = set()
    for label, class_tracks in collect_tracks(train).items():
        shuffled = np.random.default_rng([seed, *label.encode()]).permutation(class_tracks)
        test_tracks |= {(label, str(track)) for track in shuffled[: max(1, round(fraction * len(class_tracks)))]}
    kept = [picture for picture in train if (picture.label, picture.track) not in test_tracks]
    held_out = [picture for picture in train if (picture.label, picture.track) in test_tracks]
    return kept, held_out


def collect_tracks(pictures: list[Picture]) -> dict[str, list[str]]:
    """The tracks of each class, sorted."""
    tracks: dict[str, set[str]] = defaultdict(set)
    for picture in pictures:
        tracks[picture.label].add(picture.track)
    return {label: sorted(class_tracks) for label, class_tracks in tracks.items()}


def number_pictures(pictures: list[Picture], class_ids: dict[str, int]) -> Iterator[Numbered]:
    """By class and sign: numbers the signs of a class in the order of their names, the pictures of a sign in the order given.

    Sorts `pictures` themselves, which may be as many as fit in memory.
    """
    signs = {
        (label, name): (class_ids[label], track)
        for label, names in collect_tracks(pictures).items()
        for track, name in enumerate(names)
    }

    def sign_of(picture: Picture) -> tuple[int, int]:
        return signs[picture.label, picture.track]

    pictures.sort(key=sign_of)
    for sign, of_sign in groupby(pictures, key=sign_of):
        for frame, picture in enumerate(of_sign):
            yield Numbered(*sign, frame, picture.path, picture.box)


def read_pictures(folder: Path, pictures: Iterable[Numbered], total: int, problems: list[str]) -> Iterator[Row]:
    """Their rows; a picture that cannot be read, or whose box is not inside it, is added to `problems` and has none."""
    for class_id, track, frame, path, box in Bar(pictures, desc="reading pictures", total=total, unit=" pictures"):
        try:
            image = picture_files.read(folder / path)
        except InputError as error:
            problems.append(f"{path}: {error}")
            continue
        height, width, _ = image.shape
        x1, y1, x2, y2 = box or (0, 0, width - 1, height - 1)
        if min(width, height) < 2:
            problems.append(f"{path}: {width} x {height} pixels; expected at least 2 x 2")
        elif not (0 <= x1 < x2 < width and 0 <= y1 < y2 < height):
            problems.append(f"{path}: ROI {box} is not inside the image of {width} x {height} pixels")
        else:
            yield path, class_id, track, frame, width, height, x1, y1, x2, y2, encode_ppm(image)
