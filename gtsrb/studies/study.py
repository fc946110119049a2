"""A study: rows of overrides of a recipe, all trained with the same seeds on the same folds.

A line of results has two hashes. `params` covers the row's recipe and image variant, without seed and fold: a line is not
counted once its row has changed. `code` covers the modules that can change a result, the raw data and the versions: only
lines of the same `code` are compared. The Git revision is recorded but never compared.
"""

import hashlib
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from dvc.exceptions import DvcException
from dvc.utils.hydra import apply_overrides
from pydantic import Field, model_validator

from gtsrb.config import params
from gtsrb.config.base import Section, Seed
from gtsrb.config.evaluate import Evaluation
from gtsrb.config.load import validate
from gtsrb.config.params import Params
from gtsrb.config.preprocess import Variant
from gtsrb.config.train import Recipe, TrackFold
from gtsrb.config.yaml_loader import read_yaml
from gtsrb.errors import InputError

Overrides = list[str]  # as `dvc exp run -S` takes them


class Study(Section):
    """The content of docs/NAME.yaml."""

    recipe: str
    common: Overrides  # for every row
    folds: list[Annotated[int, Field(ge=0)]]
    seeds: Annotated[list[Seed], Field(min_length=1)]
    rows: Annotated[dict[str, Overrides], Field(min_length=1)]  # all are compared with the first
    as_files: Literal[True] | None = None  # also count errors on the validation pictures without their boxes
    test: Literal[True] | None = None  # repetitions of a committed recipe, each evaluated on the test set

    @model_validator(mode="after")
    def compares_rows_or_repeats_one(self) -> "Study":
        for name, numbers in (("folds", self.folds), ("seeds", self.seeds)):
            if len(set(numbers)) < len(numbers):
                raise ValueError(f"{name} = {numbers}: expected each number once")
        if self.test and (self.as_files or self.common or self.folds or list(self.rows.values()) != [[]]):
            raise ValueError(
                "test: true repeats a committed recipe and overrides only its seed; "
                "set common: [], folds: [] and one row without overrides, and no as_files"
            )
        if not self.test and not self.folds:
            raise ValueError("folds = []: a study compares rows on validation folds; set them, such as [0, 1, 2, 3, 4]")
        return self


@dataclass(frozen=True)
class Run:
    """One training of a study."""

    row: str
    fold: int | None  # None: that of the recipe
    seed: int
    recipe: Recipe
    variant: Variant
    evaluation: Evaluation
    is_tested: bool  # on the test set instead of the fold, for a study with `test: true`

    @property
    def name(self) -> str:
        fold = "" if self.fold is None else f", fold {self.fold}"
        return f"{self.row}{fold}, seed {self.seed}"

    @property
    def inputs(self) -> tuple[Variant, str]:
        """What its arrays are of: the image variant, and the set of synthetic images."""
        return self.variant, self.recipe.synthetic.set

    @property
    def params(self) -> str:
        """Hash of the row's params without fold and seed: the same for all runs of a row."""
        recipe = self.recipe.model_dump(exclude_none=True, exclude={"seed": True, "images": True, "validation": {"fold"}})
        content = [recipe, self.variant.model_dump(exclude_none=True), self.evaluation.model_dump(exclude_none=True)]
        return short_hash(json.dumps(content, sort_keys=True).encode())


def read(path: Path) -> Study:
    """The study in `path`. Raises `InputError` if it cannot be read or is not valid."""
    return validate(Study, read_yaml(path), origin=str(path))


def resolve_params(content: str, overrides: Overrides) -> Params:
    """The text of a params.yaml with `overrides` applied, as `dvc exp run` does. Raises `InputError` if either is not valid."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "params.yaml")
        path.write_text(content)
        try:
            apply_overrides(path, overrides)
        except DvcException as error:
            raise InputError(" ".join(str(error.__cause__ or error).split())) from None
        return params.load(path)


def list_runs(study: Study, content: str) -> list[Run]:
    """All runs, with the text of a params.yaml: every row on one fold with one seed, then on the next fold, then the next seed.

    Raises `InputError`.
    """
    rows = {}
    for row, overrides in study.rows.items():
        try:
            rows[row] = resolve_params(content, [*study.common, *overrides])
            if study.recipe not in rows[row].train:
                raise InputError(f"recipe {study.recipe!r}: expected one of params.yaml: {', '.join(rows[row].train)}")
        except InputError as error:
            raise InputError(f"row {row}: {error}") from None
    runs = []
    folds: list[int | None] = [*study.folds] or [None]
    for seed in study.seeds:
        for fold in folds:
            for row, row_params in rows.items():
                recipe = row_params.train[study.recipe].model_copy(update={"seed": seed})
                evaluation = row_params.evaluate[study.recipe]
                recipe = recipe if fold is None else set_fold(recipe, fold, row)
                runs.append(Run(row, fold, seed, recipe, row_params.preprocess[recipe.images], evaluation, bool(study.test)))
    check_comparable([run.recipe for run in runs])
    return runs


def set_fold(recipe: Recipe, fold: int, row: str) -> Recipe:
    """The recipe of `row`, validated on this fold. Raises `InputError` if it has no folds, or not this one."""
    if not isinstance(recipe.validation, TrackFold):
        raise InputError(
            f"row {row}: a study compares rows on folds of whole tracks; add two lines to common: ~train.RECIPE.validation and "
            "+train.RECIPE.validation={split:tracks,folds:5,fold:0,seed:0}"
        )
    if fold >= recipe.validation.folds:
        raise InputError(
            f"row {row}: fold {fold}: there are {recipe.validation.folds} folds, 0 to {recipe.validation.folds - 1}"
        )
    return recipe.model_copy(update={"validation": recipe.validation.model_copy(update={"fold": fold})})


def check_comparable(recipes: list[Recipe]) -> None:
    """Raises `InputError` if rows differ in what a comparison, or a process, can have only one of."""
    validations = [recipe.validation for recipe in recipes if isinstance(recipe.validation, TrackFold)]
    for key, values in {
        "validation.folds": {str(validation.folds) for validation in validations},
        "validation.seed": {str(validation.seed) for validation in validations},
        "device": {str(recipe.device) for recipe in recipes},
        "deterministic": {str(recipe.deterministic) for recipe in recipes},
        "threads": {str(recipe.threads) for recipe in recipes},
        "replicas": {str(recipe.replicas) for recipe in recipes},
    }.items():
        if len(values) > 1:
            raise InputError(f"rows differ in {key}: {' and '.join(sorted(values))}; set the same for all rows of a study")


def check_committed(study: Study, content: str) -> None:
    """Raises `InputError` if recipe, variant, evaluation or ingest in `content` differ from params.yaml at HEAD."""
    committed_content = run_git("show", "HEAD:params.yaml")
    if committed_content is None:
        raise InputError("test: true: Git has no params.yaml at HEAD; commit it before computing test metrics")
    current = resolve_params(content, [])
    try:
        committed = resolve_params(committed_content, [])
    except InputError as error:
        raise InputError(f"test: true: at HEAD, {error}; commit a valid one before computing test metrics") from None
    name, variant = study.recipe, current.train[study.recipe].images
    if name not in committed.train:
        raise InputError(f"test: true: HEAD has no recipe {name!r}; commit it before computing its test metrics")
    unchanged = {
        f"train.{name}": current.train[name] == committed.train[name],
        f"evaluate.{name}": current.evaluate[name] == committed.evaluate[name],
        f"preprocess.{variant}": current.preprocess[variant] == committed.preprocess.get(variant),
        "ingest": current.ingest == committed.ingest,
    }
    if (used := current.train[name].synthetic.set) != "none":
        unchanged |= {
            f"render.{used}": current.render[used] == committed.render.get(used),
            "camera": current.camera == committed.camera,
        }
    if changed := [section for section, is_same in unchanged.items() if not is_same]:
        raise InputError(
            f"test: true: {', '.join(changed)} of params.yaml differs from HEAD; commit it before computing its test metrics"
        )


def run_git(*arguments: str) -> str | None:
    """The output of a Git command; None if it fails or there is no Git."""
    try:
        result = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return result.stdout.strip() if result.returncode == 0 else None


def short_hash(content: bytes) -> str:
    """The first 12 hex digits of the SHA-256."""
    return hashlib.sha256(content).hexdigest()[:12]
