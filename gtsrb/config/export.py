"""The section `export` of params.yaml. Units and ranges stand there."""

from typing import Annotated

from pydantic import Field

from gtsrb.config.base import Section


class Export(Section):
    unsure_below: Annotated[float, Field(ge=0, le=1)]
