"""One section of params.yaml as a typed object; what does not fit its schema is a line of an `InputError`."""

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
    """The section under these keys, such as `load_section(Recipe, "train", "baseline")`. Raises `InputError`."""
    return validate(schema, _find(path, keys), *keys, origin=path.name)


def section_names(*keys: str, path: Path = PARAMS) -> list[str]:
    """Names of the sections under these keys: of the recipes for `train`. Raises `InputError`."""
    return list(_find(path, keys))


def read_params(path: Path = PARAMS) -> object:
    """The content of params.yaml, not validated. Raises `InputError`."""
    try:
        return parse_yaml(path.read_text())
    except FileNotFoundError:
        raise InputError(f"{path} not found; run this from the root of the project") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None


def validate(schema: type[Schema], content: object, *keys: str, origin: str) -> Schema:
    """`content`, which stands under these keys of the file `origin`. Raises `InputError` with one line per fault."""
    try:
        return schema.model_validate(content)
    except ValidationError as error:
        raise InputError("\n".join(f"{origin}: {_line(fault, keys)}" for fault in error.errors())) from None


def _find(path: Path, keys: tuple[str, ...]) -> dict:
    found = read_params(path)
    for i, key in enumerate(keys):
        if not isinstance(found, dict) or key not in found:
            raise InputError(f"{path.name}: {'.'.join(keys[: i + 1])}: missing")
        found = found[key]
    if not isinstance(found, dict):
        raise InputError(f"{path.name}: {'.'.join(keys)} = {found!r}: expected a section")
    return found


def _line(fault: ErrorDetails, keys: tuple[str, ...]) -> str:
    """The key's path as pydantic gives it (after a block of several kinds comes the kind), the value, what is allowed."""
    key = ".".join(map(str, (*keys, *fault["loc"])))
    match fault["type"]:
        case "value_error":  # ours
            return f"{key}: {fault['ctx']['error']}" if key else str(fault["ctx"]["error"])
        case "missing":
            return f"{key}: missing"
        case "union_tag_invalid" | "union_tag_not_found":
            return f"{key}: {fault['msg'][0].lower()}{fault['msg'][1:]}"
        case _:
            return f"{key or 'the whole file'} = {fault['input']!r}: {fault['msg'][0].lower()}{fault['msg'][1:]}"
