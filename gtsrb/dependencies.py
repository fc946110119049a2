"""Which modules of this project a file imports, directly or through others, and a hash of what they do."""

import ast
import hashlib
from collections.abc import Iterable
from pathlib import Path

PACKAGES = ("gtsrb", "stages")
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_dependencies(path: Path) -> set[Path]:
    """`path` and every module file of this project that it needs. Package __init__ files decide no result and are left out."""
    found: set[Path] = set()
    waiting = [path]
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
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    files = [Path(*name.split(".")).with_suffix(".py") for name in names if name.split(".")[0] in PACKAGES]
    return [path for path in files if path.is_file()]


def code_hash(files: Iterable[Path]) -> str:
    """SHA-256 of what the modules say to Python: an edit of a comment, a docstring or the layout changes nothing."""
    digest = hashlib.sha256()
    for file in sorted(files):
        tree = ast.parse(file.read_text())
        for node in ast.walk(tree):
            if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
                del node.body[0]
        digest.update(f"{file.as_posix()} {ast.dump(tree)}\n".encode())
    return digest.hexdigest()
