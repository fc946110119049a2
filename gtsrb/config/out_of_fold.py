"""The schema of `out_of_fold`; params.yaml gives units and ranges."""

from typing import Annotated

from pydantic import Field

from gtsrb.config.base import Section


class OutOfFold(Section):
    confident_accuracy: Annotated[float, Field(gt=0, le=1)]
