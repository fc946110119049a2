"""Publishes exported networks, for `scripts.predict` and for clones of the project:  python -m scripts.publish RECIPE...

Reads   data/export/RECIPE/, params.yaml, dvc.lock, metrics/dataset.json, metrics/RECIPE/{training,export}.json
Writes  pretrained/RECIPE.onnx, pretrained/RECIPE_int8.{onnx,tflite}, pretrained/RECIPE.md (their card), and
        docs/published.md, a table of all published files; all to be committed

Publishes a network only if its metrics and params are committed and it was trained and exported with these params, and writes
the table only of files that are those measured.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from gtsrb.command_line import run
from gtsrb.config.load import read_params
from gtsrb.config.params import Params, load
from gtsrb.config.yaml_loader import read_yaml
from gtsrb.errors import InputError
from gtsrb.outputs import atomic_write
from gtsrb.serving import model_card
from gtsrb.serving.predictor import MODELS

PUBLISHED_TABLE = Path("docs/published.md")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.publish", description="Publishes exported networks.")
    parser.add_argument("recipes", nargs="+", metavar="RECIPE", help="a recipe of params.yaml that `dvc repro` has exported")
    params = load()
    names = parser.parse_args().recipes
    for name in names:
        check_publishable(name, list(params.train))
    for name in list_published(list(params.train)):
        if name not in names:
            check_published(name)
    for name in names:
        publish(name, params)
    write_table(list(params.train))


def check_publishable(name: str, recipes: list[str]) -> None:
    """Raises `InputError` unless data/export/ has this recipe's network, of the params of params.yaml, and the last commit has
    its metrics.
    """
    if name not in recipes:
        raise InputError(f"{name!r}: expected a recipe of params.yaml: {', '.join(recipes)}")
    folder, command = Path(f"data/export/{name}"), f"dvc repro export@{name}"
    if not folder.is_dir():
        raise InputError(f"{folder} not found; run `{command}` first")
    sources = ["params.yaml", "metrics/dataset.json", f"metrics/{name}/training.json", f"metrics/{name}/export.json"]
    status = subprocess.run(["git", "status", "--porcelain", "--", *sources], capture_output=True, text=True, check=False)
    if status.returncode:
        raise InputError(f"publishing needs a Git repository: {status.stderr.strip()}")
    if changed := [line[3:] for line in status.stdout.splitlines()]:
        raise InputError(f"{', '.join(changed)}: changed since the last commit; commit the run whose network you publish")
    if missing := [source for source in sources if not Path(source).is_file()]:
        raise InputError(f"{', '.join(missing)} not found; run `{command}` and commit the run")
    for stage in (f"train@{name}", f"export@{name}"):
        check_params(stage, f"run `{command}` and commit the run")
    for file, measured in read_metrics(f"{name}/export")["files"].items():
        check_file(folder / file, name, measured["md5"], f"run `{command}` and commit the run")


def check_params(stage: str, advice: str) -> None:
    """Raises `InputError` unless dvc.lock says that the stage ran with the values of params.yaml."""
    stages = read_yaml(Path("dvc.lock"))["stages"]
    if stage not in stages:
        raise InputError(f"dvc.lock has no {stage}, so its params are unknown; {advice}")
    content, changed = read_params(), []
    for key, value in stages[stage]["params"]["params.yaml"].items():
        current: Any = content
        for part in key.split("."):
            current = current.get(part) if isinstance(current, dict) else None
        if current != value:
            changed.append(key)
    if changed:
        raise InputError(f"params.yaml: {stage} ran with other values of {', '.join(changed)}; {advice}")


def list_published(recipes: list[str]) -> list[str]:
    """Those that have a card, whether they are published now or were before."""
    return [name for name in recipes if (MODELS / f"{name}.md").is_file()]


def check_published(name: str) -> None:
    """Raises `InputError` unless the files of a recipe that was published before are those that its metrics are of."""
    export = read_metrics(f"{name}/export")
    for file, suffix in model_card.PUBLISHED.items():
        check_file(MODELS / f"{name}{suffix}", name, export["files"][file]["md5"], f"publish {name}, too")


def check_file(path: Path, name: str, md5: str, advice: str) -> None:
    """Raises `InputError` unless the file is the one of this hash, which the metrics of recipe `name` are of."""
    found = f"has md5 {hashlib.md5(path.read_bytes()).hexdigest()}" if path.is_file() else "is missing"
    if found != f"has md5 {md5}":
        raise InputError(f"{path} {found}, metrics/{name}/export.json is of {md5}; {advice}")


def publish(name: str, params: Params) -> None:
    """Copies the files and writes their card."""
    recipe = params.train[name]
    card = model_card.render(
        name,
        recipe,
        params.preprocess[recipe.images],
        dataset=read_metrics("dataset"),
        training=read_metrics(f"{name}/training"),
        export=read_metrics(f"{name}/export"),
    )
    for file, suffix in model_card.PUBLISHED.items():
        with atomic_write(MODELS / f"{name}{suffix}") as temporary_path:
            shutil.copyfile(f"data/export/{name}/{file}", temporary_path)
    with atomic_write(MODELS / f"{name}.md") as temporary_path:
        temporary_path.write_text(card)
    print(f"{MODELS}/{name}.*, {MODELS}/{name}_int8.*: commit them")


def write_table(recipes: list[str]) -> None:
    """Of all published recipes."""
    exports = {name: read_metrics(f"{name}/export") for name in list_published(recipes)}
    with atomic_write(PUBLISHED_TABLE) as temporary_path:
        temporary_path.write_text(model_card.render_table(exports, read_metrics("dataset")))


def read_metrics(name: str) -> dict:
    return json.loads(Path(f"metrics/{name}.json").read_text())


if __name__ == "__main__":
    run(main)
