"""The README's figures are those of the committed metrics."""

import json

import pytest
import yaml
from conftest import ROOT

README = (ROOT / "README.md").read_text()
RECIPES = yaml.safe_load((ROOT / "params.yaml").read_text())["train"]


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_result_table(recipe):
    (row,) = [line for line in README.splitlines() if line.startswith(f"| `{recipe}`")]
    figures, training = (json.loads((ROOT / f"metrics/{path}.json").read_text()) for path in (recipe, f"{recipe}/training"))
    cells = [cell.strip() for cell in row.split("|")[3:-2]]
    assert cells == [
        f"**{figures['accuracy'] * 100:.2f} %**",
        f"{figures['accuracy_low'] * 100:.2f} - {figures['accuracy_high'] * 100:.2f}",
        str(figures["errors"]),
        f"{training['val_accuracy'] * 100:.2f} %",
        f"{training['seconds'] / 60:.0f} min",
    ]


def test_the_comparison():
    (pair,) = json.loads((ROOT / "metrics/comparison.json").read_text()).values()
    text = " ".join(README.split())
    assert (
        f"{pair['only_first_wrong']} images are wrong in `baseline` only, {pair['only_second_wrong']} in `augmented` only"
        in text
    )
    assert f"{pair['both_wrong']} in both; p = {pair['p_value']}" in text


def test_the_pipelines_graph_names_every_stage():
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    graph = README.split("```mermaid")[1].split("```")[0]
    assert all(stage in graph for stage in stages)
    assert all(f"train@{recipe}" in graph and f"evaluate@{recipe}" in graph for recipe in RECIPES)
