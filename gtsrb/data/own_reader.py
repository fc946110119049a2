"""Reads the user's own data set into two data frames and a list of class names; docs/your-data.md describes it for users.

Classes are numbered in the order of their folders' names. A track, one physical sign, is a subfolder of a class folder, or the
number TTTTT in GTSRB's file names (TTTTT_FFFFF); any other image is a track by itself. No track is in both splits.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from gtsrb.config.ingest import OwnData
from gtsrb.data import own_layouts, picture_files
from gtsrb.data.own_layouts import Picture
from gtsrb.data.sign_names import SIGN_NAMES
from gtsrb.data.tables import SCHEMA, encode_ppm
from gtsrb.errors import InputError, raise_problems
from gtsrb.progress import Bar

MAX_PIXELS = 1_000_000_000  # of all pictures together: 3 GB, which have to fit in memory

Images = dict[str, tuple[int, int, bytes]]  # path of a picture -> its width, height and PPM


def read(folder: Path, params: OwnData) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Training and test images with the columns of `tables.SCHEMA`, and the names of the classes.

    Raises `InputError` with the number of problems and the first ten.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; docs/your-data.md has the layouts")
    problems: list[str] = []
    splits = own_layouts.list_pictures(folder, problems)
    raise_problems(problems, str(folder))
    train, given_test = splits.get("train", []), splits.get("test")
    labels = sorted({picture.label for picture in train}, key=own_layouts.class_sort_key)
    problems += [*check_splits(train, given_test, params.test_fraction)]
    names = name_classes(folder, labels, problems)
    raise_problems(problems, str(folder))

    test = given_test or []
    if params.test_fraction:
        train, test = hold_out_signs(train, params.test_fraction, params.seed)
    images = _decode_pictures(folder, [*train, *test], problems)
    raise_problems(problems, str(folder))
    return _to_frame(train, labels, images), _to_frame(test, labels, images).assign(track=None, frame=None), names


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
    tracks: dict[str, set[str]] = defaultdict(set)
    for picture in train:
        tracks[picture.label].add(picture.track)
    test_tracks = set()
    for label, class_tracks in tracks.items():
        shuffled = np.random.default_rng([seed, *label.encode()]).permutation(sorted(class_tracks))
        test_tracks |= {(label, str(track)) for track in shuffled[: max(1, round(fraction * len(class_tracks)))]}
    kept = [picture for picture in train if (picture.label, picture.track) not in test_tracks]
    held_out = [picture for picture in train if (picture.label, picture.track) in test_tracks]
    return kept, held_out


def _decode_pictures(folder: Path, pictures: list[Picture], problems: list[str]) -> Images:
    """Decodes the pictures; one that cannot be read, or whose box is not inside it, is added to `problems`."""
    images, n_pixels = {}, 0
    for picture in Bar(pictures, desc="reading images", unit=" images"):
        try:
            image = picture_files.read(folder / picture.path)
        except InputError as error:
            problems.append(f"{picture.path}: {error}")
            continue
        height, width, _ = image.shape
        x1, y1, x2, y2 = picture.box or (0, 0, width - 1, height - 1)
        if min(width, height) < 2:
            problems.append(f"{picture.path}: {width} x {height} pixels; expected at least 2 x 2")
        elif not (0 <= x1 < x2 < width and 0 <= y1 < y2 < height):
            problems.append(f"{picture.path}: ROI {picture.box} is not inside the image of {width} x {height} pixels")
        images[picture.path] = (width, height, encode_ppm(image))
        n_pixels += width * height
        if n_pixels > MAX_PIXELS:
            problems.append(f"more than {MAX_PIXELS // 10**6} million pixels in total; crop or reduce the pictures")
            break
    return images


def _to_frame(pictures: list[Picture], labels: list[str], images: Images) -> pd.DataFrame:
    rows = []
    for picture in pictures:
        width, height, image = images[picture.path]
        box = picture.box or (0, 0, width - 1, height - 1)
        rows.append((picture.path, labels.index(picture.label), picture.track, None, width, height, *box, image))
    frame = pd.DataFrame(rows, columns=SCHEMA.names)
    frame["frame"] = frame.groupby(["class_id", "track"]).cumcount()
    frame["track"] = frame.groupby("class_id")["track"].transform(lambda tracks: pd.factorize(tracks, sort=True)[0])
    return frame
