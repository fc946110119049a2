"""A study: rows of overrides of a recipe, each trained with the same seeds on the same folds; and what its results are of.

A line of results has two hashes. `params` is of the row's recipe and image variant, without seed and fold: a line that has
another than its row has now is not counted. `code` is of the modules that decide the figures, of the raw data and of the
versions: lines are compared within one. The revision is recorded and never compared.
"""

import hashlib
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import yaml
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
from gtsrb.config.yaml_loader import parse_yaml
from gtsrb.errors import InputError

Overrides = list[str]  # as `dvc exp run -S` takes them


class Study(Section):
    """What docs/NAME.yaml says."""

    recipe: str
    common: Overrides  # of every row
    folds: list[Annotated[int, Field(ge=0)]]
    seeds: Annotated[list[Seed], Field(min_length=1)]
    rows: Annotated[dict[str, Overrides], Field(min_length=1)]  # all are compared with the first
    test: Literal[True] | None = None  # repetitions of a committed recipe, each evaluated on the test set

    @model_validator(mode="after")
    def either_compares_or_repeats(self) -> "Study":
        for name, numbers in (("folds", self.folds), ("seeds", self.seeds)):
            if len(set(numbers)) < len(numbers):
                raise ValueError(f"{name} = {numbers}: one of them is there twice")
        if self.test and (self.common or self.folds or list(self.rows.values()) != [[]]):
            raise ValueError(
                "test: true repeats a committed recipe, whose only override is its seed; "
                "it takes common: [], folds: [] and one row without overrides"
            )
        if not self.test and not self.folds:
            raise ValueError("folds = []: a study compares on validation folds; name them, such as [0, 1, 2, 3, 4]")
        return self


@dataclass(frozen=True)
class Run:
    """One training of a study."""

    row: str
    fold: int | None  # None: as the recipe has it
    seed: int
    recipe: Recipe
    variant: Variant
    evaluation: Evaluation | None  # of the test set, for a study that says `test: true`

    @property
    def params(self) -> str:
        """Hash of what decides this row, whichever fold and seed: the same for all runs of a row."""
        recipe = self.recipe.model_dump(exclude_none=True, exclude={"seed": True, "images": True, "validation": {"fold"}})
        evaluation = self.evaluation.model_dump(exclude_none=True) if self.evaluation else {}
        decides = [recipe, self.variant.model_dump(exclude_none=True), evaluation]
        return short_hash(json.dumps(decides, sort_keys=True).encode())


def read(path: Path) -> Study:
    """The study in `path`. Raises `InputError`."""
    try:
        content = parse_yaml(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}") from None
    return validate(Study, content, origin=str(path))


def resolve_params(content: str, overrides: Overrides) -> Params:
    """The text of a params.yaml with `overrides` put in, as `dvc exp run` does it. Raises `InputError`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "params.yaml")
        path.write_text(content)
        try:
            apply_overrides(path, overrides)
        except DvcException as error:
            raise InputError(f"{' '.join(str(error.__cause__ or error).split())}") from None
        return params.load(path)


def list_runs(study: Study, content: str) -> list[Run]:
    """Every run, all rows of one seed and fold before the next, against the text of a params.yaml. Raises `InputError`."""
    rows = {}
    for row, overrides in study.rows.items():
        try:
            rows[row] = resolve_params(content, [*study.common, *overrides])
            if study.recipe not in rows[row].train:
                raise InputError(f"recipe {study.recipe!r}: expected one of params.yaml: {', '.join(rows[row].train)}")
        except InputError as error:
            raise InputError(f"row {row}: {error}") from None
    found = []
    folds: list[int | None] = [*study.folds] or [None]
    for seed in study.seeds:
        for fold in folds:
            for row, everything in rows.items():
                recipe = everything.train[study.recipe].model_copy(update={"seed": seed})
                evaluation = everything.evaluate[study.recipe] if study.test else None
                recipe = recipe if fold is None else set_fold(recipe, fold, row)
                found.append(Run(row, fold, seed, recipe, everything.preprocess[recipe.images], evaluation))
    check_alike([run.recipe for run in found])
    return found


def set_fold(recipe: Recipe, fold: int, row: str) -> Recipe:
    """The recipe of `row`, validated on this fold. Raises `InputError` if it has no folds, or not this one."""
    if not isinstance(recipe.validation, TrackFold):
        raise InputError(
            f"row {row}: a study compares on folds of whole signs; put two lines into common: ~train.RECIPE.validation and "
            "+train.RECIPE.validation={split:tracks,folds:5,fold:0,seed:0}"
        )
    if fold >= recipe.validation.folds:
        raise InputError(f"row {row}: fold {fold}: there are {recipe.validation.folds}, so 0 to {recipe.validation.folds - 1}")
    return recipe.model_copy(update={"validation": recipe.validation.model_copy(update={"fold": fold})})


def check_alike(recipes: list[Recipe]) -> None:
    """Raises `InputError` where rows differ in what has to be the same in one process, or for a comparison."""
    validations = [one.validation for one in recipes if isinstance(one.validation, TrackFold)]
    for what, values in {
        "validation.folds": {str(one.folds) for one in validations},
        "validation.seed": {str(one.seed) for one in validations},
        "device": {str(one.device) for one in recipes},
        "deterministic": {str(one.deterministic) for one in recipes},
    }.items():
        if len(values) > 1:
            raise InputError(f"rows differ in {what}: {' and '.join(sorted(values))}; all rows of a study need the same")


def check_committed(study: Study, content: str) -> None:
    """Raises `InputError` if the recipe to be tested is not that of params.yaml at HEAD, with its variant and evaluation."""
    committed = git("show", "HEAD:params.yaml")
    if committed is None:
        raise InputError("test: true: Git has no params.yaml at HEAD; commit it before test figures are computed")
    ours, theirs = (resolve_params(text, []) for text in (content, committed))
    name = study.recipe
    if name not in theirs.train:
        raise InputError(f"test: true: HEAD has no recipe {name!r}; commit it before its test figures are computed")
    same = {
        f"train.{name}": ours.train[name] == theirs.train[name],
        f"evaluate.{name}": ours.evaluate[name] == theirs.evaluate[name],
        f"preprocess.{ours.train[name].images}": ours.preprocess[ours.train[name].images]
        == theirs.preprocess.get(ours.train[name].images),
        "ingest": ours.ingest == theirs.ingest,
    }
    if other := [section for section, equal in same.items() if not equal]:
        raise InputError(
            f"test: true: {', '.join(other)} of params.yaml is not that of HEAD; commit it before its test figures are computed"
        )


def git(*arguments: str) -> str | None:
    """What Git answers; None if it has no answer."""
    try:
        answer = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def short_hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
