"""A data set of one's own as two data frames and the names of its classes; docs/your-data.md is its description for users.

Classes are numbered in the order of their folders' names. A physical sign, a track, is a folder within a class folder, or what
GTSRB's file names (TTTTT_FFFFF) number; any other image is a sign of its own. A track is trained on or tested, never both.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from gtsrb.config.ingest import Folder
from gtsrb.data import own_layouts, picture_files
from gtsrb.data.own_layouts import Picture
from gtsrb.data.sign_names import SIGN_NAMES
from gtsrb.data.tables import SCHEMA, encode_ppm
from gtsrb.errors import InputError, raise_problems
from gtsrb.progress import Bar

PIXELS = 1_000_000_000  # of all pictures together, at most: 3 GB, which have to fit in memory

Images = dict[str, tuple[int, int, bytes]]  # path of a picture -> its width, height and PPM


def read(folder: Path, params: Folder) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Train and test images with the columns of `tables.SCHEMA`, and the names of the classes.

    Raises `InputError` with the first ten faults and their number.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; docs/your-data.md says what it should hold")
    faults: list[str] = []
    parts = own_layouts.list_pictures(folder, faults)
    raise_problems(faults, str(folder))
    train, given = parts.get("train", []), parts.get("test")
    labels = sorted({picture.label for picture in train}, key=own_layouts.class_sort_key)
    faults += [*find_misfits(train, given, params.test_fraction)]
    names = class_names(folder, labels, faults)
    raise_problems(faults, str(folder))

    train, test = hold_out(train, params.test_fraction, params.seed) if params.test_fraction else (train, given or [])
    images = _images(folder, [*train, *test], faults)
    raise_problems(faults, str(folder))
    return _frame(train, labels, images), _frame(test, labels, images).assign(track=None, frame=None), names


def find_misfits(train: list[Picture], test: list[Picture] | None, fraction: float | None) -> Iterator[str]:
    """What keeps these pictures from being trained on and tested; `test` is None where the folder has no test part."""
    tracks = Counter(label for label, _ in {(picture.label, picture.track) for picture in train})
    if len(tracks) < 2:
        yield f"{len(tracks) or 'no'} class of training images; expected at least 2"
    if fraction and test is None:
        for label in sorted(tracks, key=own_layouts.class_sort_key):
            if tracks[label] < 2:
                yield f"class {label}: 1 sign; expected at least 2, one to train on and one to test (docs/your-data.md, signs)"
    elif fraction:
        yield f"a test part is there, and ingest.folder.test_fraction = {fraction} in params.yaml; take one of the two away"
    elif not test:
        yield "no test images; add a test part, or the line test_fraction to ingest.folder in params.yaml"
    else:
        for label in sorted({picture.label for picture in test} - tracks.keys(), key=own_layouts.class_sort_key):
            yield f"class {label}: test images, but no training images"


def class_names(folder: Path, labels: list[str], faults: list[str]) -> list[str]:
    """As classes.csv (folder, name) has them, a line for each class; without it the labels, or GTSRB's for its Kaggle copy."""
    if not (folder / "classes.csv").is_file():
        benchmark = own_layouts.is_kaggle(folder) and labels == [str(class_id) for class_id in range(len(SIGN_NAMES))]
        return list(SIGN_NAMES) if benchmark else labels
    lines = [
        (row["folder"], row["name"].strip()) for row in own_layouts.read_csv_rows(folder / "classes.csv", ("folder", "name"))
    ]
    names = dict(lines)
    known = ", ".join(labels[:5]) + (" ..." if len(labels) > 5 else "")
    faults += [f"classes.csv: no name for class {label}" for label in labels if not names.get(label)]
    faults += [f"classes.csv: {label!r} is no class; there are {known}" for label in names if label not in labels]
    for column, values in (("folder", [label for label, _ in lines]), ("name", [name for _, name in lines if name])):
        faults += [f"classes.csv: {column} {value!r} {n} times" for value, n in Counter(values).items() if n > 1]
    return [names.get(label, label) for label in labels]


def hold_out(train: list[Picture], fraction: float, seed: int) -> tuple[list[Picture], list[Picture]]:
    """Training and test pictures: that share of each class's tracks is tested, at least one of them.

    The draw of a class depends on its own tracks alone, so that new images of one class move none of another.
    """
    tracks: dict[str, set[str]] = defaultdict(set)
    for picture in train:
        tracks[picture.label].add(picture.track)
    tested = set()
    for label, own in tracks.items():
        drawn = np.random.default_rng([seed, *label.encode()]).permutation(sorted(own))
        tested |= {(label, str(track)) for track in drawn[: max(1, round(fraction * len(own)))]}
    is_tested = [(picture.label, picture.track) in tested for picture in train]
    kept, held_out = ([p for p, side in zip(train, is_tested, strict=True) if side is part] for part in (False, True))
    return kept, held_out


def _images(folder: Path, wanted: list[Picture], faults: list[str]) -> Images:
    """Opens the pictures; those that cannot be read, or whose box is not in them, are added to `faults`."""
    images, pixels = {}, 0
    for picture in Bar(wanted, desc="reading images", unit=" images"):
        try:
            image = picture_files.read(folder / picture.path)
        except InputError as fault:
            faults.append(f"{picture.path}: {fault}")
            continue
        height, width, _ = image.shape
        x1, y1, x2, y2 = picture.box or (0, 0, width - 1, height - 1)
        if min(width, height) < 2:
            faults.append(f"{picture.path}: {width} x {height} pixels; expected at least 2 x 2")
        elif not (0 <= x1 < x2 < width and 0 <= y1 < y2 < height):
            faults.append(f"{picture.path}: ROI {picture.box} is not inside the image of {width} x {height} pixels")
        images[picture.path] = (width, height, encode_ppm(image))
        pixels += width * height
        if pixels > PIXELS:
            faults.append(f"more than {PIXELS // 10**6} million pixels in all; cut out the signs or shrink the pictures")
            break
    return images


def _frame(wanted: list[Picture], labels: list[str], images: Images) -> pd.DataFrame:
    rows = []
    for picture in wanted:
        width, height, image = images[picture.path]
        box = picture.box or (0, 0, width - 1, height - 1)
        rows.append((picture.path, labels.index(picture.label), picture.track, None, width, height, *box, image))
    frame = pd.DataFrame(rows, columns=SCHEMA.names)
    frame["frame"] = frame.groupby(["class_id", "track"]).cumcount()
    frame["track"] = frame.groupby("class_id")["track"].transform(lambda tracks: pd.factorize(tracks, sort=True)[0])
    return frame
