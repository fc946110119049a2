"""Mistakes that the user can correct: one clear line, exit code 1, no traceback."""

import errno
import os
import shutil
from pathlib import Path

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class InputError(Exception):
    """Bad input. The message says what was found, what was expected and what to do."""


def find_output(path: Path, stage: str) -> Path:
    """`path`, which this stage of dvc.yaml writes. Raises `InputError` if it is not there."""
    if not path.exists():
        raise InputError(f"{path} not found; run `dvc repro {stage}`")
    return path


def raise_problems(problems: list[str], origin: str) -> None:
    """Raises `InputError` with the number of problems in the data set at `origin` and the first ten, if there are any."""
    if problems:
        more = [f"... and {len(problems) - 10} more"] if len(problems) > 10 else []
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise InputError("\n  ".join([f"{origin}: {count} in the data set; nothing was written", *problems[:10], *more]))


def disk_full_error(path: Path, error: OSError, needed: str = "") -> InputError:
    """The message for an `error` in `DISK_FULL`, raised while writing `path`.

    Call it after deleting the incomplete file, so that its space counts as free.
    """
    folder = next(parent for parent in path.absolute().parents if parent.is_dir())
    free = format_megabytes(shutil.disk_usage(folder).free)
    space = f"{needed} needed, {free} free" if needed else f"{free} free"
    return InputError(f"{path}: {os.strerror(error.errno or 0)}: {space}; free some space and run this again")


def format_megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.1f} MB"
