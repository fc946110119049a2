"""What a stage shows while it works: bars, lines, times. Nothing here can change a result."""

import sys
from pathlib import Path

from tqdm import tqdm


class Bar(tqdm):
    """A bar on stderr that rewrites itself on a terminal, and in a log appears once, when it is done."""

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        if self.fp.isatty():
            super().display(msg, pos)
        elif self.disable:  # as `close` sets it, which then ends the line
            self.fp.write(str(self))


def say(text: str) -> None:
    """Prints `text` after the name of the stage that runs, such as `train@baseline`: its file's, and its argument's."""
    print(f"{'@'.join([Path(sys.argv[0]).stem, *sys.argv[1:]])}: {text}", flush=True)


def format_duration(seconds: float) -> str:
    """Such as `8 s`, `25 min 31 s` or `2 h 4 min`."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
