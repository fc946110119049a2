"""The schema of the complete params.yaml: all sections, and whether they are consistent with each other.

A stage runs only if the complete file is valid, and then reads only its own sections (load.py).
"""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from gtsrb.config.base import Section
from gtsrb.config.camera import Camera
from gtsrb.config.crossvalidate import CrossValidation
from gtsrb.config.evaluate import Evaluation
from gtsrb.config.export import Export
from gtsrb.config.ingest import Ingest
from gtsrb.config.load import PARAMS, read_params, validate
from gtsrb.config.out_of_fold import OutOfFold
from gtsrb.config.preprocess import Variant
from gtsrb.config.render import SyntheticSet
from gtsrb.config.robustness import Robustness
from gtsrb.config.train import Recipe, ReduceOnPlateau

RecipeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]

RESERVED = {"dataset", "comparison", "arrays", "render"}  # names in metrics/ that are not recipes
RESERVED_SETS = {"none", "train", "test"}  # names in data/processed/VARIANT/


class Params(Section):
    ingest: Ingest
    camera: Camera
    preprocess: dict[RecipeName, Variant]
    render: dict[RecipeName, SyntheticSet]
    train: dict[RecipeName, Recipe]
    evaluate: dict[RecipeName, Evaluation]
    crossvalidate: dict[RecipeName, CrossValidation]
    out_of_fold: OutOfFold
    robustness: Robustness
    export: Export

    @model_validator(mode="after")
    def check_sets(self) -> Self:
        for name, rendered in self.render.items():
            if name in RESERVED_SETS | self.preprocess.keys():
                raise ValueError(f"render.{name}: this name is reserved in data/processed/ and metrics/arrays/; choose another")
            self._check_variant(f"render.{name}", rendered.images)
        return self

    @model_validator(mode="after")
    def check_names_of_recipes(self) -> Self:
        if reserved := RESERVED & self.train.keys():
            raise ValueError(f"train.{min(reserved)}: this name is reserved in metrics/; choose another")
        if unmatched := self.train.keys() ^ self.evaluate.keys():
            raise ValueError(f"train and evaluate must have the same recipes; only one has {', '.join(sorted(unmatched))}")
        return self

    @model_validator(mode="after")
    def check_cross_validated_recipes(self) -> Self:
        if unknown := self.crossvalidate.keys() - self.train.keys():
            raise ValueError(f"crossvalidate.{min(unknown)}: unknown recipe; train has {', '.join(self.train)}")
        for name in self.crossvalidate:
            if isinstance(self.train[name].schedule, ReduceOnPlateau):
                raise ValueError(
                    f"crossvalidate.{name}: train.{name}.schedule is reduce_on_plateau, by which held-out images would train "
                    "the network that predicts them; use another schedule, or leave the recipe out of crossvalidate"
                )
        return self

    @model_validator(mode="after")
    def check_thresholds(self) -> Self:
        if unmatched := self.train.keys() ^ self.export.thresholds_from.keys():
            raise ValueError(
                f"train and export.thresholds_from must have the same recipes; only one has {', '.join(sorted(unmatched))}"
            )
        for name, source in self.export.thresholds_from.items():
            if source not in self.crossvalidate:
                raise ValueError(
                    f"export.thresholds_from.{name} = {source!r}: expected a cross-validated recipe; crossvalidate has "
                    f"{', '.join(self.crossvalidate) or 'none'}"
                )
        return self

    @model_validator(mode="after")
    def check_recipes(self) -> Self:
        for name, recipe in self.train.items():
            self._check_variant(f"train.{name}", recipe.images)
            self._check_synthetic(name, recipe)
            if self.evaluate[name].weights == "best" and not recipe.validation:
                raise ValueError(
                    f"evaluate.{name}.weights = 'best': train.{name} has no validation images to choose an epoch by; "
                    "use last, or add a validation block"
                )
            size = self.preprocess[recipe.images].size
            if recipe.network.final_side(size) < 1:
                raise ValueError(
                    f"train.{name}.network: {len(recipe.network.filters)} blocks leave no pixel of {size} x {size}; "
                    "use fewer blocks, or padding: same in all of them"
                )
        return self

    def _check_variant(self, section: str, images: str) -> None:
        if images not in self.preprocess:
            raise ValueError(f"{section}.images = {images!r}: unknown variant; preprocess has {', '.join(self.preprocess)}")

    def _check_synthetic(self, name: str, recipe: Recipe) -> None:
        used = recipe.synthetic.set
        if used == "none":
            return
        if used not in self.render:
            raise ValueError(
                f"train.{name}.synthetic.set = {used!r}: expected none or a set of render: {', '.join(self.render)}"
            )
        if self.render[used].images != recipe.images:
            raise ValueError(
                f"train.{name}.synthetic.set = {used!r}: its images are {self.render[used].images}, the recipe's are "
                f"{recipe.images}; add a set with images: {recipe.images} to render"
            )


def load(path: Path = PARAMS) -> Params:
    """The complete params.yaml. Raises `InputError` with one line per violation: the key's path, the value, what is allowed."""
    return parse(read_params(path), path.name)


def parse(content: object, origin: str = "params.yaml") -> Params:
    """`content`, parsed from YAML, as `Params`; `origin` names the file in messages. Raises `InputError`."""
    return validate(Params, content, origin=origin)
