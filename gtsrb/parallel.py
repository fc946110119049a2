"""Where work runs: in this process, in several of this machine side by side (GTSRB_JOBS), or on the workers of a Dask cluster
(GTSRB_SCHEDULER). No result depends on it.

A call runs in whatever process takes it, so it has to bring or read all that it needs, and returns arrays or numbers: only
the stage or the script writes files, but for a training's checkpoints. It is a `partial` of a function of a module in gtsrb/,
not of the program that runs, which no worker imports: it may need TensorFlow where the call does not.
"""

import importlib
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import connection, resource_tracker
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from gtsrb import progress
from gtsrb.errors import InputError

if TYPE_CHECKING:
    from gtsrb.cluster import Cluster

Result = TypeVar("Result")
AHEAD = 4  # calls
THREADS_OF_NUMPY = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # read when it is imported


@dataclass(frozen=True)
class Workers:
    """An executor, how many calls it runs at a time, and the cluster that it belongs to, if it is not of this machine."""

    executor: Executor
    count: int
    cluster: "Cluster | None" = None

    def share(self, load: Callable[[Path], Result], folder: Path) -> Any:
        """An argument of calls, for data in `folder`: the folder if every worker finds it, otherwise what `load` makes of it,
        which the cluster hands to its workers.
        """
        return folder if self.cluster is None or self.cluster.sees(folder) else self.cluster.hold(load(folder))

    def submit(self, call: partial[Result]) -> Future:
        """The call begins as soon as a worker is free; a cluster finds what is shared among its arguments."""
        return self.executor.submit(call.func, *call.args, **call.keywords)

    def run(self, calls: Iterable[partial[Result]]) -> Iterator[tuple[int, Result]]:
        """Yields the number of each call, counted from 0, and its result, as soon as it is there; raises what a call raises.

        `calls` are taken one by one as workers become free. With several workers they are pickled.
        """
        waiting, running = enumerate(calls), dict[Future, int]()
        while True:
            for number, call in islice(waiting, self.count - len(running)):
                running[self.submit(call)] = number
            if not running:
                return
            for future in sorted(wait(running, return_when=FIRST_COMPLETED).done, key=running.__getitem__):
                yield running.pop(future), future.result()

    def map(self, calls: Iterable[partial[Result]]) -> Iterator[Result]:
        """Yields the result of each call, in their order; raises what a call raises.

        At most `AHEAD` calls per worker are ahead of the result that is asked for, so that their results fit in memory.
        """
        futures = deque[Future]()
        for call in calls:
            futures.append(self.submit(call))
            if len(futures) == AHEAD * self.count:
                yield futures.popleft().result()
        while futures:
            yield futures.popleft().result()


class InProcess(Executor):
    """Runs each call here, as it is submitted: a single training pays for no second start of TensorFlow."""

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        future: Future = Future()
        try:
            future.set_result(call(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


IN_PROCESS = Workers(InProcess(), 1)


@contextmanager
def open_workers(calls: int, *, threads: int = 1, gpu: bool = False) -> Iterator[Workers]:
    """Workers for at least this many `calls` of so many `threads`: those of the cluster that GTSRB_SCHEDULER names, or
    processes that end with the block. Calls that run end at once if the block raises, as on Ctrl-C.

    Raises `InputError` if one of the processes is killed, if GTSRB_JOBS is not a number, or as `cluster.open_cluster`.
    """
    if address := scheduler():
        with _import_cluster().open_cluster(address) as cluster:
            yield Workers(cluster.executor, cluster.count, cluster)
        return
    count = count_workers(calls, threads=threads, gpu=gpu)
    if count == 1:
        yield IN_PROCESS
        return
    _start_resource_tracker()
    context = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
    lock, positions = context.RLock(), context.SimpleQueue()
    for position in range(count):
        positions.put(position)
    others = set(multiprocessing.active_children())
    progress.set_up_bars(lock, 0)
    executor = _Processes(count, context, initializer=_start_worker, initargs=(lock, positions))
    processes: set[BaseProcess] = set()
    interrupted = False

    def interrupt(*_: object) -> None:
        """Ends the workers, and so the calls: an exception in the midst of the executor's own code would leave it locked."""
        nonlocal interrupted
        interrupted = True
        for process in processes:
            process.kill()

    handler = signal.signal(signal.SIGINT, interrupt)
    try:
        # Starts all of them: Python's pool learns of each by the next result, and before that does not notice its death.
        with _without_program(), _environment({name: str(threads) for name in THREADS_OF_NUMPY}):
            wait([executor.submit(os.getpid) for _ in range(count)])
        processes |= set(multiprocessing.active_children()) - others
        if not interrupted:
            yield Workers(executor, count)
    except BaseException as error:
        for process in processes:
            process.kill()  # between two epochs or in the midst of one: as after any kill, the last finished one is kept
        if isinstance(error, BrokenProcessPool) and not interrupted:
            raise InputError(
                f"one of the {count} processes that work side by side was killed, perhaps for lack of memory; run the same "
                "command again, with GTSRB_JOBS=1 for less memory; a training resumes after its last finished epoch"
            ) from None
        if not interrupted:
            raise
    finally:
        executor.shutdown(cancel_futures=True)
        signal.signal(signal.SIGINT, handler)
    if interrupted:
        raise KeyboardInterrupt


def scheduler() -> str | None:
    """The address of the cluster's scheduler; None if work runs on this machine."""
    return os.environ.get("GTSRB_SCHEDULER") or None


def _import_cluster() -> ModuleType:
    """`gtsrb.cluster`. Raises `InputError` if Dask, which only a cluster needs, is not installed."""
    try:
        return importlib.import_module("gtsrb.cluster")
    except ModuleNotFoundError as error:
        install = "make .venv/cluster.installed"
        raise InputError(f"GTSRB_SCHEDULER is set, but {error.name} is not installed; unset it, or run: {install}") from None


def count_workers(calls: int, *, threads: int, gpu: bool) -> int:
    """How many of `calls` run at a time: GTSRB_JOBS, otherwise one on a GPU and cores // threads on a CPU, at least one."""
    if jobs := os.environ.get("GTSRB_JOBS"):
        if not jobs.isdecimal() or int(jobs) < 1:
            raise InputError(f"GTSRB_JOBS={jobs}: expected how many processes work side by side, 1 or more")
        return max(1, min(int(jobs), calls))
    return 1 if gpu else max(1, min(count_cores() // threads, calls))


def count_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _without_program() -> Iterator[None]:
    """Processes that start in this block do not import the program, which the module `__main__` names."""
    program, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = program


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Processes that start in this block have these environment variables, too."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _start_resource_tracker() -> None:
    """Starts the process that frees the semaphores of killed processes, so that it does not warn of each that it frees."""
    warnings = ",".join(filter(None, [os.environ.get("PYTHONWARNINGS"), "ignore:resource_tracker:UserWarning"]))
    with _environment({"PYTHONWARNINGS": warnings}):
        resource_tracker.ensure_running()


class _Processes(ProcessPoolExecutor):
    """Starts its processes with Ctrl-C blocked, also while they import: only the parent takes it, and ends them."""

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return super().submit(call, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _start_worker(lock: Any, positions: Any) -> None:
    progress.set_up_bars(lock, positions.get())
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Ends this worker if its parent is killed, which would otherwise leave it training alongside the next attempt."""
    parent = multiprocessing.parent_process()
    assert parent
    connection.wait([parent.sentinel])
    os._exit(1)
