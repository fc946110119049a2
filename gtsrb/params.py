"""params.yaml as typed, validated, immutable objects. Units, ranges and the tutorial's values stand in params.yaml.

The file is validated as a whole, whichever part the caller needs: no unknown keys, no missing ones, no coercion.
"""

import re
from pathlib import Path
from types import UnionType
from typing import Annotated, Literal, Self, Union, get_args, get_origin

import yaml
from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from gtsrb.errors import InputError
from gtsrb.recipes import Recipe
from gtsrb.sections import Evaluation, Export, Ingest, Robustness, Section, Variant

RecipeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]

RESERVED = {"dataset", "comparison", "arrays"}  # what metrics/ has that belongs to no recipe


class Params(Section):
    ingest: Ingest
    preprocess: dict[RecipeName, Variant]
    train: dict[RecipeName, Recipe]
    evaluate: dict[RecipeName, Evaluation]
    robustness: Robustness
    export: Export

    @model_validator(mode="after")
    def sections_fit_together(self) -> Self:
        if taken := RESERVED & self.train.keys():
            raise ValueError(f"train.{min(taken)}: this name is taken in metrics/; choose another")
        if odd := self.train.keys() ^ self.evaluate.keys():
            raise ValueError(f"train and evaluate must name the same recipes; only one of them has {', '.join(sorted(odd))}")
        for name, recipe in self.train.items():
            if recipe.images not in self.preprocess:
                raise ValueError(
                    f"train.{name}.images = {recipe.images!r}: unknown variant; preprocess has {', '.join(self.preprocess)}"
                )
            if self.evaluate[name].weights == "best" and not recipe.validation:
                raise ValueError(
                    f"evaluate.{name}.weights = 'best': train.{name} has no validation images to choose an epoch by; "
                    "use last, or add a validation block"
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
    (path, section), value, kind = _located(fault["loc"]), fault["input"], fault["type"]
    if kind == "value_error":  # ours
        return str(fault["ctx"]["error"])
    if kind == "extra_forbidden":
        return f"{path}: unknown key; known here are {', '.join(section.model_fields)}"
    if kind == "missing":
        return f"{path}: missing"
    if kind == "union_tag_not_found":
        return f"{path}.{_key(fault)}: missing"
    if kind == "union_tag_invalid":
        return f"{path}.{_key(fault)} = {fault['ctx']['tag']!r}: input should be {fault['ctx']['expected_tags']}"
    return f"{path or 'the whole file'} = {value!r}: {fault['msg'][0].lower()}{fault['msg'][1:]}"


def _key(fault: ErrorDetails) -> str:
    """The key that decides which kind of section it is."""
    return fault["ctx"]["discriminator"].strip("'")


def _located(loc: tuple[str | int, ...]) -> tuple[str, type[Section]]:
    """Pydantic's location -> the key's path as in params.yaml, and the section that it is in."""
    path: list[str] = []
    kind: object = Params
    section: type[Section] = Params
    for key in loc:
        kinds = _sections(kind)
        if len(kinds) > 1:  # sections of several kinds, where pydantic names the one it took
            (kind,) = (one for one in kinds if key in _tags(one))
            continue
        path.append(str(key))
        if isinstance(kind, type) and issubclass(kind, Section):
            section = kind
            kind = kind.model_fields[key].annotation if key in kind.model_fields else None
        elif get_origin(kind) is dict:
            kind = get_args(kind)[1]
        else:
            kind = None
        if len(found := _sections(kind)) == 1:
            (kind,) = found
    return ".".join(path), section


def _sections(kind: object) -> list[type[Section]]:
    """The sections that an annotation such as `Annotated[A | B, ...] | None` allows."""
    if isinstance(kind, type) and issubclass(kind, Section):
        return [kind]
    if get_origin(kind) in (Annotated, Union, UnionType):
        return [section for part in get_args(kind) for section in _sections(part)]
    return []


def _tags(section: type[Section]) -> set[str]:
    return {
        tag
        for field in section.model_fields.values()
        if get_origin(field.annotation) is Literal
        for tag in get_args(field.annotation)
    }
