"""A Dask cluster of this machine, for tests."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import distributed
from conftest import ROOT


@contextmanager
def running(folder: Path, module: str, *arguments: str) -> Iterator[subprocess.Popen]:
    """A process of Dask, started in `folder`; its output is in MODULE.txt there."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    with (folder / f"{module}.txt").open("a") as log:
        command = [sys.executable, "-m", f"distributed.cli.{module}", *arguments]
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=60)


@contextmanager
def start_cluster(
    folder: Path, workers: int = 2, threads: int = 1, shared: Path | None = None
) -> Iterator[tuple[str, subprocess.Popen]]:
    """The address of a scheduler and its process. Its workers start in the folder `shared`, or each in an empty one."""
    address_file = folder / "scheduler.json"
    with ExitStack() as stack:
        options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show", "--scheduler-file", str(address_file)]
        scheduler = stack.enter_context(running(folder, "dask_scheduler", *options))
        for number in range(workers):
            own = folder / f"worker{number}"
            own.mkdir()
            options = ["--scheduler-file", str(address_file), "--nthreads", str(threads), "--no-dashboard"]
            stack.enter_context(running(shared or own, "dask_worker", *options, "--local-directory", str(own)))
        with distributed.Client(scheduler_file=str(address_file), set_as_default=False) as client:
            if workers:
                client.wait_for_workers(workers, timeout=60)
            address = client.scheduler.address
        yield address, scheduler
