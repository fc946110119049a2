"""Reads one section of params.yaml as a typed object; each violation of its schema is one line of an `InputError`."""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gtsrb.config.base import Section
from gtsrb.config.yaml_loader import parse_yaml
from gtsrb.errors import InputError

PARAMS = Path("params.yaml")
Schema = TypeVar("Schema", bound=Section)


def load_section(schema: type[Schema], *keys: str, path: Path = PARAMS) -> Schema:
    """The section at these keys, such as `load_section(Recipe, "train", "baseline")`. Raises `InputError`."""
    return validate(schema, _read_section(path, keys), *keys, origin=path.name)


def section_names(*keys: str, path: Path = PARAMS) -> list[str]:
    """The names of the sections at these keys; `section_names("train")` are the recipes. Raises `InputError`."""
    return list(_read_section(path, keys))


def read_params(path: Path = PARAMS) -> object:
    """The content of params.yaml, not validated. Raises `InputError` if it is missing or not valid YAML."""
    try:
        return parse_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} not found; run this from the root of the project") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None


def validate(schema: type[Schema], content: object, *keys: str, origin: str) -> Schema:
    """`content`, found at these keys of the file `origin`, as a `schema`. Raises `InputError` with one line per violation."""
    try:
        return schema.model_validate(content)
    except ValidationError as error:
        raise InputError("\n".join(f"{origin}: {_format_error(details, keys)}" for details in error.errors())) from None


def _read_section(path: Path, keys: tuple[str, ...]) -> dict:
    content = read_params(path)
    for i, key in enumerate(keys):
        if not isinstance(content, dict) or key not in content:
            raise InputError(f"{path.name}: {'.'.join(keys[: i + 1])}: missing")
        content = content[key]
    if not isinstance(content, dict):
        raise InputError(f"{path.name}: {'.'.join(keys)} = {content!r}: expected a section")
    return content


def _format_error(details: ErrorDetails, keys: tuple[str, ...]) -> str:
    """The key's path as pydantic gives it (with the tag of a discriminated union), the value, what is allowed."""
    key = ".".join(map(str, (*keys, *details["loc"])))
    match details["type"]:
        case "value_error":  # raised by our validators
            return f"{key}: {details['ctx']['error']}" if key else str(details["ctx"]["error"])
        case "missing":
            return f"{key}: missing"
        case "union_tag_invalid" | "union_tag_not_found":
            return f"{key}: {details['msg'][0].lower()}{details['msg'][1:]}"
        case _:
            return f"{key or 'the whole file'} = {details['input']!r}: {details['msg'][0].lower()}{details['msg'][1:]}"
