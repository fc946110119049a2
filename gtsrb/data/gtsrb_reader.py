"""The benchmark as two data frames: its annotation files read, every image decoded and checked against its annotation."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from gtsrb.config.ingest import Gtsrb
from gtsrb.data.gtsrb_source import Source
from gtsrb.data.tables import SCHEMA, encode_ppm
from gtsrb.errors import InputError, raise_problems
from gtsrb.progress import Bar

NUMBERS = ("Width", "Height", "Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2", "ClassId")  # columns of both layouts' csv files
TRACK_FRAME = r"(?P<name>(?P<track>[0-9]{5})_(?P<frame>[0-9]{5}))"
TREE_TRAIN = re.compile(rf"Final_Training/Images/(?P<folder>[0-9]+)/{TRACK_FRAME}\.ppm")
TREE_TEST = re.compile(r"Final_Test/Images/(?P<name>[0-9]{5})\.ppm")
KAGGLE_TRAIN = re.compile(rf"Train/(?P<folder>[0-9]+)/0*(?P=folder)_{TRACK_FRAME}\.png")
KAGGLE_TEST = re.compile(r"Test/(?P<name>[0-9]{5})\.png")
TEST_CSV = "GT-final_test.csv"


class Annotation(NamedTuple):
    """What the annotation files say of an image: the columns of SCHEMA but for the image, and where it is."""

    path: str  # within the data set
    folder: int | None  # the class its folder stands for; None for test images
    filename: str
    class_id: int
    track: int | None
    frame: int | None
    width: int
    height: int
    roi_x1: int
    roi_y1: int
    roi_x2: int
    roi_y2: int


def read(source: Source, expected: Gtsrb) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train and test images and annotations, with the columns of `tables.SCHEMA`, whatever the layout of `source`.

    Raises `InputError` with the first ten faults and their number if anything is missing, broken or not as `expected`.
    """
    faults: list[str] = []
    train, test = _annotations(source, expected.classes, faults)
    raise_problems(faults, source.origin)  # a broken csv would bring a fault for each of its images
    faults += [*_wrong_counts(train, test, expected), *_unpaired(source, train + test)]

    images: dict[str, bytes] = {}
    for annotation in Bar(train + test, desc="checking images", unit=" images"):
        faults += _wrong_values(annotation, expected.classes)
        try:
            images[annotation.path] = _image(source, annotation)
        except InputError as fault:
            faults.append(str(fault))
    raise_problems(faults, source.origin)
    return _frame(train, images), _frame(test, images)


def _annotations(source: Source, classes: int, faults: list[str]) -> tuple[list[Annotation], list[Annotation]]:
    """Train and test annotations; what is wrong with the csv files is added to `faults`."""
    if "Train.csv" in source.files and not any(name.startswith("Final_Training/") for name in source.files):
        train = _parse(source, "Train.csv", "Path", "", KAGGLE_TRAIN, faults)
        return train, _parse(source, "Test.csv", "Path", "", KAGGLE_TEST, faults)
    train = []
    for folder in (f"Final_Training/Images/{class_id:05d}/" for class_id in range(classes)):
        train += _parse(source, f"{folder}GT-{folder[-6:-1]}.csv", "Filename", folder, TREE_TRAIN, faults)
    there = [name for name in source.files if name.split("/")[-1] == TEST_CSV]
    return train, _parse(source, min(there, key=len, default=TEST_CSV), "Filename", "Final_Test/Images/", TREE_TEST, faults)


def _parse(
    source: Source, name: str, image_column: str, folder: str, pattern: re.Pattern[str], faults: list[str]
) -> list[Annotation]:
    """The rows of the csv file `name`, whose `image_column` names the images in `folder`."""
    try:
        text = source.read(name).decode("utf-8-sig")
        table = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in text[:200] else ",", restval="")
        missing = [column for column in (image_column, *NUMBERS) if column not in (table.fieldnames or ())]
        rows = [] if missing else list(table)
    except InputError as error:
        faults.append(f"{error}{_which_test_csv(source) if name == TEST_CSV else ''}")
        return []
    except (UnicodeDecodeError, csv.Error) as error:
        faults.append(f"{name}: not a csv file ({error})")
        return []
    if missing:
        which = _which_test_csv(source) if missing == ["ClassId"] and name.endswith(TEST_CSV) else ""
        faults.append(f"{name}: no column {', '.join(missing)}; found {', '.join(table.fieldnames or ['nothing'])}{which}")

    annotations = []
    for line, row in enumerate(rows, start=2):
        path = folder + row[image_column]
        match = pattern.fullmatch(path)
        odd = [f"{column} = {row[column]!r} is not a whole number" for column in NUMBERS if not _is_whole(row[column])]
        odd += [] if match else [f"{path!r} is not a name of the benchmark's"]
        faults += [f"{name}, line {line}: {fault}" for fault in odd]
        if match and not odd:
            part = {key: int(value) for key, value in match.groupdict().items() if key != "name"}
            width, height, x1, y1, x2, y2, class_id = (int(row[column]) for column in NUMBERS)
            ids = (part.get("folder"), f"{match['name']}.ppm", class_id, part.get("track"), part.get("frame"))
            annotations.append(Annotation(path, *ids, width, height, x1, y1, x2, y2))
    return annotations


def _which_test_csv(source: Source) -> str:
    other = "GT-final_test.test.csv" in (name.split("/")[-1] for name in source.files)
    here = " (GT-final_test.test.csv of the image archive has no ClassId)" if other else ""
    return f"; the file meant is {TEST_CSV} from GTSRB_Final_Test_GT.zip{here}"


def _is_whole(text: str) -> bool:
    return re.fullmatch(r"-?[0-9]{1,9}", text.strip()) is not None


def _wrong_counts(train: list[Annotation], test: list[Annotation], expected: Gtsrb) -> Iterator[str]:
    for what, found, right in (
        ("training images", len(train), expected.train_images),
        ("training tracks", len({(a.class_id, a.track) for a in train}), expected.train_tracks),
        ("classes of training images", len({a.class_id for a in train}), expected.classes),
        ("test images", len(test), expected.test_images),
    ):
        if found != right:
            yield f"{what}: {found} annotated, {right} expected"


def _unpaired(source: Source, annotations: list[Annotation]) -> Iterator[str]:
    counts = Counter(annotation.path for annotation in annotations)
    yield from (f"{path}: annotated {count} times" for path, count in counts.items() if count > 1)
    tops = ("Train/", "Test/") if any(path.startswith("Train/") for path in counts) else ("Final_Training/", "Final_Test/")
    for path in source.files:
        is_image = path.lower().endswith((".ppm", ".png")) and not path.split("/")[-1].startswith(".")  # ._: macOS' notes
        if is_image and path.startswith(tops) and path not in counts:
            yield f"{path}: image without an annotation"


def _wrong_values(annotation: Annotation, classes: int) -> Iterator[str]:
    path, folder, _, class_id, _, _, width, height, x1, y1, x2, y2 = annotation
    if not 0 <= class_id < classes:
        yield f"{path}: annotated as class {class_id}, expected 0 to {classes - 1}"
    elif folder is not None and folder != class_id:
        yield f"{path}: annotated as class {class_id}, in the folder of class {folder}"
    if not (0 <= x1 < x2 < width and 0 <= y1 < y2 < height):
        yield f"{path}: ROI {x1, y1, x2, y2} is not inside the image of {width} x {height} pixels"


def _image(source: Source, annotation: Annotation) -> bytes:
    """An image as the benchmark's PPM. Raises `InputError`: missing, unreadable, not 8-bit RGB, not of the annotated size."""
    path, data = annotation.path, source.read(annotation.path)
    try:
        image = Image.open(io.BytesIO(data), formats=("PPM", "PNG"))
        rgb = image.mode == image.tile[0][3] == "RGB"  # the tile has the mode in the file: Pillow makes 8 bits of 16
        right_size = image.size == (annotation.width, annotation.height)
        if rgb and right_size:  # before decoding: a header may promise gigabytes
            return encode_ppm(np.asarray(image))
    except Exception:  # Pillow raises a dozen kinds on broken files
        raise InputError(f"{path}: not a readable image (damaged or cut off)") from None
    if not rgb:
        raise InputError(f"{path}: not an RGB image of 8 bits a channel (mode {image.mode})")
    raise InputError(f"{path}: {image.width} x {image.height} pixels, annotated as {annotation.width} x {annotation.height}")


def _frame(annotations: list[Annotation], images: dict[str, bytes]) -> pd.DataFrame:
    rows = [annotation._asdict() | {"image": images[annotation.path]} for annotation in annotations]
    return pd.DataFrame(rows, columns=SCHEMA.names)
