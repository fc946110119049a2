"""The schema of `evaluate`, one section per recipe; params.yaml gives units and ranges."""

from typing import Annotated, Literal

from pydantic import Field

from gtsrb.config.base import Section


class View(Section):
    """One transform of test-time augmentation: the image rotated, shifted and zoomed."""

    rotation: Annotated[float, Field(ge=-180, le=180)]
    shift_x: Annotated[float, Field(gt=-1, lt=1)]
    shift_y: Annotated[float, Field(gt=-1, lt=1)]
    zoom: Annotated[float, Field(gt=0, le=4)]


class Evaluation(Section):
    weights: Literal["last", "best"]
    test_time_augmentation: Annotated[list[View], Field(min_length=1)] | None = None
