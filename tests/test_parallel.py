"""Where work runs: here or in processes, which end with a killed or interrupted parent; a killed one is one line."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from conftest import ROOT

from gtsrb import parallel
from gtsrb.errors import InputError
from gtsrb.parallel import IN_PROCESS, count_workers, open_workers

LONG = partial(time.sleep, 600)


@pytest.mark.parametrize(
    ("calls", "threads", "gpu", "cores", "jobs", "expected"),
    [
        (5, 1, False, 2, None, 2),
        (5, 2, False, 2, None, 1),
        (5, 2, False, 8, None, 4),
        (3, 1, False, 8, None, 3),
        (5, 4, False, 2, None, 1),  # fewer cores than threads
        (0, 1, False, 2, None, 1),
        (5, 1, True, 8, None, 1),
        (5, 2, False, 2, "", 1),
        (5, 2, False, 2, "3", 3),
        (5, 1, False, 8, "1", 1),
        (5, 1, True, 8, "2", 2),
        (2, 1, False, 1, "100", 2),
    ],
)
def test_how_many_run_at_a_time(calls, threads, gpu, cores, jobs, expected, monkeypatch):
    monkeypatch.setattr(parallel, "count_cores", lambda: cores)
    monkeypatch.delenv("GTSRB_JOBS") if jobs is None else monkeypatch.setenv("GTSRB_JOBS", jobs)
    assert count_workers(calls, threads=threads, gpu=gpu) == expected


@pytest.mark.parametrize("jobs", ["0", "-1", "abc", "1.5", " "])
def test_a_wrong_number_of_jobs_is_one_line(jobs, monkeypatch):
    monkeypatch.setenv("GTSRB_JOBS", jobs)
    with pytest.raises(InputError) as error, open_workers(2, threads=1, gpu=False):
        pass
    assert str(error.value) == f"GTSRB_JOBS={jobs}: expected how many processes work side by side, 1 or more"


def test_a_cluster_without_its_library_is_one_line(monkeypatch):
    monkeypatch.setenv("GTSRB_SCHEDULER", "tcp://127.0.0.1:8786")
    monkeypatch.delitem(sys.modules, "gtsrb.cluster", raising=False)
    monkeypatch.setitem(sys.modules, "dask", None)
    with (
        pytest.raises(InputError, match=r"dask is not installed; unset it, or run: make \.venv/cluster\.installed"),
        open_workers(2),
    ):
        pass


def test_in_this_process_a_result_is_there_before_the_next_call():
    """So that the line of a study's run is written before the next run starts."""
    events = []
    for number, result in IN_PROCESS.run(partial(events.append, i) for i in range(3)):
        assert (result, events[-1]) == (None, number)
        events.append("yielded")
    assert events == [0, "yielded", 1, "yielded", 2, "yielded"]
    with pytest.raises(ZeroDivisionError):
        list(IN_PROCESS.run([partial(divmod, 1, 0)]))


@pytest.fixture
def two_at_a_time(monkeypatch):
    """Two workers, which have ended with the test; others, of an earlier test, may run on."""
    monkeypatch.setenv("GTSRB_JOBS", "2")
    before = set(multiprocessing.active_children())
    yield
    assert set(multiprocessing.active_children()) <= before


def test_every_call_has_its_result(two_at_a_time):
    with open_workers(5, threads=1, gpu=False) as workers:
        assert workers.count == 2
        assert dict(workers.run(partial(pow, 2, i) for i in range(5))) == {0: 1, 1: 2, 2: 4, 3: 8, 4: 16}
        assert os.getpid() not in dict(workers.run([partial(os.getpid)])).values()


def test_the_libraries_of_a_worker_have_its_threads(two_at_a_time, monkeypatch):
    """NumPy's would take all cores in each; the environment of this process stays as it is."""
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with open_workers(2, threads=3, gpu=False) as workers:
        in_worker = list(workers.map(partial(os.getenv, name) for name in parallel.THREADS_OF_NUMPY))
    assert in_worker == ["3"] * 3
    assert os.environ["OMP_NUM_THREADS"] == "7" and "MKL_NUM_THREADS" not in os.environ


def test_as_many_calls_as_workers_are_taken_ahead(two_at_a_time):
    """Not all: what a run locks is locked when it starts."""
    taken = []
    with open_workers(5, threads=1, gpu=False) as workers:
        calls = (taken.append(i) or partial(pow, 2, i) for i in range(5))
        for n, _ in enumerate(workers.run(calls), 1):
            assert len(taken) <= n + 1


def test_results_come_in_the_order_of_their_calls_and_few_are_ahead(two_at_a_time):
    taken = []
    with open_workers(2, threads=1, gpu=False) as workers:
        calls = (taken.append(i) or partial(pow, 2, i) for i in range(20))
        for number, result in enumerate(workers.map(calls)):
            assert result == 2**number
            assert len(taken) <= number + parallel.AHEAD * workers.count
    assert list(IN_PROCESS.map([])) == [] and list(IN_PROCESS.map([partial(pow, 2, 3)])) == [8]
    with pytest.raises(ZeroDivisionError):
        list(IN_PROCESS.map([partial(divmod, 1, 0)]))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (partial(signal.raise_signal, signal.SIGKILL), InputError, "one of the 2 processes that work side by side was killed"),
        (partial(divmod, 1, 0), ZeroDivisionError, "division"),
    ],
    ids=["killed", "raises"],
)
def test_a_call_that_fails_ends_the_others(two_at_a_time, call, error, message):
    started = time.monotonic()
    with pytest.raises(error, match=message) as raised, open_workers(2, threads=1, gpu=False) as workers:
        list(workers.run([LONG, call]))
    assert time.monotonic() - started < 60
    assert "\n" not in str(raised.value)


PARENT = """
import multiprocessing, sys, time
from functools import partial
from gtsrb import command_line
from gtsrb.parallel import open_workers

def main():
    with open_workers(2, threads=1, gpu=False) as workers:
        running = [workers.executor.submit(time.sleep, 0.1) for _ in range(2)]
        [call.result() for call in running]  # they have started
        print(*(process.pid for process in multiprocessing.active_children()), flush=True)
        list(workers.run([partial(time.sleep, 600)] * 2))

if __name__ == "__main__":
    command_line.run(main)
"""


@pytest.mark.seconds
@pytest.mark.parametrize(
    ("end", "code", "errors"),
    [
        (lambda pid: os.killpg(pid, signal.SIGINT), 1, "interrupted\n"),  # Ctrl-C, which reaches all processes
        (lambda pid: os.kill(pid, signal.SIGINT), 1, "interrupted\n"),
        (lambda pid: os.kill(pid, signal.SIGKILL), -signal.SIGKILL, None),
    ],
    ids=["Ctrl-C", "interrupted alone", "killed alone"],
)
def test_no_process_outlives_its_parent(tmp_path, end, code, errors):
    (tmp_path / "parent.py").write_text(PARENT)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "GTSRB_JOBS": "2"}
    parent = subprocess.Popen(
        [sys.executable, tmp_path / "parent.py"], env=environment, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) == 2
    end(parent.pid)
    _, stderr = parent.communicate(timeout=60)
    assert parent.returncode == code
    assert errors in (stderr, None)
    deadline = time.monotonic() + 30
    while any(is_running(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(is_running(pid) for pid in pids)


def is_running(pid: int) -> bool:
    """Whether there is such a process; one that has ended and that nobody has asked about yet is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
