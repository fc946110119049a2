"""The results of a study, one line per run in the CSV beside it, with hashes of the params and the code they belong to."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from gtsrb.outputs import atomic_write
from gtsrb.studies.code_dependencies import code_dependencies, code_hash, file_hash
from gtsrb.studies.study import Run, run_git, short_hash

# What leads from the raw data to predictions, with all that these modules import ...
CODE = ("data/tables", "preprocessing/preprocess", "training/loop", "studies/training")
# ... except what cannot change a result: how files are written, and what the hash of params covers.
NEUTRAL = {
    Path(f"gtsrb/{name}.py")
    for name in (
        "outputs",
        "training/checkpoints",
        "studies/study",
        "config/preprocess",
        "config/augmentation",
        "config/evaluate",
    )
}
KEYS = ["row", "fold", "seed"]
HASHES = ["params", "code", "revision"]


def find_modules(*names: str) -> set[Path]:
    """Files of these modules of gtsrb/ and of all that they import, without `NEUTRAL`; run in the project's root."""
    return set[Path]().union(*(code_dependencies(Path(f"gtsrb/{name}.py")) for name in names)) - NEUTRAL


def hash_code(raw: Iterable[Path], versions: str) -> str:
    """Hash of all that can change predictions besides params: the modules, the files of raw data and the versions."""
    return short_hash(" ".join([code_hash(find_modules(*CODE)), versions, *map(file_hash, raw)]).encode())


def git_revision() -> str:
    """The commit of the workspace, followed by -dirty if there are uncommitted changes; empty outside of Git."""
    return run_git("describe", "--always", "--dirty") or ""


def read_lines(path: Path) -> pd.DataFrame:
    """The lines of results in `path`, none if it does not exist: of a run that was repeated, such as for its errors without
    boxes, the last. Names and hashes are text, even if they are all digits.
    """
    if not path.exists():
        return pd.DataFrame(columns=[*KEYS, *HASHES])
    texts = dict.fromkeys(["row", *HASHES, "errors_by_track"], str)
    lines = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=[""])  # a row may be named null
    return lines.drop_duplicates([*KEYS, "params", "code"], keep="last")


def append_line(path: Path, line: Mapping[str, Any]) -> None:
    """Appends a line to `path` atomically. Columns that the lines before do not have, such as none, are empty in those."""
    before = pd.read_csv(path, dtype=str, keep_default_na=False) if path.exists() else pd.DataFrame()
    with atomic_write(path) as temporary_path:
        pd.concat([before, pd.DataFrame([line])]).to_csv(temporary_path, index=False)


def select_current(lines: pd.DataFrame, runs: list[Run]) -> pd.DataFrame:
    """The lines whose row still has the params that they were recorded with."""
    params = {run.row: run.params for run in runs}
    return lines[lines["row"].map(params).eq(lines["params"])]


def select_newest(lines: pd.DataFrame) -> pd.DataFrame:
    """The lines of the same code, data and versions as the last line; none of none."""
    return lines[lines["code"] == lines["code"].iloc[-1]] if len(lines) else lines


def find_missing(lines: pd.DataFrame, runs: list[Run], code: str, *, as_files: bool = False) -> list[Run]:
    """The runs without a line of their current params and of this `code`, with errors `as_files` if these are asked for."""
    valid = select_current(lines, runs)
    valid = valid[valid["code"] == code]
    if as_files:
        valid = valid[valid["errors_as_files"].notna()] if "errors_as_files" in valid else valid[:0]
    done = set(zip(valid["row"], valid["fold"].fillna(-1), valid["seed"], strict=True))
    return [run for run in runs if (run.row, -1 if run.fold is None else run.fold, run.seed) not in done]
