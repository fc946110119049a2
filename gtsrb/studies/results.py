"""The lines of results of a study, in the CSV beside it, and what they are of."""

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from gtsrb.outputs import atomic_write
from gtsrb.studies.code_dependencies import code_dependencies, code_hash, file_hash
from gtsrb.studies.study import Run, git, short_hash

# From the raw data to predictions, with what these import ...
CODE = ("data/tables", "preprocessing/preprocess", "training/loop", "evaluation/test_time_augmentation")
# ... but for what decides no figure: how files are written, and the schemas whose values are in `params`.
NO_CODE = {
    Path(f"gtsrb/{name}.py")
    for name in ("outputs", "training/checkpoints", "config/preprocess", "config/augmentation", "config/evaluate")
}
KEYS = ["row", "fold", "seed"]
HASHES = ["params", "code", "revision"]


def deciding_modules(*names: str) -> set[Path]:
    """Files of these modules of gtsrb/ and of all that they import, less `NO_CODE`; called in the project's root."""
    return set[Path]().union(*(code_dependencies(Path(f"gtsrb/{name}.py")) for name in names)) - NO_CODE


def hash_code(raw: Iterable[Path], versions: str) -> str:
    """Hash of the modules that decide the figures, the files of raw data and the versions."""
    return short_hash(" ".join([code_hash(deciding_modules(*CODE)), versions, *map(file_hash, raw)]).encode())


def git_revision() -> str:
    """The commit of the workspace, with -dirty behind it where something is not committed; empty outside of Git."""
    return git("describe", "--always", "--dirty") or ""


def read_lines(path: Path) -> pd.DataFrame:
    """The lines of results in `path`, none if there is no such file. Hashes are text, also those of digits alone."""
    if not path.exists():
        return pd.DataFrame(columns=[*KEYS, *HASHES])
    return pd.read_csv(path, dtype=dict.fromkeys([*HASHES, "errors_by_track"], str))


def append_line(path: Path, line: Mapping[str, Any]) -> None:
    """Puts a line under those in `path`: the whole line or none."""
    before = path.read_text() if path.exists() else ""
    added = io.StringIO()
    pd.DataFrame([line]).to_csv(added, header=not before, index=False)
    with atomic_write(path) as beside:
        beside.write_text(before + added.getvalue())


def select_current(found: pd.DataFrame, runs: list[Run]) -> pd.DataFrame:
    """Those lines whose row has the params now that it had then."""
    now = {run.row: run.params for run in runs}
    return found[found["row"].map(now).eq(found["params"])]


def find_missing(found: pd.DataFrame, runs: list[Run], code: str) -> list[Run]:
    """The runs that have no line of their params and of this `code`."""
    own = select_current(found, runs)
    own = own[own["code"] == code]
    done = set(zip(own["row"], own["fold"].fillna(-1), own["seed"], strict=True))
    return [run for run in runs if (run.row, -1 if run.fold is None else run.fold, run.seed) not in done]
