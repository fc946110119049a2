"""Which modules of this project a stage imports, directly or through others: what dvc.yaml has to name in its `deps`."""

import ast
from pathlib import Path

PACKAGES = ("gtsrb", "stages")


def code_dependencies(path: Path) -> set[Path]:
    """`path` and every module file of this project that it needs. Package __init__ files decide no result and are left out."""
    found, waiting = set(), [path]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += imported(file)
    return found


def imported(file: Path) -> list[Path]:
    names = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    files = [Path(*name.split(".")).with_suffix(".py") for name in names if name.split(".")[0] in PACKAGES]
    return [path for path in files if path.is_file()]
