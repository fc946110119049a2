"""A training that is killed or stopped resumes and ends with the same weights; members side by side are the same, too."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest
import yaml
from small_project import PARAMS, RECIPE, RECIPES_RUN, Project


@pytest.mark.slow
def test_a_killed_training_resumes_and_ends_with_the_same_weights(new_project):
    """kill -9 of DVC and its stage during training; the next `dvc repro` resumes."""
    changes = {"deterministic": True, "threads": 2, "epochs": 6}
    new_project.edit({f"train.{RECIPE}.{key}": value for key, value in changes.items()})
    new_project.dvc("repro", f"train@{RECIPE}")
    uninterrupted = list_outputs(new_project, f"train@{RECIPE}")

    repro = ["repro", "--single-item", "--force", "--no-run-cache", f"train@{RECIPE}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "dvc", *repro],
        cwd=new_project.folder, env=new_project.environment(), start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(new_project.folder.rglob(".checkpoints/**/state.npz")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert list(new_project.folder.rglob(".checkpoints/**/state.npz"))
    assert not list(new_project.folder.glob(f"models/{RECIPE}/*/*"))

    assert "resumed after " in new_project.dvc(*repro)
    assert not list(new_project.folder.glob(".checkpoints/*"))
    resumed = list_outputs(new_project, f"train@{RECIPE}")
    for path in (f"models/{RECIPE}", f"data/validation/{RECIPE}", f"metrics/{RECIPE}/history.csv"):
        assert resumed[path] == uninterrupted[path]


ENSEMBLE = next(name for name in RECIPES_RUN if PARAMS["train"][name]["members"] > 1)  # two members in the fixtures' project


SIDE_BY_SIDE_EPOCHS = 6  # far more than one member can be ahead of the other


def start_training(project: Project, stdout: IO | int = subprocess.PIPE, **environment: str) -> subprocess.Popen:
    """The stage of the ensemble, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "stages.train", ENSEMBLE],
        cwd=project.folder, env=project.environment() | environment, start_new_session=True,
        stdout=stdout, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def read_results(project: Project) -> dict[str, bytes]:
    """What a training writes, by path, without the times in training.json."""
    folders = [project.folder / name / ENSEMBLE for name in ("models", "data/validation")]
    files = [*(path for folder in folders for path in folder.rglob("*.*")), project.folder / f"metrics/{ENSEMBLE}/history.csv"]
    return {str(path.relative_to(project.folder)): path.read_bytes() for path in files}


def test_members_side_by_side_are_those_trained_one_after_the_other(project):
    """To the byte, with a line per epoch of each, which alternate only side by side, and a table of both at the end."""
    epochs = SIDE_BY_SIDE_EPOCHS
    project.edit({f"train.{ENSEMBLE}.epochs": epochs})
    results, times = {}, {}
    for jobs in ("1", "2"):
        for name in ("models", "data/validation"):
            shutil.rmtree(project.folder / name / ENSEMBLE)
        stdout, stderr = start_training(project, GTSRB_JOBS=jobs).communicate(timeout=300)
        assert not stderr
        results[jobs], times[jobs] = read_results(project), project.read_metrics(f"{ENSEMBLE}/training.json")
        for member in ("member0", "member1"):
            lines = [stdout.count(f"\n{member}  epoch {epoch}/{epochs}  loss ") for epoch in range(1, epochs + 1)]
            assert lines == [1] * epochs
            assert re.search(rf"^{member}  {epochs} epochs +[0-9].* s$", stdout, re.MULTILINE)
        first_of_second, last_of_first = (stdout.index(f"\nmember{i}  epoch {n}/{epochs}") for i, n in ((1, 1), (0, epochs)))
        assert (first_of_second < last_of_first) == (jobs == "2")
    assert results["2"] == results["1"]
    in_turn, times = times["1"], times["2"]
    assert in_turn["elapsed_seconds"] == pytest.approx(in_turn["seconds"], abs=0.11) and in_turn["threads"] == 1
    own = [member["seconds"] for member in times["members"].values()]
    assert times["seconds"] == pytest.approx(sum(own), abs=0.11)
    assert max(own) - 0.1 <= times["elapsed_seconds"] <= times["seconds"]
    assert times["fit_seconds"] <= times["seconds"]


@pytest.mark.slow
def test_members_that_are_stopped_resume_and_end_with_the_same_weights(new_project, tmp_path):
    """By Ctrl-C, then by the death of one: both processes end, with one line, and no finished epoch is trained again.

    The output goes to a file: `communicate` would lose what reading lines from a pipe before it has buffered.
    """
    new_project.edit({f"train.{ENSEMBLE}.epochs": 8})
    new_project.dvc("repro", f"train@{ENSEMBLE}")
    expected = read_results(new_project)
    killed = "error: one of the 2 processes that work side by side was killed, perhaps for lack of memory; run the same"
    finished, log = [0, 0], tmp_path / "log.txt"  # epochs of each member; what the run prints
    for stop, message in ((press_ctrl_c, "interrupted\n"), (kill_a_member, killed)):
        with log.open("w") as file:
            process = start_training(new_project, file, GTSRB_JOBS="2")
        while min(count_epochs(log.read_text())) < 2:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        stop(process)
        _, stderr = process.communicate(timeout=60)  # ends with the last process that holds the pipe
        assert process.returncode == 1
        assert stderr.startswith(message) and stderr.count("\n") == 1
        finished = check_resumed(log.read_text(), finished)
        assert max(finished) < 8

    stdout, stderr = start_training(new_project, GTSRB_JOBS="2").communicate(timeout=300)
    assert not stderr
    check_resumed(stdout, finished)
    assert read_results(new_project) == expected


def count_epochs(output: str) -> list[int]:
    """How many epochs of each member have been printed."""
    return [len(re.findall(rf"^member{i}  epoch", output, re.MULTILINE)) for i in (0, 1)]


def check_resumed(output: str, finished: list[int]) -> list[int]:
    """The last epoch of each member in the `output` of a run, which has to go on after those that were `finished` before it."""
    resumed = [
        int((re.findall(rf"^member{i}  resumed after (\d+) of 8 epochs$", output, re.MULTILINE) or [0])[0]) for i in (0, 1)
    ]
    assert all(before <= after <= before + 1 for before, after in zip(finished, resumed, strict=True))  # saved, not printed yet
    return [after + more for after, more in zip(resumed, count_epochs(output), strict=True)]


def press_ctrl_c(process: subprocess.Popen) -> None:
    os.killpg(process.pid, signal.SIGINT)


def kill_a_member(process: subprocess.Popen) -> None:
    os.kill(workers_of(process.pid)[0], signal.SIGKILL)


def workers_of(pid: int) -> list[int]:
    """The processes that this one has started to train in."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def list_outputs(project, stage: str) -> dict[str, str]:
    """Path and md5 of the stage's outputs in dvc.lock."""
    lock = yaml.safe_load((project.folder / "dvc.lock").read_text())
    return {out["path"]: out["md5"] for out in lock["stages"][stage]["outs"]}
