"""Runs a command and says how much memory it took at most:  python -m scripts.measure_memory python -m stages.ingest

Of all its processes together, every twentieth of a second: what is theirs alone (anonymous), and what is resident, files that
are mapped into memory included, which the system may drop at any time. On Linux.
"""

import subprocess
import sys
import time
from pathlib import Path

from gtsrb.command_line import run
from gtsrb.errors import InputError

INTERVAL = 0.05  # seconds


def main() -> None:
    if not sys.argv[1:]:
        raise InputError("the command line has nothing; expected a command, such as python -m stages.ingest")
    started = time.monotonic()
    try:
        process = subprocess.Popen(sys.argv[1:])
    except OSError as error:
        raise InputError(f"{sys.argv[1]}: cannot be run ({error.strerror})") from None
    anonymous = resident = 0.0
    while process.poll() is None:
        memory = [read_memory(pid) for pid in find_family(process.pid)]
        anonymous = max(anonymous, sum(values[0] for values in memory))
        resident = max(resident, sum(values[1] for values in memory))
        time.sleep(INTERVAL)
    seconds = time.monotonic() - started
    print(f"at most {anonymous / 1e3:.0f} MB anonymous, {resident / 1e3:.0f} MB resident, in {seconds:.0f} s", file=sys.stderr)
    sys.exit(process.returncode)


def find_family(pid: int) -> list[int]:
    """The process and all that descend from it."""
    family = [pid]
    for parent in family:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                family += map(int, children.read_text().split())
            except OSError:  # it has ended
                continue
    return family


def read_memory(pid: int) -> tuple[float, float]:
    """What a process has in memory, kB (1,000 bytes): anonymous, and resident in total; nothing once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0, 0
    values = {name: value for name, _, value in (line.partition(":") for line in lines)}
    anonymous, resident = (float(values.get(name, "0").split()[0]) * 1.024 for name in ("RssAnon", "VmRSS"))
    return anonymous, resident


if __name__ == "__main__":
    run(main)
