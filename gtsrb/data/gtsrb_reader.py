"""Reads the benchmark: annotations first, then one image after the other, each decoded and checked against its annotation."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image

from gtsrb.config.ingest import Gtsrb
from gtsrb.data.gtsrb_source import Source
from gtsrb.data.tables import Row, encode_ppm
from gtsrb.errors import InputError, raise_problems
from gtsrb.progress import Bar

NUMBERS = ("Width", "Height", "Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2", "ClassId")  # columns of the csv files of both layouts
TRACK_FRAME = r"(?P<name>(?P<track>[0-9]{5})_(?P<frame>[0-9]{5}))"
TREE_TRAIN = re.compile(rf"Final_Training/Images/(?P<folder>[0-9]+)/{TRACK_FRAME}\.ppm")
TREE_TEST = re.compile(r"Final_Test/Images/(?P<name>[0-9]{5})\.ppm")
KAGGLE_TRAIN = re.compile(rf"Train/(?P<folder>[0-9]+)/0*(?P=folder)_{TRACK_FRAME}\.png")
KAGGLE_TEST = re.compile(r"Test/(?P<name>[0-9]{5})\.png")
TEST_CSV = "GT-final_test.csv"


class Annotation(NamedTuple):
    """One row of an annotation file: the columns of `tables.SCHEMA` except the image, and where the image is."""

    path: str  # relative to the data set's root
    folder: int | None  # class number in the name of its folder; None for test images
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


def read(source: Source, expected: Gtsrb, problems: list[str]) -> tuple[Iterator[Row], Iterator[Row]]:
    """Rows of the training and the test table, from any layout of `source`; each image is read when its row is asked for.

    Whatever is missing, broken or not as `expected` is added to `problems`. Raises `InputError` if annotations cannot be read.
    """
    train, test = _read_annotations(source, expected.classes, problems)
    raise_problems(problems, source.origin)  # a broken csv file would add a problem for each of its images
    problems += [*_check_counts(train, test, expected), *_find_duplicates_and_strays(source, train + test)]
    train.sort(key=lambda annotation: (annotation.class_id, annotation.track, annotation.frame, annotation.filename))
    test.sort(key=lambda annotation: annotation.filename)

    def read_images(annotations: list[Annotation], split: str) -> Iterator[Row]:
        for annotation in Bar(annotations, desc=f"checking {split} images", unit=" images"):
            found = [*_check_values(annotation, expected.classes)]
            try:
                image = _read_image(source, annotation)
            except InputError as error:
                found.append(str(error))
            problems.extend(found)
            if not found:  # the table may have no room for a value out of range
                yield (*annotation[2:], image)

    return read_images(train, "training"), read_images(test, "test")


def _read_annotations(source: Source, classes: int, problems: list[str]) -> tuple[list[Annotation], list[Annotation]]:
    """Training and test annotations; problems with the csv files are added to `problems`."""
    if "Train.csv" in source.files and not any(name.startswith("Final_Training/") for name in source.files):
        train = _read_csv(source, "Train.csv", "Path", "", KAGGLE_TRAIN, problems)
        return train, _read_csv(source, "Test.csv", "Path", "", KAGGLE_TEST, problems)
    train = []
    for folder in (f"Final_Training/Images/{class_id:05d}/" for class_id in range(classes)):
        train += _read_csv(source, f"{folder}GT-{folder[-6:-1]}.csv", "Filename", folder, TREE_TRAIN, problems)
    test_csvs = [name for name in source.files if name.split("/")[-1] == TEST_CSV]
    test_csv = min(test_csvs, key=len, default=TEST_CSV)
    return train, _read_csv(source, test_csv, "Filename", "Final_Test/Images/", TREE_TEST, problems)


def _read_csv(
    source: Source, name: str, image_column: str, folder: str, pattern: re.Pattern[str], problems: list[str]
) -> list[Annotation]:
    """The annotations in the csv file `name`, whose `image_column` has paths of images relative to `folder`."""
    try:
        text = source.read(name).decode("utf-8-sig")
        table = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in text[:200] else ",", restval="")
        missing = [column for column in (image_column, *NUMBERS) if column not in (table.fieldnames or ())]
        rows = [] if missing else list(table)
    except InputError as error:
        problems.append(f"{error}{_test_csv_hint(source) if name == TEST_CSV else ''}")
        return []
    except (UnicodeDecodeError, csv.Error) as error:
        problems.append(f"{name}: not a csv file ({error})")
        return []
    if missing:
        hint = _test_csv_hint(source) if missing == ["ClassId"] and name.endswith(TEST_CSV) else ""
        problems.append(f"{name}: no column {', '.join(missing)}; found {', '.join(table.fieldnames or ['nothing'])}{hint}")

    annotations = []
    for line, row in enumerate(rows, start=2):
        path = folder + row[image_column]
        match = pattern.fullmatch(path)
        row_problems = [f"{column} = {row[column]!r} is not an integer" for column in NUMBERS if not _is_integer(row[column])]
        row_problems += [] if match else [f"{path!r} is not a file name of the benchmark"]
        problems += [f"{name}, line {line}: {problem}" for problem in row_problems]
        if match and not row_problems:
            numbers = {key: int(value) for key, value in match.groupdict().items() if key != "name"}
            width, height, x1, y1, x2, y2, class_id = (int(row[column]) for column in NUMBERS)
            ids = (numbers.get("folder"), f"{match['name']}.ppm", class_id, numbers.get("track"), numbers.get("frame"))
            annotations.append(Annotation(path, *ids, width, height, x1, y1, x2, y2))
    return annotations


def _test_csv_hint(source: Source) -> str:
    has_unlabelled = "GT-final_test.test.csv" in (name.split("/")[-1] for name in source.files)
    reason = " (GT-final_test.test.csv of the image archive has no ClassId)" if has_unlabelled else ""
    return f"; use {TEST_CSV} from GTSRB_Final_Test_GT.zip{reason}"


def _is_integer(text: str) -> bool:
    return re.fullmatch(r"-?[0-9]{1,9}", text.strip()) is not None


def _check_counts(train: list[Annotation], test: list[Annotation], expected: Gtsrb) -> Iterator[str]:
    for what, found, expected_count in (
        ("training images", len(train), expected.train_images),
        ("training tracks", len({(a.class_id, a.track) for a in train}), expected.train_tracks),
        ("classes of training images", len({a.class_id for a in train}), expected.classes),
        ("test images", len(test), expected.test_images),
    ):
        if found != expected_count:
            yield f"{what}: {found} annotated, {expected_count} expected"


def _find_duplicates_and_strays(source: Source, annotations: list[Annotation]) -> Iterator[str]:
    counts = Counter(annotation.path for annotation in annotations)
    yield from (f"{path}: annotated {count} times" for path, count in counts.items() if count > 1)
    folders = ("Train/", "Test/") if any(path.startswith("Train/") for path in counts) else ("Final_Training/", "Final_Test/")
    for path in source.files:
        is_hidden = path.split("/")[-1].startswith(".")  # such as ._NAME, metadata of macOS
        is_image = path.lower().endswith((".ppm", ".png")) and not is_hidden
        if is_image and path.startswith(folders) and path not in counts:
            yield f"{path}: image without an annotation"


def _check_values(annotation: Annotation, classes: int) -> Iterator[str]:
    path, folder, _, class_id, _, _, width, height, x1, y1, x2, y2 = annotation
    if not 0 <= class_id < classes:
        yield f"{path}: annotated as class {class_id}, expected 0 to {classes - 1}"
    elif folder is not None and folder != class_id:
        yield f"{path}: annotated as class {class_id}, in the folder of class {folder}"
    if not (0 <= x1 < x2 < width and 0 <= y1 < y2 < height):
        yield f"{path}: ROI {x1, y1, x2, y2} is not inside the image of {width} x {height} pixels"


def _read_image(source: Source, annotation: Annotation) -> bytes:
    """The image as a PPM like the benchmark's.

    Raises `InputError` if it is missing or unreadable, not 8-bit RGB, or not of the annotated size.
    """
    path, data = annotation.path, source.read(annotation.path)
    try:
        image = Image.open(io.BytesIO(data), formats=("PPM", "PNG"))
        is_rgb = image.mode == image.tile[0][3] == "RGB"  # the tile has the file's mode: Pillow converts 16 bits to 8
        has_annotated_size = image.size == (annotation.width, annotation.height)
        if is_rgb and has_annotated_size:  # checked before decoding: a header may claim gigabytes
            return encode_ppm(np.asarray(image))
    except Exception:  # Pillow raises a dozen types on broken files
        raise InputError(f"{path}: not a readable image (damaged or truncated)") from None
    if not is_rgb:
        raise InputError(f"{path}: not an RGB image with 8 bits per channel (mode {image.mode})")
    raise InputError(f"{path}: {image.width} x {image.height} pixels, annotated as {annotation.width} x {annotation.height}")
