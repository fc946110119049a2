"""The sections of `preprocess` in params.yaml, the image variants. Units and ranges stand there."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gtsrb.config.base import Section


class Equalize(Section):
    bins: Annotated[int, Field(ge=2, le=65536)]


class Clahe(Section):
    tiles: Annotated[int, Field(ge=1, le=64)]
    clip_limit: Annotated[float, Field(gt=0, le=1)]
    bins: Annotated[int, Field(ge=2, le=65536)]


class Variant(Section):
    """One way to make arrays of the raw images."""

    equalize: Equalize | None = None
    clahe: Clahe | None = None
    crop: Literal["center_square", "roi"] | None = None
    margin: Annotated[float, Field(ge=0, le=1)] | None = None
    keep_original: Literal[True] | None = None
    size: Annotated[int, Field(ge=8, le=512)]
    interpolation_order: Annotated[int, Field(ge=0, le=5)]
    mode: Literal["constant", "edge", "symmetric", "reflect", "wrap"]
    anti_aliasing: bool
    dtype: Literal["uint8", "float32"]

    @model_validator(mode="after")
    def one_of_each(self) -> Self:
        if self.equalize and self.clahe:
            raise ValueError("equalize and clahe exclude each other; delete one of the two blocks")
        if self.keep_original and not (self.equalize or self.clahe):
            raise ValueError("keep_original = True: there is no equalize or clahe; add one, or delete the key")
        if (self.crop == "roi") != (self.margin is not None):
            raise ValueError(f"crop = {self.crop!r}, margin = {self.margin!r}; margin is given with crop: roi alone")
        return self

    @property
    def channels(self) -> int:
        return 6 if self.keep_original else 3

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one image's array."""
        return self.size, self.size, self.channels
