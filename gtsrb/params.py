"""params.yaml as typed, validated, immutable objects. Units, ranges and the tutorial's values stand in params.yaml.

The file is validated as a whole, whichever part the caller needs: no unknown keys, no missing ones, no coercion.
"""

import re
from pathlib import Path
from typing import Annotated, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from gtsrb.errors import InputError

Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Rate = Annotated[float, Field(ge=0, lt=1)]  # a share of something: a dropout, a momentum, a shift
RecipeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]

RESERVED = {"dataset", "comparison"}  # metrics/*.json that belong to no recipe


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Gtsrb(Section):
    """What the real data set must be."""

    classes: Count
    train_images: Count
    train_tracks: Count
    test_images: Count
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Rendered(Section):
    """The data set that the project draws itself."""

    tracks_per_class: Annotated[int, Field(ge=2)]
    frames_per_track: Count
    test_images_per_class: Count
    seed: Seed


class Ingest(Section):
    source: Literal["gtsrb", "rendered"]
    gtsrb: Gtsrb
    rendered: Rendered


class Equalize(Section):
    bins: Annotated[int, Field(ge=2, le=65536)]


class Variant(Section):
    """One way to make arrays of the raw images."""

    equalize: Equalize | None = None
    crop: Literal["center_square"] | None = None
    size: Annotated[int, Field(ge=8, le=512)]
    interpolation_order: Annotated[int, Field(ge=0, le=5)]
    mode: Literal["constant", "edge", "symmetric", "reflect", "wrap"]
    anti_aliasing: bool
    dtype: Literal["uint8", "float32"]


class Validation(Section):
    split: Literal["random", "tracks"]
    fraction: Annotated[float, Field(gt=0, le=0.5)]
    seed: Seed

    @model_validator(mode="after")
    def whole_folds(self):
        if self.split == "tracks" and abs(self.fraction - 1 / round(1 / self.fraction)) > 0.005:
            raise ValueError(
                f"validation.fraction = {self.fraction}: the split by tracks takes one of k folds, so 0.5, 0.333, 0.25, 0.2 ..."
            )
        return self


class Network(Section):
    filters: Annotated[list[Count], Field(min_length=1)]
    padding: Annotated[list[Literal["same", "valid"]], Field(min_length=1)]
    kernel_size: Annotated[int, Field(ge=1, le=15)]
    pool_size: Annotated[int, Field(ge=1, le=8)]
    block_dropout: Rate
    dense_units: list[Count]
    dense_dropout: Rate
    activation: Literal["relu", "elu", "gelu", "selu", "silu", "tanh"]
    kernel_initializer: Literal["glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_normal", "orthogonal"]

    def final_side(self, size: int) -> int:
        """Side in pixels of the last feature map of a `size` x `size` image; below 1 the network cannot be built."""
        for _ in self.filters:
            size -= (self.kernel_size - 1) * self.padding.count("valid")
            size //= self.pool_size
        return size


class Optimizer(Section):
    name: Literal["sgd"]
    learning_rate: Annotated[float, Field(gt=0, le=10)]
    momentum: Rate
    nesterov: bool


class Schedule(Section):
    name: Literal["step"]
    every: Count
    factor: Annotated[float, Field(gt=0, le=1)]
    decay: Annotated[float, Field(ge=0, le=1)]


class Affine(Section):
    rotation: Annotated[float, Field(ge=0, le=180)]
    width_shift: Rate
    height_shift: Rate
    shear: Annotated[float, Field(ge=0, lt=90)]
    zoom: Rate
    fill_mode: Literal["nearest", "reflect", "constant"]
    interpolation: Literal["nearest", "bilinear"]


class Augmentation(Section):
    affine: Affine | None = None


class Recipe(Section):
    """All that a training needs to know."""

    images: str
    seed: Seed
    deterministic: bool
    device: Literal["auto", "gpu", "cpu"]
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"]
    epochs: Count
    batch_size: Count
    validation: Validation
    network: Network
    loss: Literal["categorical_crossentropy"]
    optimizer: Optimizer
    schedule: Schedule | None = None
    augmentation: Augmentation | None = None


class Evaluation(Section):
    weights: Literal["last", "best"]
    gallery: Annotated[int, Field(ge=0, le=500)]


class Params(Section):
    ingest: Ingest
    preprocess: dict[RecipeName, Variant]
    train: dict[RecipeName, Recipe]
    evaluate: dict[RecipeName, Evaluation]

    @model_validator(mode="after")
    def sections_fit_together(self):
        if taken := RESERVED & self.train.keys():
            raise ValueError(f"train.{min(taken)}: this name is taken by metrics/{min(taken)}.json; choose another")
        if odd := self.train.keys() ^ self.evaluate.keys():
            raise ValueError(f"train and evaluate must name the same recipes; only one of them has {', '.join(sorted(odd))}")
        for name, recipe in self.train.items():
            if recipe.images not in self.preprocess:
                raise ValueError(
                    f"train.{name}.images = {recipe.images!r}: unknown variant; preprocess has {', '.join(self.preprocess)}"
                )
            size = self.preprocess[recipe.images].size
            if recipe.network.final_side(size) < 1:
                raise ValueError(
                    f"train.{name}.network: {len(recipe.network.filters)} blocks leave nothing of an image of {size} pixels; "
                    "use fewer, or pad all with same"
                )
        return self


class _Loader(yaml.SafeLoader):
    """YAML 1.2's floats: DVC writes 0.00001 as 1e-05, which PyYAML, a YAML 1.1 parser, takes for a string."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


def load(path: Path = Path("params.yaml")) -> Params:
    """The whole of params.yaml. Raises `InputError` with a line a fault: the key's path, the value, what is allowed."""
    try:
        content = yaml.load(path.read_text(), _Loader)
    except FileNotFoundError:
        raise InputError(f"{path} not found; run this from the root of the project") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    return parse(content, path.name)


def parse(content: object, origin: str = "params.yaml") -> Params:
    """`content` (of a parsed YAML file) as `Params`; `origin` opens each line of an error. Raises `InputError`."""
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        raise InputError("\n".join(f"{origin}: {_line(fault)}" for fault in error.errors())) from None


def _line(fault: ErrorDetails) -> str:
    path, value, kind = ".".join(map(str, fault["loc"])) or "the whole file", fault["input"], fault["type"]
    if kind == "value_error":  # ours
        return str(fault["ctx"]["error"])
    if kind == "extra_forbidden":
        return f"{path}: unknown key; known here are {', '.join(_fields(fault['loc'][:-1]))}"
    if kind == "missing":
        return f"{path}: missing"
    return f"{path} = {value!r}: {fault['msg'][0].lower()}{fault['msg'][1:]}"


def _fields(path: tuple[str | int, ...]) -> list[str]:
    """The keys allowed in the section at `path`."""
    kind: object = Params
    for key in path:
        if isinstance(kind, type) and issubclass(kind, Section):
            kind = kind.model_fields[str(key)].annotation
        else:
            kind = get_args(kind)[1]  # of dict[name, Section]
        if type(None) in get_args(kind):
            kind = get_args(kind)[0]  # of Section | None
    return list(kind.model_fields)
