"""Committed results, of which a recipe that is new has none yet."""

import json

import pytest
from conftest import ROOT


def read(name: str) -> dict:
    """metrics/NAME.json; without it the test is skipped, and says what has not been run."""
    path = ROOT / f"metrics/{name}.json"
    if not path.is_file():
        pytest.skip(f"{path.relative_to(ROOT)}: not run, or not committed")
    return json.loads(path.read_text())
