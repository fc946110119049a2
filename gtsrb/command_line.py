"""The command line of stages and scripts: what was asked for, and how a run ends."""

import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from gtsrb import STARTED
from gtsrb.config import params
from gtsrb.errors import DISK_FULL, InputError, disk_full_error
from gtsrb.progress import format_duration, say


def argument(kind: str, known: Iterable[str]) -> str:
    """The one argument of the command line, which has to be the name of a known `kind`. Raises `InputError`."""
    given, known = sys.argv[1:], list(known)
    if len(given) != 1 or given[0] not in known:
        found = f"{' '.join(given)!r}" if given else "nothing"
        raise InputError(f"the command line has {found}; expected one {kind} of params.yaml: {', '.join(known)}")
    return given[0]


def run_stage(main: Callable[[], str]) -> None:
    """`run` of a stage, if all of params.yaml is valid: also the sections that this stage does not read.

    Prints the result that `main` returns, with the stage's name and the time since its process began; for --help what the
    stage's file says of it.
    """
    if sys.argv[1:] in (["--help"], ["-h"]):
        print(sys.modules["__main__"].__doc__)
        return

    def check_and_run() -> None:
        params.load()
        say(f"{main()}, {format_duration(time.perf_counter() - STARTED)}")

    run(check_and_run)


def run(main: Callable[[], None]) -> None:
    """Runs `main`; an `InputError` or a full disk becomes one line on stderr and exit code 1."""
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
    except BrokenPipeError:  # whoever reads stdout has seen enough; nothing more is written there, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        sys.exit(f"error: {disk_full_error(Path(error.filename or 'a file'), error)}")
    except KeyboardInterrupt:
        sys.exit("interrupted")
