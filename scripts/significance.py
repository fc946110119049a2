"""Is a difference noise?  python -m scripts.significance [REV [OTHER]]

Compares the test predictions of each recipe at REV (a commit, branch or DVC experiment; HEAD if none is given) with those of
OTHER, or of the workspace: errors before and after, images won and lost, the exact p-value of McNemar's test, and a sentence.
"""

import argparse

import pandas as pd
import yaml
from dvc.api import DVCFileSystem
from dvc.exceptions import DvcException
from scmrepo.exceptions import SCMError

from gtsrb.command_line import run
from gtsrb.config.yaml_loader import parse_yaml
from gtsrb.errors import InputError
from gtsrb.evaluation import predictions, significance


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.significance", description="Is a difference noise?")
    parser.add_argument("rev", nargs="?", default="HEAD", help="what came before: a commit, a branch, an experiment")
    parser.add_argument("other", nargs="?", help="what came after; the workspace if it is not given")
    arguments = parser.parse_args()
    names = (arguments.rev, arguments.other or "the workspace")
    before, after = tables(arguments.rev), tables(arguments.other)
    recipes = [recipe for recipe in before if recipe in after]
    if not recipes:
        raise InputError(f"no recipe is in both: {names[0]} has {', '.join(before)}; {names[1]} has {', '.join(after)}")
    lines = [f"{name}: {sentence(significance.compare(before[name], after[name], names))}" for name in recipes]
    print(*lines, sep="\n")
    print("Frames of one sign are not independent, which the test takes them for: real p-values are larger.")


def tables(rev: str | None) -> dict[str, pd.DataFrame]:
    """The predictions of each recipe that has been tested at `rev`, in the workspace for None. Raises `InputError`."""
    where, found = rev or "the workspace", {}
    try:
        files = DVCFileSystem(rev=rev)
        recipes = parse_yaml(files.read_text("params.yaml"))["train"]  # a renamed one may have left a file behind
        for recipe in recipes:
            path = predictions.path(recipe).as_posix()
            if files.isfile(path):
                found[recipe] = predictions.parse(files.read_text(path), f"{path} ({where})")
    except (OSError, DvcException, SCMError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{where}: cannot be read ({reason}); `dvc exp list` names the experiments") from None
    if not found:
        raise InputError(
            f"{where} has no {predictions.path('RECIPE')}; name another revision, or run `dvc repro evaluate` there and commit"
        )
    return found


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
