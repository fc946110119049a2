"""The one way in which this project reads YAML, so that every reader takes a text for the same values as DVC does."""

import re
from typing import Any

import yaml


class Loader(yaml.SafeLoader):
    """YAML 1.2's floats: DVC writes 0.00001 as 1e-05, which PyYAML, a YAML 1.1 parser, takes for a string."""


Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


def parse_yaml(text: str) -> Any:
    """Raises `yaml.YAMLError` where the text is no YAML."""
    return yaml.load(text, Loader)
