"""The results of a study: the hash of code, and which runs have a line."""

import shutil
from pathlib import Path

import pytest
from conftest import ROOT
from example_study import CONTENT, PARAMS, line_of

from gtsrb.errors import InputError
from gtsrb.studies import results, study, study_table
from gtsrb.studies.study import Study


@pytest.mark.parametrize(
    ("file", "old", "new", "same"),
    [
        ("gtsrb/command_line.py", "error: ", "fault: ", True),  # plumbing
        ("gtsrb/training/checkpoints.py", "16]", "17]", True),
        ("gtsrb/reporting/plots.py", '"font.size": 9', '"font.size": 10', True),  # not imported
        ("gtsrb/augmentation/augment.py", '"""Random changes', '"""Other words', True),  # a docstring
        ("gtsrb/training/optimizers.py", "\nimport", "\n# a comment\n\nimport", True),
        ("gtsrb/augmentation/geometric.py", "< 0.5", "< 0.4", False),
        ("gtsrb/preprocessing/preprocess.py", "/ 255", "/ 256", False),
        ("gtsrb/config/train.py", "generate_state(1)", "generate_state(2)", False),
    ],
)
def test_what_the_hash_of_code_covers(tmp_path, monkeypatch, file, old, new, same):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "gtsrb", "gtsrb", ignore=shutil.ignore_patterns("__pycache__"))
    raw = tmp_path / "train.parquet"
    raw.write_bytes(b"1")
    before = results.hash_code([raw], "Keras 3")
    text = Path(file).read_text()
    assert old in text
    Path(file).write_text(text.replace(old, new, 1))
    assert (results.hash_code([raw], "Keras 3") == before) == same


def test_the_hash_of_code_covers_data_and_versions(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    raw = tmp_path / "train.parquet"
    raw.write_bytes(b"1")
    before = results.hash_code([raw], "Keras 3")
    assert before == results.hash_code([raw], "Keras 3") != results.hash_code([raw], "Keras 4")
    raw.write_bytes(b"2")
    assert before != results.hash_code([raw], "Keras 3")
    with pytest.raises(InputError, match=r"train.parquet not found; run `dvc repro ingest`"):
        results.hash_code([tmp_path / "none/train.parquet"], "Keras 3")
    with pytest.raises(IsADirectoryError):  # a fault that no stage mends
        results.hash_code([tmp_path], "Keras 3")


def test_runs_with_a_line_are_not_missing(tmp_path):
    """A line of other code or other params does not count; hashes that are all digits stay text."""
    file, runs = tmp_path / "study.csv", study.list_runs(Study.model_validate(CONTENT), PARAMS)
    assert results.find_missing(results.read_lines(file), runs, "0123") == runs
    for run, params, code in (
        (runs[0], runs[0].params, "0123"),
        (runs[1], runs[1].params, "4567"),
        (runs[2], "00", "0123"),
    ):
        results.append_line(file, line_of(run.row, run.fold, run.seed, {}) | {"params": params, "code": code})
    lines = results.read_lines(file)
    assert lines["code"].tolist() == ["0123", "4567", "0123"]
    assert results.find_missing(lines, runs, "0123") == runs[1:]
    assert results.find_missing(lines, runs, "0123", as_files=True) == runs  # no line has these errors
    assert results.find_missing(lines.assign(errors_as_files=0), runs, "0123", as_files=True) == runs[1:]
    assert len(results.select_current(lines, runs)) == 2


def test_of_a_run_that_is_repeated_the_last_line_counts(tmp_path):
    """Such as for its errors as files; so every seed still has each fold once, and the table a range."""
    file, runs = tmp_path / "study.csv", study.list_runs(Study.model_validate(CONTENT), PARAMS)
    for more in ({}, {"errors_as_files": 3}):
        for run in results.find_missing(results.read_lines(file), runs, "0123", as_files=bool(more)):
            line = line_of(run.row, run.fold, run.seed, {1: 2})
            results.append_line(file, line | {"params": run.params, "code": "0123"} | more)
    lines = results.select_newest(results.select_current(results.read_lines(file), runs))
    assert lines["errors_as_files"].tolist() == [3] * len(runs)
    table = study_table.summarize(lines, list(CONTENT["rows"]))
    assert table["runs"].tolist() == [4, 4] and table["low"].tolist() == [98, 98] and table["verdict"].tolist() == ["", "tie"]
    results.append_line(file, line_of("base", None, 0, {}))
    results.append_line(file, line_of("base", None, 0, {1: 1}))  # without a fold, as a study of the test set has it
    assert len(results.read_lines(file)) == len(runs) + 1


def test_rows_may_be_named_by_numbers(tmp_path):
    file = tmp_path / "study.csv"
    for row in ("32", "NA"):
        results.append_line(file, line_of(row, 0, 0, {}))
    assert results.read_lines(file)["row"].tolist() == ["32", "NA"]
