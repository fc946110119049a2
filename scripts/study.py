"""Trains the rows of a study and compares them:  python -m scripts.study docs/ideas.yaml

A study is a YAML file: a `recipe`, overrides in `common` and in each of `rows` as `dvc exp run -S` takes them, the `folds` of
the split by tracks, and the `seeds`. Each row, fold and seed is one training on the workspace's raw data, validated on the
fold; no test metric is computed. Runs train side by side, as many as the cores have threads for (or GTSRB_JOBS). Each adds one
line to the .csv next to the study as soon as it ends; besides, only the variants' arrays are kept, in .arrays/. Runs that have
a line are skipped; a killed run resumes after its last finished epoch.

At the end the table is printed in Markdown and plotted to the .png next to the study; `--report` does this without training.

`test: true` repeats a committed recipe with other seeds only: each run is evaluated on the test set as stages/evaluate does
it, and mean, standard deviation and n are printed.
"""

import argparse
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import filelock

from gtsrb import command_line, device, parallel
from gtsrb.config.preprocess import Variant
from gtsrb.config.train import Recipe
from gtsrb.data import arrays, tables
from gtsrb.errors import InputError
from gtsrb.progress import format_runs, print_line
from gtsrb.studies import results, study, study_table
from gtsrb.studies.code_dependencies import code_hash, file_hash
from gtsrb.studies.study import Run, Study
from gtsrb.studies.training import train_run
from gtsrb.training import checkpoints, loop
from gtsrb.training.split import split
from stages.preprocess import write_arrays, write_no_arrays

RAW, SYNTHETIC = Path("data/raw"), Path("data/synthetic")
ARRAYS = Path(".arrays")  # in .gitignore: the arrays of each variant


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.study", description="Trains the rows of a study.")
    parser.add_argument("study", type=Path, help="a YAML file, such as docs/ideas.yaml")
    parser.add_argument("--report", action="store_true", help="train nothing, print and plot the results so far")
    arguments = parser.parse_args()
    content, results_file = study.read(arguments.study), arguments.study.with_suffix(".csv")
    if not arguments.report:
        train_missing(content, results_file)
    report(content, results_file, arguments.study.with_suffix(".png"))


def train_missing(content: Study, results_file: Path) -> None:
    """Trains the runs without a line in `results_file`, side by side, and appends each line as soon as its run has ended.

    Raises `InputError` before the first training.
    """
    lines, params = results.read_lines(results_file), Path("params.yaml").read_text()
    runs = study.list_runs(content, params)
    if content.test:
        study.check_committed(content, params)
    splits = ("train", "test") if content.test else ("train",)
    used = sorted({run.recipe.synthetic.set for run in runs} - {"none"})
    tables_read = [*(RAW / f"{split}.parquet" for split in splits), *(SYNTHETIC / name / "train.parquet" for name in used)]
    code = results.hash_code([RAW / "classes.csv", *tables_read], device.versions())
    revision, names = results.git_revision(), arrays.read_class_names()
    check_recipes([run.recipe for run in runs], names)
    check_rows(runs)
    missing = results.find_missing(lines, runs, code, as_files=bool(content.as_files))
    if not missing:
        return
    arrays_dirs = {
        inputs: prepare_sources(*inputs, splits, as_files=bool(content.as_files))
        for inputs in dict.fromkeys(run.inputs for run in missing)
    }
    finished = []
    with ExitStack() as locks, loop.open_trainers(missing[0].recipe, len(missing)) as workers:
        folders: dict[int, ExitStack] = {}
        sources = {
            inputs: {name: workers.share(arrays.read, folder) for name, folder in dirs.items()}
            for inputs, dirs in arrays_dirs.items()
        }

        def call(number: int) -> partial[dict[str, Any]]:
            """The training of a run, whose checkpoints are locked when a worker is free for it."""
            run = missing[number]
            print_line(f"{number + 1} of {len(missing)}: {run.name}")
            folders[number] = locks.enter_context(ExitStack())
            dirs = arrays_dirs[run.inputs]
            trained_on = (dirs["train"], dirs["synthetic"])
            checkpoint_dir = checkpoints.checkpoint_dir(run.recipe, trained_on, run.evaluation)
            folder = folders[number].enter_context(checkpoint_dir)
            return partial(train_run, run, sources[run.inputs], classes=len(names), folder=folder)

        for number, measured in workers.run(map(call, range(len(missing)))):
            run = missing[number]
            keys = {
                "row": run.row,
                "fold": run.fold,
                "seed": run.seed,
                "params": run.params,
                "code": code,
                "revision": revision,
            }
            results.append_line(results_file, keys | measured)
            folders.pop(number).close()
            finished.append((run.name, run.recipe.epochs, measured.get("val_accuracy"), measured["seconds"]))
    if len(finished) > 1:
        print(format_runs(finished))


def check_rows(runs: list[Run]) -> None:
    """Raises `InputError` if two rows have the same params, and so would train in the same checkpoint folder at a time."""
    first_rows: dict[str, str] = {}
    for run in runs:
        if (first := first_rows.setdefault(run.params, run.row)) != run.row:
            raise InputError(f"rows {first} and {run.row} have the same params; delete one of them")


def check_recipes(recipes: list[Recipe], names: list[str]) -> None:
    """Raises `InputError` if a recipe does not fit the raw data."""
    labels, tracks = tables.read_labels_and_tracks(RAW / "train.parquet")
    drawn = {"none": labels[:0]}
    for recipe in recipes:
        used = recipe.synthetic.set
        if used not in drawn:
            drawn[used], _ = tables.read_labels_and_tracks(SYNTHETIC / used / "train.parquet")
        loop.check_classes(recipe, names, drawn[used])
    for validation in {recipe.validation for recipe in recipes}:
        split(labels, tracks, validation)


def prepare_sources(variant: Variant, used: str, splits: Iterable[str], *, as_files: bool = False) -> dict[str, Path]:
    """The directories of the variant's arrays of these splits, and of the set of synthetic images that is `used`; and with
    `as_files` of the training images as they are without their boxes.
    """
    drawn = SYNTHETIC / used / "train.parquet"
    synthetic = prepare_no_arrays(variant) if used == "none" else prepare_arrays(drawn, variant)
    sources = {split: prepare_arrays(RAW / f"{split}.parquet", variant) for split in splits} | {"synthetic": synthetic}
    if as_files:
        sources["files"] = prepare_arrays(RAW / "train.parquet", without_box(variant))
    return sources


def without_box(variant: Variant) -> Variant:
    """The variant of a picture whose box is not known, so that all of it is taken for the sign."""
    return variant.model_copy(update={"crop": None, "margin": None}) if variant.crop == "roi" else variant


def prepare_no_arrays(variant: Variant) -> Path:
    """The directory of the variant's arrays of no image."""
    with arrays_dir(f"{variant.model_dump_json(exclude_none=True)} none") as (folder, finished):
        if not finished:
            write_no_arrays(folder, variant)
    return folder


def prepare_arrays(raw: Path, variant: Variant) -> Path:
    """The directory of the variant's arrays of the table `raw`, preprocessed if it does not exist yet."""
    code = code_hash(results.find_modules("preprocessing/preprocess", "data/tables"))
    with arrays_dir(f"{variant.model_dump_json(exclude_none=True)} {code} {file_hash(raw)}") as (folder, finished):
        if not finished:
            with parallel.open_workers(tables.count_row_groups(raw)) as workers:
                write_arrays(raw, folder, variant, workers, f"images of {raw}")
    return folder


@contextmanager
def arrays_dir(key: str) -> Iterator[tuple[Path, bool]]:
    """The directory of the arrays with this key, and whether they are there; another study that needs them waits meanwhile."""
    folder = ARRAYS / hashlib.sha256(key.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder / "lock"):
        yield folder, (folder / "tracks.npy").exists()  # written last, and atomically


def report(content: Study, results_file: Path, plot_file: Path) -> None:
    """Prints and plots the lines of the newest code whose rows still have the same params."""
    lines = results.read_lines(results_file)
    if lines.empty:
        raise InputError(f"{results_file}: no line of results yet; run it without --report")
    current = results.select_current(lines, study.list_runs(content, Path("params.yaml").read_text()))
    if current.empty:
        raise InputError(f"{results_file}: the params of all its rows have changed; run it without --report")
    newest = results.select_newest(current)
    print(f"code {newest['code'].iloc[0]}, revision {', '.join(newest['revision'].fillna('unknown').unique())}")
    for reason, ignored in {
        "other params": lines.drop(current.index),
        "other code, data or versions": current.drop(newest.index),
    }.items():
        if len(ignored):
            print(f"not counted, recorded with {reason}: {len(ignored)} lines of {', '.join(ignored['row'].unique())}")
    if content.test:
        print(study_table.format_repetitions(newest))
    else:
        table = study_table.summarize(newest, list(content.rows))
        print(study_table.format_summary(table))
        study_table.plot(table, plot_file)


if __name__ == "__main__":
    command_line.run(main)
