"""What a stage shows while it works, on a terminal and in a log."""

import io
import os
import pty
import sys

import pytest

from gtsrb.progress import Bar, format_duration, say


def test_in_a_log_a_bar_appears_once():
    log = io.StringIO()
    for _ in Bar(range(1204), desc="rendering signs", unit=" signs", file=log, mininterval=0):
        assert not log.getvalue()
    line = log.getvalue()
    assert line.startswith("rendering signs: 100%|") and "1204/1204" in line
    assert line.index("\n") == len(line) - 1 and "\r" not in line


def test_in_a_log_a_bar_that_is_stopped_says_how_far_it_came():
    log = io.StringIO()
    with pytest.raises(OSError), Bar(total=10, file=log) as bar:
        bar.update(3)
        raise OSError
    assert "3/10" in log.getvalue() and log.getvalue().count("\n") == 1


def test_on_a_terminal_a_bar_rewrites_itself():
    shown, (ours, its) = b"", pty.openpty()
    with open(its, "w") as terminal:  # noqa: PTH123
        for _ in Bar(range(3), file=terminal, mininterval=0):
            pass
        while b"\n" not in shown:
            shown += os.read(ours, 4096)
    os.close(ours)
    assert all(text in shown for text in (b"0/3", b"1/3", b"2/3", b"3/3"))
    assert shown.count(b"\r") >= 4 and shown.count(b"\n") == 1


@pytest.mark.parametrize(("arguments", "name"), [([], "compare"), (["baseline"], "compare@baseline")], ids=str)
def test_a_line_begins_with_the_name_of_the_stage(arguments, name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["/a folder/stages/compare.py", *arguments])
    say("3 pairs")
    assert capsys.readouterr().out == f"{name}: 3 pairs\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (1531, "25 min 31 s"), (3600, "1 h 0 min"), (7499, "2 h 4 min")],
)
def test_duration(seconds, text):
    assert format_duration(seconds) == text
