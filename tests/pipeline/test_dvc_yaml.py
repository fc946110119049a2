"""dvc.yaml, compared with the code and params.yaml."""

import ast
import importlib
import re
import sys
from pathlib import Path

import pytest
import yaml
from dvc.dependency.param import ParamsDependency
from dvc.repo import Repo
from small_project import PARAMS, ROOT

from gtsrb.errors import InputError
from gtsrb.studies.code_dependencies import code_dependencies

PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text())
STAGES = {name: stage.get("do", stage) for name, stage in PIPELINE["stages"].items()}
RECIPES = PARAMS["train"]
CROSS_VALIDATED = PARAMS["crossvalidate"]


@pytest.mark.parametrize("name", STAGES)
def test_code_dependencies_are_the_imports(name, monkeypatch):
    """Each is a module that the stage imports or a subpackage of which it imports at least half; together they cover all."""
    monkeypatch.chdir(ROOT)
    imported = code_dependencies(Path(f"stages/{name}.py"))
    dependencies = [Path(path) for path in STAGES[name]["deps"] if path.startswith(("stages/", "gtsrb/"))]
    covered = {path: {path} if path.is_file() else list_modules(path) for path in dependencies}
    assert imported <= set().union(*covered.values())
    for path, files in covered.items():
        assert 2 * len(files & imported) >= len(files), path
    assert sum(len(files & imported) for files in covered.values()) == len(imported), "a module is covered twice"


def list_modules(package: Path) -> set[Path]:
    return set(package.rglob("*.py")) - set(package.rglob("__init__.py"))


def test_init_files_have_only_a_docstring():
    """A stage that depends on single files of a subpackage does not depend on its __init__.py."""
    for path in ROOT.glob("gtsrb/*/__init__.py"):
        (docstring,) = ast.parse(path.read_text()).body
        assert isinstance(docstring, ast.Expr), path


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_runs_its_file_and_has_a_description(name):
    assert STAGES[name]["cmd"].split()[:3] == ["python", "-m", f"stages.{name}"]
    assert STAGES[name]["desc"]


def test_code_dependencies_are_found_in_every_form_of_import(tmp_path, monkeypatch):
    """Direct and indirect ones, and no others."""
    monkeypatch.chdir(tmp_path)
    for path, text in {
        "stages/a.py": "import numpy\nfrom gtsrb import b\nimport gtsrb.c\n",
        "gtsrb/b.py": "def f():\n    from gtsrb.d import x\n",
        "gtsrb/c.py": "",
        "gtsrb/d.py": "",
        "gtsrb/e.py": "",
    }.items():
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text(text)
    dependencies = {path.as_posix() for path in code_dependencies(Path("stages/a.py"))}
    assert dependencies == {"stages/a.py", "gtsrb/b.py", "gtsrb/c.py", "gtsrb/d.py"}


def test_every_recipe_has_its_lines_in_dvc_yaml():
    """In the sections without `foreach`; a recipe that is missing there would not be plotted or compared."""
    plots = {name: plot["y"] for entry in PIPELINE["plots"] for name, plot in entry.items() if name != "test_images"}
    assert set(plots) == {"accuracy", "loss", "learning_rate", "robustness"}
    for recipe in RECIPES:
        assert PIPELINE["artifacts"][recipe]["path"] == f"models/{recipe}"
        assert {"desc", "type", "labels"} <= PIPELINE["artifacts"][recipe].keys()
        assert f"metrics/{recipe}/predictions.csv" in STAGES["compare"]["deps"]
        for name, files in plots.items():
            assert f"metrics/{recipe}/{'robustness' if name == 'robustness' else 'history'}.csv" in files
    exported = PIPELINE["stages"]["export"]["foreach"]
    assert exported == {
        recipe: {"images": f"${{train.{recipe}.images}}", "thresholds_from": f"${{export.thresholds_from.{recipe}}}"}
        for recipe in RECIPES
    }
    foreach = PIPELINE["stages"]["crossvalidate"]["foreach"]
    assert foreach == {recipe: f"${{train.{recipe}}}" for recipe in CROSS_VALIDATED}


def test_a_recipes_stages_read_nothing_of_another_recipe():
    """So that an edit of one recipe trains, evaluates and exports only that recipe; the threshold of exports aside."""
    stages = {stage.addressing: stage for stage in Repo(ROOT).index.stages}
    recipe_stages = {"train", "evaluate", "robustness", "export"}
    cross_validation = {"crossvalidate", "out_of_fold"}
    assert {name.split("@")[0] for name in stages if name.split("@")[-1] in RECIPES} == recipe_stages | cross_validation
    for recipe in RECIPES:
        for name in recipe_stages | (cross_validation if recipe in CROSS_VALIDATED else set()):
            inputs = set()
            for dep in stages[f"{name}@{recipe}"].deps:
                inputs |= set(dep.params) if isinstance(dep, ParamsDependency) else {dep.def_path}
            if name == "export":
                inputs.remove(f"metrics/{PARAMS['export']['thresholds_from'][recipe]}/out_of_fold.json")
            owners = {part for path in inputs for part in re.split(r"[/.]", path)} & set(RECIPES)
            assert owners == {recipe}, name
            parts = {part for path in inputs for part in re.split(r"[/.]", path)}
            assert ("test" in parts) == (name in {"evaluate", "robustness", "export"}), name
            assert not inputs & {"models", "train", "evaluate", "preprocess", "data/predictions", "metrics"}


def test_every_plot_has_a_title_and_labels():
    plots = [*PIPELINE["plots"], *(plot for stage in STAGES.values() for plot in stage.get("plots", []))]
    for plot in plots:
        (settings,) = plot.values()
        assert {"title", "x_label", "y_label"} <= settings.keys(), plot


def test_every_stage_has_the_run_cache():
    """DVC has none for a stage with an uncached output that is neither a metric nor a plot."""
    assert not [name for name, stage in STAGES.items() for out in stage.get("outs", []) if isinstance(out, dict)]


@pytest.mark.parametrize("stage", [name for name, stage in PIPELINE["stages"].items() if "foreach" in stage])
def test_an_unknown_name_is_one_line(stage, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", [stage, "nobody"])
    kind = {"preprocess": "variant", "render": "set", "preprocess_synthetic": "set"}.get(stage, "recipe")
    sections = {"preprocess_synthetic": "render", "out_of_fold": "crossvalidate"}
    sections |= {name: name for name in ("preprocess", "render", "crossvalidate")}
    known = PARAMS[sections.get(stage, "train")]
    with pytest.raises(InputError) as error:
        importlib.import_module(f"stages.{stage}").main()
    assert str(error.value) == f"the command line has 'nobody'; expected one {kind} of params.yaml: {', '.join(known)}"
