"""Faults that the person at the keyboard can mend: one clear line, exit code 1, no traceback."""

import errno
import os
import shutil
from pathlib import Path

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class InputError(Exception):
    """Bad input. The message says what was found, what was expected and what to do."""


def stop_at(faults: list[str], origin: str) -> None:
    """Raises `InputError` with the first ten faults of the data set at `origin`, and their number, if there are any."""
    if faults:
        more = [f"... and {len(faults) - 10} more"] if len(faults) > 10 else []
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise InputError("\n  ".join([f"{origin}: {count} in the data set; nothing was written", *faults[:10], *more]))


def no_room(path: Path, error: OSError, needed: str = "") -> InputError:
    """For an `error` in `DISK_FULL` while `path` was written, which must be gone again: what is free counts its room."""
    folder = next(parent for parent in path.absolute().parents if parent.is_dir())
    free = megabytes(shutil.disk_usage(folder).free)
    room = f"{needed} needed, {free} free" if needed else f"{free} free"
    return InputError(f"{path}: {os.strerror(error.errno or 0)}: {room}; make room and run this again")


def megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
