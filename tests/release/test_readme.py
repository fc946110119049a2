"""The README's figures are those of the committed metrics."""

import statistics
from itertools import combinations

import pytest
import yaml
from committed import read
from conftest import ROOT

README = (ROOT / "README.md").read_text()
RECIPES = yaml.safe_load((ROOT / "params.yaml").read_text())["train"]


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_result_table(recipe):
    figures, training, export = (read(path) for path in (recipe, f"{recipe}/training", f"{recipe}/export"))
    (row,) = [line for line in README.splitlines() if line.startswith(f"| `{recipe}`:")]
    cells = [cell.strip() for cell in row.split("|")[3:-1]]
    assert cells == [
        f"**{figures['accuracy'] * 100:.2f} %**",
        f"{figures['accuracy_low'] * 100:.2f} - {figures['accuracy_high'] * 100:.2f}",
        str(figures["errors"]),
        "" if training["val_accuracy"] is None else f"{training['val_accuracy'] * 100:.2f} %",
        f"{training['seconds'] / 60:.0f} min",
        f"`{export['weights_md5']}`",
    ]


@pytest.mark.parametrize(("first", "second"), list(combinations(RECIPES, 2)))
def test_the_comparisons(first, second):
    pairs = read("comparison")
    if f"{first}_vs_{second}" not in pairs:
        pytest.skip(f"metrics/comparison.json: {first} and {second} have not been compared")
    figures = pairs[f"{first}_vs_{second}"]
    counts = f"{figures['only_first_wrong']} | {figures['only_second_wrong']} | {figures['both_wrong']}"
    assert f"| `{first}`, `{second}` | {counts} | {figures['p_value']} |" in README


@pytest.mark.parametrize("recipe", [name for name, recipe in RECIPES.items() if recipe["members"] > 1])
def test_each_network_alone(recipe):
    """The sentence on the single networks of an ensemble, and what it says of their mean."""
    accuracies = [figures["accuracy"] * 100 for figures in read(recipe)["one_network_one_view"].values()]
    mean, spread = statistics.mean(accuracies), statistics.stdev(accuracies)
    text = " ".join(README.split())
    assert f"{', '.join(f'{accuracy:.2f}' for accuracy in accuracies[:-1])} and {accuracies[-1]:.2f} %" in text
    assert f"mean {mean:.2f} %, standard deviation {spread:.2f} points" in text


def test_the_pipelines_graph_names_every_stage():
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    graph = README.split("```mermaid")[1].split("```")[0]
    assert all(stage in graph for stage in stages)
    assert all(f"train@{recipe}" in graph and f"evaluate@{recipe}" in graph for recipe in RECIPES)
