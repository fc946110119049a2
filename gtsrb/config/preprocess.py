"""The schema of `preprocess`, one section per image variant; params.yaml gives units and ranges."""

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
    """How one image variant is computed from the raw images."""

    equalize: Equalize | None = None
    clahe: Clahe | None = None
    crop: Literal["center_square", "roi"] | None = None
    margin: Annotated[float, Field(ge=0, le=1)] | None = None
    keep_original: Literal[True] | None = None
    size: Annotated[int, Field(alias="image_size", ge=8, le=512)]
    interpolation_order: Annotated[int, Field(ge=0, le=5)]
    mode: Literal["constant", "edge", "symmetric", "reflect", "wrap"]
    anti_aliasing: bool
    dtype: Literal["uint8", "float32"]

    @model_validator(mode="after")
    def check_options_are_consistent(self) -> Self:
        if self.equalize and self.clahe:
            raise ValueError("equalize and clahe are mutually exclusive; delete one of the two blocks")
        if self.keep_original and not (self.equalize or self.clahe):
            raise ValueError("keep_original = True: equalize or clahe is missing; add one, or delete keep_original")
        if (self.crop == "roi") != (self.margin is not None):
            raise ValueError(f"crop = {self.crop!r}, margin = {self.margin!r}; use margin with crop: roi, and only with it")
        return self

    @property
    def channels(self) -> int:
        return 6 if self.keep_original else 3

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of one preprocessed image."""
        return self.size, self.size, self.channels
