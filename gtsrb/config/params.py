"""The whole of params.yaml: every section, and how the sections fit together.

Stages run only if all of it is valid, and then read their own sections alone (load.py).
"""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from gtsrb.config.base import Section
from gtsrb.config.evaluate import Evaluation
from gtsrb.config.export import Export
from gtsrb.config.ingest import Ingest
from gtsrb.config.load import PARAMS, read_params, validate
from gtsrb.config.preprocess import Variant
from gtsrb.config.robustness import Robustness
from gtsrb.config.train import Recipe

RecipeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]

RESERVED = {"dataset", "comparison", "arrays"}  # what metrics/ has that belongs to no recipe


class Params(Section):
    ingest: Ingest
    preprocess: dict[RecipeName, Variant]
    train: dict[RecipeName, Recipe]
    evaluate: dict[RecipeName, Evaluation]
    robustness: Robustness
    export: Export

    @model_validator(mode="after")
    def sections_fit_together(self) -> Self:
        if taken := RESERVED & self.train.keys():
            raise ValueError(f"train.{min(taken)}: this name is taken in metrics/; choose another")
        if odd := self.train.keys() ^ self.evaluate.keys():
            raise ValueError(f"train and evaluate must name the same recipes; only one of them has {', '.join(sorted(odd))}")
        for name, recipe in self.train.items():
            if recipe.images not in self.preprocess:
                raise ValueError(
                    f"train.{name}.images = {recipe.images!r}: unknown variant; preprocess has {', '.join(self.preprocess)}"
                )
            if self.evaluate[name].weights == "best" and not recipe.validation:
                raise ValueError(
                    f"evaluate.{name}.weights = 'best': train.{name} has no validation images to choose an epoch by; "
                    "use last, or add a validation block"
                )
            size = self.preprocess[recipe.images].size
            if recipe.network.final_side(size) < 1:
                raise ValueError(
                    f"train.{name}.network: {len(recipe.network.filters)} blocks leave nothing of an image of {size} pixels; "
                    "use fewer, or pad all with same"
                )
        return self


def load(path: Path = PARAMS) -> Params:
    """Raises `InputError` with one line per fault: the key's path, the value, what is allowed."""
    return parse(read_params(path), path.name)


def parse(content: object, origin: str = "params.yaml") -> Params:
    """`content` (of a parsed YAML file) as `Params`; `origin` opens each line of an error. Raises `InputError`."""
    return validate(Params, content, origin=origin)
