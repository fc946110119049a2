"""The schema of `export`; params.yaml gives units and ranges."""

from typing import Annotated

from pydantic import Field

from gtsrb.config.base import Section


class Export(Section):
    unsure_below: Annotated[float, Field(ge=0, le=1)]
