"""Faults that the person at the keyboard can mend: one clear line, exit code 1, no traceback."""

import sys
from collections.abc import Callable


class InputError(Exception):
    """Bad input. The message says what was found, what was expected and what to do."""


def run(main: Callable[[], None]) -> None:
    """Runs a stage's `main`; an `InputError` becomes its message on stderr and exit code 1."""
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted")
