"""Finds the modules of this project that a file depends on, and hashes their code."""

import ast
import hashlib
from collections.abc import Iterable
from pathlib import Path

from gtsrb.data import tables

PACKAGES = ("gtsrb", "stages")
# Cannot change a result: messages, progress bars, command line, where work runs, how params.yaml is read (DVC compares the
# values itself).
PLUMBING = {
    Path(f"gtsrb/{name}.py")
    for name in (
        "errors",
        "progress",
        "tensorflow_log",
        "command_line",
        "parallel",
        "cluster",
        "config/base",
        "config/load",
        "config/params",
        "config/yaml_loader",
    )
}
WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_dependencies(path: Path) -> set[Path]:
    """`path` and all modules of this project that it imports, directly or indirectly; plumbing is not followed.

    Package __init__ files, which hold no code that can change a result, are left out.
    """
    dependencies: set[Path] = set()
    queue = [path]
    while queue:
        file = queue.pop()
        if file not in dependencies | PLUMBING:
            dependencies.add(file)
            queue += imported_files(file)
    return dependencies


def imported_files(file: Path) -> list[Path]:
    """The modules of this project that `file` imports directly; paths are relative to the project's root."""
    names = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    files = [Path(*name.split(".")).with_suffix(".py") for name in names if name.split(".")[0] in PACKAGES]
    return [path for path in files if path.is_file()]


def code_hash(files: Iterable[Path]) -> str:
    """SHA-256 of the modules' syntax trees: comments, docstrings and formatting do not count."""
    digest = hashlib.sha256()
    for file in sorted(files):
        tree = ast.parse(file.read_text())
        for node in ast.walk(tree):
            if isinstance(node, WITH_DOCSTRING) and ast.get_docstring(node, clean=False) is not None:
                del node.body[0]
        digest.update(f"{file.as_posix()} {ast.dump(tree)}\n".encode())
    return digest.hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256 of the bytes of a file of data/raw or data/synthetic/SET. Raises `InputError` if it is not there."""
    with tables.find(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
