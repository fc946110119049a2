"""The README's figures are those of the committed metrics."""

import json
import statistics

import pytest
import yaml
from conftest import ROOT

README = (ROOT / "README.md").read_text()
RECIPES = yaml.safe_load((ROOT / "params.yaml").read_text())["train"]
COMPARISON = json.loads((ROOT / "metrics/comparison.json").read_text())


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_result_table(recipe):
    (row,) = [line for line in README.splitlines() if line.startswith(f"| `{recipe}`:")]
    figures, training = (json.loads((ROOT / f"metrics/{path}.json").read_text()) for path in (recipe, f"{recipe}/training"))
    weights = json.loads((ROOT / f"metrics/{recipe}/export.json").read_text())["weights_md5"]
    cells = [cell.strip() for cell in row.split("|")[3:-1]]
    assert cells == [
        f"**{figures['accuracy'] * 100:.2f} %**",
        f"{figures['accuracy_low'] * 100:.2f} - {figures['accuracy_high'] * 100:.2f}",
        str(figures["errors"]),
        "" if training["val_accuracy"] is None else f"{training['val_accuracy'] * 100:.2f} %",
        f"{training['seconds'] / 60:.0f} min",
        f"`{weights}`",
    ]


@pytest.mark.parametrize("pair", COMPARISON)
def test_the_comparisons(pair):
    first, second = pair.split("_vs_")
    figures = COMPARISON[pair]
    counts = f"{figures['only_first_wrong']} | {figures['only_second_wrong']} | {figures['both_wrong']}"
    assert f"| `{first}`, `{second}` | {counts} | {figures['p_value']} |" in README


def test_each_seed_alone():
    """The sentence on single networks of the champion, and what it says of their mean."""
    each = json.loads((ROOT / "metrics/champion.json").read_text())["one_network_one_view"].values()
    accuracies = [figures["accuracy"] * 100 for figures in each]
    mean, spread = statistics.mean(accuracies), statistics.stdev(accuracies)
    text = " ".join(README.split())
    assert f"{', '.join(f'{accuracy:.2f}' for accuracy in accuracies[:-1])} and {accuracies[-1]:.2f} %" in text
    assert f"mean {mean:.2f} %, standard deviation {spread:.2f} points" in text


def test_the_pipelines_graph_names_every_stage():
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    graph = README.split("```mermaid")[1].split("```")[0]
    assert all(stage in graph for stage in stages)
    assert all(f"train@{recipe}" in graph and f"evaluate@{recipe}" in graph for recipe in RECIPES)
