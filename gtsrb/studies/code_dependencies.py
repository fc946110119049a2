"""Which modules of this project decide what a file computes, and a hash of what they do."""

import ast
import hashlib
from collections.abc import Iterable
from pathlib import Path

from gtsrb.errors import InputError

PACKAGES = ("gtsrb", "stages")
# Cannot change a result: messages, bars, the command line, how params.yaml is read (DVC compares its values itself).
PLUMBING = {
    Path(f"gtsrb/{name}.py")
    for name in ("errors", "progress", "command_line", "config/base", "config/load", "config/params", "config/yaml_loader")
}
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_dependencies(path: Path) -> set[Path]:
    """`path` and every module of this project that it imports, directly or through others; no plumbing, nor what that imports.

    Package __init__ files, which hold no code, are left out.
    """
    found: set[Path] = set()
    waiting = [path]
    while waiting:
        file = waiting.pop()
        if file not in found | PLUMBING:
            found.add(file)
            waiting += imported_files(file)
    return found


def imported_files(file: Path) -> list[Path]:
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


def file_hash(path: Path) -> str:
    """SHA-256 of its bytes. Raises `InputError` if it is not there."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        raise InputError(f"{path} not found; run `dvc repro ingest`") from None
