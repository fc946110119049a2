"""The schema of `crossvalidate`, one section per cross-validated recipe; params.yaml gives units and ranges."""

from typing import Annotated

from pydantic import Field

from gtsrb.config.base import Section, Seed
from gtsrb.config.train import Recipe, TrackFold


class CrossValidation(Section):
    folds: Annotated[int, Field(ge=2, le=100)]
    seed: Seed

    def fold_recipes(self, recipe: Recipe) -> list[Recipe]:
        """For each fold the recipe with only its first member, which is validated on this fold instead of on its own split."""
        folds = [TrackFold(split="tracks", folds=self.folds, fold=fold, seed=self.seed) for fold in range(self.folds)]
        return [recipe.model_copy(update={"members": 1, "validation": fold}) for fold in folds]
