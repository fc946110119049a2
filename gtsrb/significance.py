"""Is a difference noise?  python -m gtsrb.significance [REV [OTHER]]

Compares the test predictions of each recipe at REV (a commit, branch or DVC experiment; HEAD if none is given) with those of
OTHER, or of the workspace: errors before and after, images won and lost, the exact p-value of McNemar's test, and a sentence.
"""

import argparse
import io
from pathlib import Path

import dvc.api
import numpy as np
import yaml
from dvc.exceptions import DvcException
from scmrepo.exceptions import SCMError

from gtsrb import tables
from gtsrb.errors import InputError, run
from gtsrb.metrics import mcnemar

TEST = "data/raw/test.parquet"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m gtsrb.significance", description="Is a difference noise?")
    parser.add_argument("rev", nargs="?", default="HEAD", help="what came before: a commit, a branch, an experiment")
    parser.add_argument("other", nargs="?", help="what came after; the workspace if it is not given")
    arguments = parser.parse_args()
    before, after = outputs(arguments.rev), outputs(arguments.other)
    if before[TEST] != after[TEST]:
        raise InputError(f"{TEST} is not the same in both; predictions can be compared on the same test images alone")
    labels = tables.read(Path(TEST), ["class_id"])["class_id"].to_numpy()
    paths = sorted(path for path in before.keys() & after.keys() if path.startswith("data/predictions/"))
    if not paths:
        raise InputError("no recipe has predictions in both; run `dvc repro`")
    for path in paths:
        first, second = (predictions(path, rev) for rev in (arguments.rev, arguments.other))
        print(f"{Path(path).stem}: {sentence(mcnemar(labels, first, second))}")
    print("Frames of one sign are not independent, which the test takes them for: real p-values are larger.")


def outputs(rev: str | None) -> dict[str, str]:
    """Path and md5 of every output in dvc.lock of `rev`, of the workspace for None. Raises `InputError`."""
    try:
        lock = Path("dvc.lock").read_text() if rev is None else dvc.api.read("dvc.lock", rev=rev)
    except (OSError, DvcException, SCMError) as error:
        raise InputError(
            f"{rev or 'the workspace'}: no dvc.lock found ({error}); `dvc exp list` names the experiments"
        ) from None
    stages = yaml.safe_load(lock)["stages"].values()
    return {out["path"]: out["md5"] for stage in stages for out in stage.get("outs", [])}


def predictions(path: str, rev: str | None) -> np.ndarray:
    """(n,) predicted classes of the test images at `rev`. Raises `InputError`."""
    try:
        content = Path(path).read_bytes() if rev is None else dvc.api.read(path, rev=rev, mode="rb")
    except (OSError, DvcException) as error:
        raise InputError(f"{path} at {rev or 'the workspace'} is not in the cache ({error}); `dvc pull` it or run it") from None
    return np.load(io.BytesIO(content)).argmax(axis=1)


def sentence(pair: dict) -> str:
    """What `mcnemar` counted, in words."""
    won, lost, both, p = pair["only_first_wrong"], pair["only_second_wrong"], pair["both_wrong"], pair["p_value"]
    counts = f"{won + both} errors before, {lost + both} after; {won} images won, {lost} lost; p = {p:.2g}."
    if won + lost == 0:
        return f"{counts} The same predictions, as far as right and wrong go."
    if p < 0.05:
        return f"{counts} Chance alone would rarely do this: it is {'better' if won > lost else 'worse'}."
    return f"{counts} Chance alone does as much: do not believe in a difference."


if __name__ == "__main__":
    run(main)
