"""The figures of README.md and docs/results.md are those of the committed metrics."""

import re
import statistics

import pandas as pd
import pytest
import yaml
from conftest import ROOT
from release.committed import read

from gtsrb.reporting import panels
from gtsrb.studies import results, study

README, RESULTS = ((ROOT / name).read_text() for name in ("README.md", "docs/results.md"))
PARAMS = (ROOT / "params.yaml").read_text()
RECIPES = yaml.safe_load(PARAMS)["train"]
ENSEMBLES = [name for name, recipe in RECIPES.items() if recipe["members"] > 1]


def rows(text: str, start: str) -> list[list[str]]:
    """The cells of a table's rows that start so, without the first cell."""
    lines = [line for line in text.splitlines() if line.startswith(start)]
    return [[cell.strip() for cell in line.split("|")[2:-1]] for line in lines]


def percent(accuracy: float) -> str:
    return f"{accuracy * 100:.2f} %"


def duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_table_of_the_results(recipe):
    figures, training, export = (read(path) for path in (recipe, f"{recipe}/training", f"{recipe}/export"))
    (row,) = rows(RESULTS, f"| `{recipe}`:")
    assert row[1:] == [
        f"**{percent(figures['accuracy'])}**",
        f"{figures['accuracy_low'] * 100:.2f} - {figures['accuracy_high'] * 100:.2f}",
        str(figures["errors"]),
        "" if training["val_accuracy"] is None else percent(training["val_accuracy"]),
        duration(training["elapsed_seconds"]),
        f"`{export['weights_md5']}`",
    ]


@pytest.mark.parametrize("path", sorted(ROOT.glob("metrics/*/robustness.csv")), ids=lambda path: path.parent.name)
def test_the_table_of_robustness(path):
    section = RESULTS.split("\n## Robustness\n")[1].split("\n## ")[0]
    (row,) = rows(section, f"| `{path.parent.name}` |")
    measured = pd.read_csv(path)
    middle = measured[measured["level"].isin([0, 2])]
    assert row == [f"{accuracy * 100:.1f}" for accuracy in middle["accuracy"]]


def several(accuracies: list[float], errors: list[int]) -> list[str]:
    """The cells of a row of several networks: mean and standard deviation, n, and the mean number of errors."""
    mean, spread = statistics.mean(accuracies) * 100, statistics.stdev(accuracies) * 100
    return [f"{mean:.2f} ± {spread:.2f} %", str(len(accuracies)), f"{statistics.mean(errors):.1f}"]


def read_seeds(recipe: str) -> list[str]:
    """The same of the recipe's seeds in docs/seeds/; [] if there are none or one."""
    path = ROOT / f"docs/seeds/{recipe}.yaml"
    if not path.exists() or not path.with_suffix(".csv").exists():
        return []
    lines = results.read_lines(path.with_suffix(".csv"))
    lines = results.select_newest(results.select_current(lines, study.list_runs(study.read(path), PARAMS)))
    return several(list(lines["test_accuracy"]), list(lines["test_errors"])) if len(lines) > 1 else []


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_table_of_the_readme(recipe):
    """The recipe's seeds, or its one run; of an ensemble, one network in one view stands in the row before."""
    figures, training = read(recipe), read(f"{recipe}/training")
    *one_network, row = rows(README, f"| `{recipe}`:")
    cells = read_seeds(recipe) or [percent(figures["accuracy"]), "1", str(figures["errors"])]
    assert [cell.strip("*") for cell in row[1:]] == [*cells, duration(training["elapsed_seconds"])]
    if recipe in ENSEMBLES:
        alone = figures["one_network_one_view"].values()
        accuracies, errors = ([network[key] for network in alone] for key in ("accuracy", "errors"))
        assert one_network == [["", *several(accuracies, errors), duration(training["seconds"] / len(alone))]]
    else:
        assert not one_network


def test_the_comparisons():
    """Those of the table, in which each recipe stands at least once."""
    pairs, named = read("comparison"), set()
    for line in re.findall(r"^\| (`\w+`, `\w+`) \| (.*) \|$", RESULTS, re.MULTILINE):
        first, second = re.findall(r"\w+", line[0])
        figures = pairs[f"{first}_vs_{second}"]
        counts = f"{figures['only_first_wrong']} | {figures['only_second_wrong']} | {figures['both_wrong']}"
        assert line[1] == f"{counts} | {figures['p_value']:.2g}"
        named |= {first, second}
    assert named == set(RECIPES)


@pytest.mark.parametrize("recipe", ENSEMBLES)
def test_each_network_alone(recipe):
    """The sentence on the single networks of an ensemble, and what it says of their mean."""
    accuracies = [figures["accuracy"] * 100 for figures in read(recipe)["one_network_one_view"].values()]
    mean, spread = statistics.mean(accuracies), statistics.stdev(accuracies)
    text = " ".join(RESULTS.split())
    assert f"{', '.join(f'{accuracy:.2f}' for accuracy in accuracies[:-1])} and {accuracies[-1]:.2f} %" in text
    assert f"mean {mean:.2f} %, standard deviation {spread:.2f} points" in text


def test_the_report_takes_the_committed_metrics(monkeypatch):
    """Its tables of numbers; the plots also need predictions, which are not in Git."""
    monkeypatch.chdir(ROOT)
    recipes = [name for name in RECIPES if (ROOT / f"metrics/{name}/export.json").is_file()]
    for panel in (panels.results, panels.exports):
        html = panel(recipes)
        assert html.count("<tr") == 1 + len(recipes) and "is missing" not in html
    assert "<tr" in panels.comparison()
