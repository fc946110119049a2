"""What a stage shows while it works: bars, lines, times. Nothing here can change a result."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TextIO

from tqdm import tqdm

_print: Callable[..., None] = print
_position = 0  # line of this process's bar, below those of the processes that share its terminal


class Bar(tqdm):
    """A bar on stderr that rewrites itself on a terminal, and in a log appears once, when it is done."""

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        if self.fp.isatty():
            super().display(msg, pos)
        elif self.disable:  # as `close` sets it, which then ends the line
            self.fp.write(str(self))


def set_up_bars(lock: Any, position: int) -> None:
    """Lets processes that share a terminal write to it in turn, each its `step_bar` on the line of its `position`."""
    global _position
    Bar.set_lock(lock)
    _position = position


def print_by(function: Callable[..., None]) -> None:
    """Lets a process on another machine print its lines by `function`, which takes what `print` does."""
    global _print
    _print = function


def step_bar(name: str, steps: int) -> Bar:
    """A bar for terminals only, which vanishes at its end."""
    return Bar(desc=name, total=steps, unit=" steps", leave=False, disable=None, position=_position)


def print_line(text: str, *, file: TextIO | None = None) -> None:
    """Prints `text` to `file`, by default standard output, above all bars, which are drawn again below it."""
    if not sys.stderr.isatty():
        _print(text, file=file, flush=True)
        return
    with Bar.get_lock():
        print("\r\033[J", end="", file=sys.stderr, flush=True)
        _print(text, file=file, flush=True)


def say(text: str) -> None:
    """Prints `text` after the name of the stage that runs, such as `train@baseline`: its file's, and its argument's."""
    print(f"{'@'.join([Path(sys.argv[0]).stem, *sys.argv[1:]])}: {text}", flush=True)


def format_runs(runs: Iterable[tuple[str, int, float | None, float]]) -> str:
    """A line for each (name, epochs, validation accuracy or None, seconds), in columns."""
    table = [
        (name, f"{epochs} epochs", "" if accuracy is None else f"val_accuracy {accuracy:7.2%}", format_duration(seconds))
        for name, epochs, accuracy, seconds in runs
    ]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in table)


def format_duration(seconds: float) -> str:
    """Such as `8 s`, `25 min 31 s` or `2 h 4 min`."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
