"""The schema of `robustness`; params.yaml gives units and ranges."""

from itertools import pairwise
from typing import Annotated, TypeVar

from pydantic import Field, field_validator

from gtsrb.config.base import Count, Section, Seed

Level = TypeVar("Level", int, float)
Levels = Annotated[list[Level], Field(min_length=1)]


class Severities(Section):
    """Severities of each corruption, mildest first; the functions in corruptions.py document their meaning."""

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
    def check_increasing(cls, levels: list[float]) -> list[float]:
        if any(level >= next_level for level, next_level in pairwise(levels)):
            raise ValueError(f"{levels}: expected increasing severities")
        return levels


class Robustness(Section):
    images: Count
    seed: Seed
    severities: Severities
