"""The section `robustness` of params.yaml. Units and ranges stand there."""

from itertools import pairwise
from typing import Annotated, TypeVar

from pydantic import Field, field_validator

from gtsrb.config.base import Count, Section, Seed

Level = TypeVar("Level", int, float)
Levels = Annotated[list[Level], Field(min_length=1)]


class Severities(Section):
    """Of each corruption, mildest first; what they mean stands with the functions in corruptions.py."""

    blur: Levels[Annotated[float, Field(gt=0, le=100)]]
    noise: Levels[Annotated[float, Field(gt=0, le=1)]]
    darkening: Levels[Annotated[float, Field(gt=0, lt=1)]]
    contrast_loss: Levels[Annotated[float, Field(gt=0, le=1)]]
    jpeg: Levels[Annotated[int, Field(ge=1, le=99)]]
    occlusion: Levels[Annotated[float, Field(gt=0, le=1)]]
    rotation: Levels[Annotated[float, Field(gt=0, le=180)]]
    scale: Levels[Annotated[float, Field(gt=0, lt=1)]]
    translation: Levels[Annotated[float, Field(gt=0, lt=1)]]

    @field_validator("*")
    @classmethod
    def mildest_first(cls, levels: list[float]) -> list[float]:
        if any(level >= following for level, following in pairwise(levels)):
            raise ValueError(f"{levels}: expected the mildest first, each one above the last")
        return levels


class Robustness(Section):
    images: Count
    seed: Seed
    severities: Severities
