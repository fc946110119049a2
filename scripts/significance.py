"""Is the difference significant?  python -m scripts.significance [REV [OTHER]]

Compares the test predictions of each recipe at REV (a commit, branch or DVC experiment; HEAD by default) with those at OTHER
(the workspace by default): errors before and after, images won and lost, and the exact p-value of McNemar's test.
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
    parser = argparse.ArgumentParser(prog="python -m scripts.significance", description="Is the difference significant?")
    parser.add_argument("rev", nargs="?", default="HEAD", help="before: a commit, branch or experiment; HEAD by default")
    parser.add_argument("other", nargs="?", help="after: a commit, branch or experiment; the workspace by default")
    arguments = parser.parse_args()
    names = (arguments.rev, arguments.other or "the workspace")
    before, after = read_predictions(arguments.rev), read_predictions(arguments.other)
    recipes = [recipe for recipe in before if recipe in after]
    if not recipes:
        raise InputError(f"no recipe is in both: {names[0]} has {', '.join(before)}; {names[1]} has {', '.join(after)}")
    lines = [f"{name}: {describe(significance.compare(before[name], after[name], names))}" for name in recipes]
    print(*lines, sep="\n")
    print("The test assumes independent images; frames of one sign are not, so the true p-values are larger.")


def read_predictions(rev: str | None) -> dict[str, pd.DataFrame]:
    """The predictions of each recipe evaluated at `rev`; None is the workspace. Raises `InputError` if there are none."""
    place, tables = rev or "the workspace", {}
    try:
        files = DVCFileSystem(rev=rev)
        content = parse_yaml(files.read_text("params.yaml"))
        recipes = content.get("train") if isinstance(content, dict) else None
        if not isinstance(recipes, dict):
            raise InputError(f"{place}: params.yaml has no section `train`; expected its recipes; name another revision")
        for recipe in recipes:  # not metrics/*, which may have files of renamed recipes
            path = predictions.path(recipe).as_posix()
            if files.isfile(path):
                tables[recipe] = predictions.parse(files.read_text(path), f"{path} ({place})")
    except (OSError, DvcException, SCMError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{place}: cannot be read ({reason}); `dvc exp list` names the experiments") from None
    if not tables:
        raise InputError(
            f"{place} has no {predictions.path('RECIPE')}; name another revision, or run `dvc repro evaluate` there and commit"
        )
    return tables


def describe(pair: dict[str, float | int]) -> str:
    """The result of `mcnemar` in words."""
    won, lost, both, p = pair["only_first_wrong"], pair["only_second_wrong"], pair["both_wrong"], pair["p_value"]
    counts = f"{won + both} errors before, {lost + both} after; {won} images won, {lost} lost; p = {p:.2g}."
    if won + lost == 0:
        return f"{counts} The same images are right."
    if p < 0.05:
        return f"{counts} Significantly {'better' if won > lost else 'worse'} at the 5 % level."
    return f"{counts} Not significant at the 5 % level."


if __name__ == "__main__":
    run(main)
