"""The schema of `camera`: how drawn signs are photographed; params.yaml gives units and sources."""

from typing import Annotated

from pydantic import Field

from gtsrb.config.base import Section

Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
LogNormal = Annotated[list[Positive], Field(min_length=2, max_length=2)]  # median, standard deviation of the logarithm


class Angles(Section):
    roll: Annotated[float, Field(ge=0, le=30)]
    yaw: Annotated[float, Field(ge=0, le=30)]
    pitch: Annotated[float, Field(ge=0, le=30)]


class Camera(Section):
    """Distributions of what differs between two photographs of the same face."""

    far_side: LogNormal
    approach: LogNormal
    angles: Angles
    box_error: Annotated[list[float], Field(min_length=2, max_length=2)]
    white: LogNormal
    white_limits: Annotated[list[Positive], Field(min_length=2, max_length=2)]
    blue: LogNormal
    background: LogNormal
    shadowed: Fraction
    veil: Fraction
    focus: Fraction
    motion: Fraction
    noise: LogNormal
