"""The schema of `out_of_fold`; params.yaml gives units and ranges."""

from typing import Annotated

from pydantic import Field, model_validator

from gtsrb.config.base import Section

Share = Annotated[float, Field(ge=0, lt=1)]


class OutOfFold(Section):
    unsure: Share
    unknown: Share

    @model_validator(mode="after")
    def unknown_is_unsure(self) -> "OutOfFold":
        if self.unknown > self.unsure:
            raise ValueError(f"unknown = {self.unknown} exceeds unsure = {self.unsure}: what is unknown is unsure as well")
        return self
