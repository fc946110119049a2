"""A Dask cluster as the place where work runs; docs/scale.md says how to start one. The only file that imports Dask.

Dask schedules calls, moves their data, and runs those of a worker that died on another one. A worker is a process of one thread
with the versions and the code of the program that asks; it needs nothing of `data/`.
"""

import asyncio
import functools
import hashlib
import importlib.metadata
import importlib.util
import logging
import os
import platform
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future, InvalidStateError
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
import distributed
from distributed.comm import CommClosedError
from distributed.versions import VersionMismatchWarning

from gtsrb import progress
from gtsrb.errors import InputError

TIMEOUT = 20  # seconds, for the scheduler to answer and a worker to be there
# Distributions whose version can change a result, or the protocol. One that neither side has installed is equal.
DISTRIBUTIONS = (
    *("numpy", "pandas", "pyarrow", "pillow", "scipy", "scikit-image", "opencv-python-headless"),
    *("keras", "tensorflow", "tensorflow-cpu", "jax", "torch", "distributed"),
)


@dataclass(frozen=True)
class Cluster:
    """A connected cluster: the executor that runs calls on it, and how many it runs at a time."""

    client: distributed.Client
    executor: Executor
    count: int

    def sees(self, folder: Path) -> bool:
        """Whether every worker finds the files of this relative folder below the one that it was started in."""
        expected = list_files(folder)
        return bool(expected) and all(files == expected for files in self.client.run(list_files, folder).values())

    def hold(self, value: Any) -> distributed.Future:
        """An argument of calls, which workers pass on to each other: a call that gives it, so that Dask makes it again if the
        workers that hold it die. (Data that is scattered would be lost with them.)
        """
        return self.client.submit(_same, value, pure=False)


class _CheckingExecutor(Executor):
    """Dask's executor; a worker compares itself with this process before it runs a call.

    Its futures are its own, since those of Dask may wait for ever for a scheduler that has ended.
    """

    def __init__(self, client: distributed.Client, setting: str):
        self.executor, self.setting, self.expected = client.get_executor(pure=False), setting, describe()
        self.unfinished: set[Future] = set()

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        result: Future = Future()
        self.unfinished.add(result)
        on_dask = self.executor.submit(_check_and_run, self.setting, self.expected, call, *args, **kwargs)
        on_dask.add_done_callback(functools.partial(self._finish, result))
        return result

    def _finish(self, result: Future, on_dask: Future) -> None:
        self.unfinished.discard(result)
        with suppress(InvalidStateError):  # it has failed, with the scheduler
            if on_dask.cancelled():
                result.set_exception(CancelledError())
            elif error := on_dask.exception():
                result.set_exception(error)
            else:
                result.set_result(on_dask.result())

    def fail_without_scheduler(self, client: distributed.Client, closing: threading.Event) -> None:
        """Fails all calls once the client has lost its scheduler; returns when `closing` is set."""
        while not closing.wait(1):
            if client.status != "running":
                for result in list(self.unfinished):
                    with suppress(InvalidStateError):
                        result.set_exception(CancelledError())


@contextmanager
def open_cluster(address: str) -> Iterator[Cluster]:
    """The cluster of the scheduler at `address`, such as tcp://host:8786; if the block raises, as on Ctrl-C, its calls end.

    Raises `InputError` if no scheduler answers, if it has no workers, or if it ends meanwhile; calls do so on a worker that
    has other versions, other code or several threads.
    """
    setting = f"GTSRB_SCHEDULER={address}"
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what ends a run is one line of ours
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):  # of the arrays in calls
        client, closing = connect(setting, address), threading.Event()
        executor = _CheckingExecutor(client, setting)
        threading.Thread(target=executor.fail_without_scheduler, args=(client, closing), daemon=True).start()
        try:
            yield Cluster(client, executor, wait_for_workers(setting, client))
        except (CancelledError, CommClosedError):
            raise InputError(f"{setting}: the scheduler has ended; start it and its workers again, then this command") from None
        except distributed.KilledWorker as error:
            raise InputError(
                f"{setting}: {error.allowed_failures + 1} workers died of the same call, perhaps for lack of memory"
            ) from None
        except BaseException:
            if client.status == "running":
                end_calls(client)
            raise
        finally:
            closing.set()
            client.close(timeout=TIMEOUT)


def connect(setting: str, address: str) -> distributed.Client:
    """A client of the scheduler. Raises `InputError` if none answers."""
    try:
        asyncio.run(asyncio.wait_for(greet(address), TIMEOUT))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VersionMismatchWarning)  # `describe` compares those that matter, and more
            return distributed.Client(address, timeout=TIMEOUT, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = str(error) or f"nothing within {TIMEOUT} s"
        raise InputError(f"{setting}: no scheduler answers there ({reason}); start one (docs/scale.md), or unset it") from None


async def greet(address: str) -> None:
    """Returns once a scheduler answers. A client would wait for ever for another program, such as the scheduler's own page."""
    async with distributed.rpc(address) as scheduler:
        await scheduler.identity(n_workers=0)


def wait_for_workers(setting: str, client: distributed.Client) -> int:
    """The number of workers that there are, or waits for one. Raises `InputError` if none comes, or if one lacks this project,
    with which it would end at its first call.
    """
    try:
        client.wait_for_workers(1, timeout=TIMEOUT)
    except TimeoutError:
        raise InputError(f"{setting}: the scheduler has no workers; start some (docs/scale.md)") from None
    packages = client.run(importlib.util.find_spec, __package__)
    for worker in [worker for worker, package in packages.items() if package is None]:
        raise InputError(f"{setting}: worker {worker} has no package {__package__}; install this project there (docs/scale.md)")
    return len(packages)


def end_calls(client: distributed.Client) -> None:
    """Cancels the calls of this client, and starts those workers anew that run one, which Dask would let come to its end."""
    calls = [distributed.Future(key, client) for key in client.futures]
    workers = client.scheduler_info(n_workers=-1)["workers"]
    busy = [worker for worker, keys in client.processing().items() if set(keys) & set(client.futures)]
    client.cancel(calls)
    if restartable := [worker for worker in busy if worker in workers and workers[worker]["nanny"]]:
        client.restart_workers(restartable, raise_for_error=False)


@functools.cache
def describe() -> dict[str, str | None]:
    """What decides the bytes of a result in this process: versions, and the hash of the files in gtsrb/."""
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    versions: dict[str, str | None] = {"Python": platform.python_version(), "Keras' backend": backend}
    for name in DISTRIBUTIONS:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(file.name.encode() + file.read_bytes())
    return versions | {"gtsrb/": digest.hexdigest()[:12]}


def list_files(folder: Path) -> list[tuple[str, int, int]]:
    """Name, bytes and time of change in nanoseconds of each file in a folder; empty if there is none."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]


def _check_and_run(
    setting: str, expected: dict[str, str | None], call: Callable[..., Any], /, *args: Any, **kwargs: Any
) -> Any:
    """On a worker: runs the call, if the worker would give the bytes of the process that asks, and runs one call at a time."""
    worker, found = distributed.get_worker(), describe()
    if different := [f"{name} {found[name]}, not {expected[name]}" for name in expected if found[name] != expected[name]]:
        raise InputError(
            f"{setting}: worker {worker.address} has {'; '.join(different)}; install the same there, and start it anew"
        )
    if (threads := worker.state.nthreads) > 1:
        raise InputError(f"{setting}: worker {worker.address} has {threads} threads; start it with --nthreads 1")
    progress.print_by(distributed.print)  # here and where the command was given
    return call(*args, **kwargs)


def _same(value: Any) -> Any:
    return value
