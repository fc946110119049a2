"""The base class of all sections of params.yaml, strict and immutable, and the ranges that several of them use."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Rate = Annotated[float, Field(ge=0, lt=1)]  # a fraction below 1: dropout, momentum, shift


class Section(BaseModel):
    """No key may be called `size` or `nfiles`: DVC's run cache ignores them, so an edit of one would restore the outputs of its
    old value (github.com/treeverse/dvc/issues/10296). A field of that name has an alias, which is the key in params.yaml.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def reject_unknown_keys(cls, content: object) -> object:
        """Unlike `extra="forbid"`, the message lists the valid keys."""
        keys = [field.alias or name for name, field in cls.model_fields.items()]
        unknown = [key for key in content if key not in {*keys, *cls.model_fields}] if isinstance(content, dict) else []
        if unknown:
            raise ValueError(f"unknown key {unknown[0]!r}; expected one of {', '.join(keys)}")
        return content
