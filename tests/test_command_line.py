"""The command line of a stage, and how a stage ends on bad input."""

import errno
import os
import re
import subprocess
import sys

import pytest
from conftest import ROOT

from gtsrb.command_line import argument, run, run_stage
from gtsrb.errors import InputError


@pytest.mark.parametrize(
    ("given", "found"), [([], "nothing"), (["c"], "'c'"), (["a", "b"], "'a b'"), (["a", "a"], "'a a'")], ids=str
)
def test_exactly_one_known_name_is_expected(given, found, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["stage", *given])
    with pytest.raises(InputError, match=f"^the command line has {found}; expected one recipe of params.yaml: a, b$"):
        argument("recipe", {"a": 1, "b": 2})
    monkeypatch.setattr(sys, "argv", ["stage", "b"])
    assert argument("recipe", {"a": 1, "b": 2}) == "b"


@pytest.mark.parametrize(
    ("error", "code"), [(InputError("no such sign"), "error: no such sign"), (KeyboardInterrupt(), "interrupted")]
)
def test_an_error_is_one_line_and_a_non_zero_exit(error, code):
    def main():
        raise error

    with pytest.raises(SystemExit) as exit_info:
        run(main)
    assert exit_info.value.code == code


def test_a_full_disk_is_one_line_wherever_it_occurs(tmp_path):
    def main():
        raise OSError(errno.ENOSPC, "as the system says it", str(tmp_path / "log.csv"))

    with pytest.raises(SystemExit, match=r"^error: \S+/log.csv: No space left on device: [0-9.,]+ MB free; free some space"):
        run(main)


def test_a_reader_that_has_seen_enough_is_no_error():
    program = "from gtsrb.command_line import run; run(lambda: [print(i, flush=True) for i in range(100_000)])"
    command = f'"{sys.executable}" -c "{program}" | head -1'
    result = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("0\n", "")


def test_a_stage_ends_with_its_result_and_its_time(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["stages/train.py", "baseline"])
    monkeypatch.chdir(ROOT)
    run_stage(lambda: "99.6 % right")
    assert re.fullmatch(r"train@baseline: 99.6 % right, ([0-9]+ min )?[0-9]+ s\n", capsys.readouterr().out)


def test_help_says_what_a_stage_reads_and_writes(tmp_path):
    command = [sys.executable, "-m", "stages.compare", "--help"]
    result = subprocess.run(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert result.returncode == 0
    assert result.stdout.startswith("Compares") and "Reads   metrics/RECIPE/predictions.csv" in result.stdout
