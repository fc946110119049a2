"""The YAML loader of this project: every reader gets the same values as DVC."""

import re
from pathlib import Path
from typing import Any

import yaml

from gtsrb.errors import InputError


class Loader(yaml.SafeLoader):
    """Reads the floats of YAML 1.2: DVC writes 0.00001 as 1e-05, which PyYAML, a YAML 1.1 parser, reads as a string."""


Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


def parse_yaml(text: str) -> Any:
    """The content of a YAML document. Raises `yaml.YAMLError` if it is not valid."""
    return yaml.load(text, Loader)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file. Raises `InputError` if it cannot be read or is not valid."""
    try:
        return parse_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}") from None
