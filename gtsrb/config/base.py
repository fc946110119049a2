"""What the sections of params.yaml are made of: strict, immutable objects and the ranges that several share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Rate = Annotated[float, Field(ge=0, lt=1)]  # a share of something: a dropout, a momentum, a shift


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def keys_are_known(cls, content: object) -> object:
        """Says what `extra="forbid"` does not: which keys there are."""
        unknown = [key for key in content if key not in cls.model_fields] if isinstance(content, dict) else []
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no key of this section; it has {', '.join(cls.model_fields)}")
        return content
