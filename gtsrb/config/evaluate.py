"""The sections of `evaluate` in params.yaml, one for each recipe. Units and ranges stand there."""

from typing import Annotated, Literal

from pydantic import Field

from gtsrb.config.base import Section


class View(Section):
    """The image as the network sees it once more: turned, shifted, zoomed."""

    rotation: Annotated[float, Field(ge=-180, le=180)]
    shift_x: Annotated[float, Field(gt=-1, lt=1)]
    shift_y: Annotated[float, Field(gt=-1, lt=1)]
    zoom: Annotated[float, Field(gt=0, le=4)]


class Evaluation(Section):
    weights: Literal["last", "best"]
    test_time_augmentation: Annotated[list[View], Field(min_length=1)] | None = None
