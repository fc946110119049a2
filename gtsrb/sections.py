"""The sections of params.yaml about data: typed, validated, immutable. Units and ranges stand in params.yaml."""

from itertools import pairwise
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Rate = Annotated[float, Field(ge=0, lt=1)]  # a share of something: a dropout, a momentum, a shift
Level = TypeVar("Level", int, float)
Levels = Annotated[list[Level], Field(min_length=1)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Gtsrb(Section):
    """What the real data set must be."""

    classes: Count
    train_images: Count
    train_tracks: Count
    test_images: Count
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Synthetic(Section):
    """The data set that the project draws itself."""

    tracks_per_class: Annotated[int, Field(ge=2)]
    frames_per_track: Count
    test_images_per_class: Count
    seed: Seed


class Folder(Section):
    """A data set of one's own."""

    test_fraction: Annotated[float, Field(gt=0, le=0.5)] | None = None
    seed: Seed


class Ingest(Section):
    source: Literal["gtsrb", "synthetic", "folder"]
    gtsrb: Gtsrb
    synthetic: Synthetic
    folder: Folder


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
            raise ValueError("preprocess: equalize and clahe exclude each other; delete one of the two blocks")
        if self.keep_original and not (self.equalize or self.clahe):
            raise ValueError("preprocess: keep_original = True: there is no equalize or clahe; add one, or delete the key")
        if (self.crop == "roi") != (self.margin is not None):
            raise ValueError(
                f"preprocess: crop = {self.crop!r}, margin = {self.margin!r}; margin is given with crop: roi alone"
            )
        return self

    @property
    def channels(self) -> int:
        return 6 if self.keep_original else 3

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one image's array."""
        return self.size, self.size, self.channels


class Severities(Section):
    """Of each corruption, mildest first; what they mean stands with the functions in corruptions.py."""

    blur: Levels[Annotated[float, Field(gt=0, le=100)]]
    noise: Levels[Annotated[float, Field(gt=0, le=1)]]
    darkening: Levels[Annotated[float, Field(gt=0, lt=1)]]
    contrast_loss: Levels[Annotated[float, Field(gt=0, le=1)]]
    jpeg: Levels[Annotated[int, Field(ge=1, le=99)]]
    occlusion: Levels[Annotated[float, Field(gt=0, le=1)]]
    rotation: Levels[Annotated[float, Field(gt=0, le=180)]]
    scale: Levels[Annotated[float, Field(gt=0, lt=1)]]
    translation: Levels[Annotated[float, Field(gt=0, lt=1)]]

    @field_validator("*")
    @classmethod
    def mildest_first(cls, levels: list[float], info: ValidationInfo) -> list[float]:
        if any(level >= following for level, following in pairwise(levels)):
            raise ValueError(
                f"robustness.severities.{info.field_name} = {levels}: expected the mildest first, each one above the last"
            )
        return levels


class Robustness(Section):
    images: Count
    seed: Seed
    severities: Severities


class Export(Section):
    unsure_below: Annotated[float, Field(ge=0, le=1)]


class View(Section):
    """The image as the network sees it once more: turned, shifted, zoomed."""

    rotation: Annotated[float, Field(ge=-180, le=180)]
    shift_x: Annotated[float, Field(gt=-1, lt=1)]
    shift_y: Annotated[float, Field(gt=-1, lt=1)]
    zoom: Annotated[float, Field(gt=0, le=4)]


class Evaluation(Section):
    weights: Literal["last", "best"]
    test_time_augmentation: Annotated[list[View], Field(min_length=1)] | None = None
