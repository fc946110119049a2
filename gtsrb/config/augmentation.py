"""The schema of a recipe's `augmentation` block; params.yaml gives units and ranges."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gtsrb.config.base import Rate, Section

Share = Annotated[float, Field(gt=0, le=1)]  # of the images
ClassPair = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=2, max_length=2)]


class Affine(Section):
    rotation: Annotated[float, Field(ge=0, le=180)]
    width_shift: Rate
    height_shift: Rate
    shear: Annotated[float, Field(ge=0, lt=90)]
    zoom: Rate
    fill_mode: Literal["nearest", "reflect", "constant"]
    interpolation: Literal["nearest", "bilinear"]


class Perspective(Section):
    corner_shift: Annotated[float, Field(ge=0, lt=0.25)]


class Shadow(Section):
    probability: Share
    strength: Annotated[float, Field(gt=0, le=1)]


class Posterize(Section):
    probability: Share
    levels: Annotated[int, Field(ge=2, le=256)]


class ColorJitter(Section):
    brightness: Rate
    contrast: Rate
    saturation: Rate


class RGBShift(Section):
    probability: Share
    offset: Annotated[float, Field(gt=0, le=1)]


class Blur(Section):
    probability: Share
    sigma: Annotated[float, Field(gt=0, le=10)]


class MotionBlur(Section):
    probability: Share
    length: Annotated[float, Field(gt=0, le=1)]


class Noise(Section):
    probability: Share
    sigma: Annotated[float, Field(gt=0, le=1)]


class Cutout(Section):
    probability: Share
    max_side: Annotated[float, Field(gt=0, lt=1)]


class Mix(Section):
    probability: Share
    alpha: Annotated[float, Field(gt=0, le=10)]


class Flips(Section):
    left_right: list[ClassPair]
    top_bottom: list[ClassPair]
    half_turn: list[ClassPair]

    @model_validator(mode="after")
    def check_each_class_is_in_one_pair(self) -> Self:
        for name, pairs in self:
            classes = [class_id for pair in pairs for class_id in set(pair)]
            if repeated := {class_id for class_id in classes if classes.count(class_id) > 1}:
                raise ValueError(f"{name}: class {min(repeated)} is in two pairs; a flipped sign belongs to one class")
        return self

    @property
    def max_class_id(self) -> int:
        """The largest class number in any pair; -1 if there are no pairs."""
        return max((class_id for _, pairs in self for pair in pairs for class_id in pair), default=-1)


class Augmentation(Section):
    flips: Flips | None = None
    affine: Affine | None = None
    perspective: Perspective | None = None
    shadow: Shadow | None = None
    color_jitter: ColorJitter | None = None
    rgb_shift: RGBShift | None = None
    blur: Blur | None = None
    motion_blur: MotionBlur | None = None
    noise: Noise | None = None
    posterize: Posterize | None = None
    cutout: Cutout | None = None
    mixup: Mix | None = None
    cutmix: Mix | None = None

    @model_validator(mode="after")
    def check_perspective_has_affine(self) -> Self:
        if self.perspective and not self.affine:
            raise ValueError(
                "perspective: affine is missing; both are one warp, and affine sets its fill mode and interpolation "
                "(add it, with ranges of 0 for perspective only)"
            )
        return self
