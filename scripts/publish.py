"""Publishes exported networks, for `scripts.predict` and for clones of the project:  python -m scripts.publish RECIPE...

Reads   data/export/RECIPE.onnx, params.yaml, metrics/dataset.json, metrics/RECIPE/{training,export}.json
Writes  pretrained/RECIPE.onnx, pretrained/RECIPE.md (its model card), both to be committed

Publishes a network only if its metrics and params are committed. Measures the latency here, since it differs from run to run.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

from gtsrb.command_line import run
from gtsrb.config.params import Params, load
from gtsrb.device import cpu_name
from gtsrb.errors import InputError
from gtsrb.outputs import atomic_write
from gtsrb.serving import export, model_card
from gtsrb.serving.predictor import MODELS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.publish", description="Publishes exported networks.")
    parser.add_argument("recipes", nargs="+", metavar="RECIPE", help="a recipe of params.yaml that `dvc repro` has exported")
    params = load()
    names = parser.parse_args().recipes
    for name in names:
        check_publishable(name, list(params.train))
    for name in names:
        publish(name, params)


def check_publishable(name: str, recipes: list[str]) -> None:
    """Raises `InputError` unless data/export/ has this recipe's network and the last commit has its metrics."""
    if name not in recipes:
        raise InputError(f"{name!r}: expected a recipe of params.yaml: {', '.join(recipes)}")
    network, command = Path(f"data/export/{name}.onnx"), f"dvc repro export@{name}"
    if not network.is_file():
        raise InputError(f"{network} not found; run `{command}` first")
    sources = ["params.yaml", "metrics/dataset.json", f"metrics/{name}/training.json", f"metrics/{name}/export.json"]
    status = subprocess.run(["git", "status", "--porcelain", "--", *sources], capture_output=True, text=True, check=False)
    if status.returncode:
        raise InputError(f"publishing needs a Git repository: {status.stderr.strip()}")
    if changed := [line[3:] for line in status.stdout.splitlines()]:
        raise InputError(f"{', '.join(changed)}: changed since the last commit; commit the run whose network you publish")
    if missing := [source for source in sources if not Path(source).is_file()]:
        raise InputError(f"{', '.join(missing)} not found; run `{command}` and commit the run")
    found, expected = hashlib.md5(network.read_bytes()).hexdigest(), read_metrics(f"{name}/export")["onnx_md5"]
    if found != expected:
        raise InputError(f"{network} has md5 {found}, {sources[-1]} is of {expected}; run `{command}` and commit the run")


def publish(name: str, params: Params) -> None:
    """Copies the network and writes its model card."""
    source, path = Path(f"data/export/{name}.onnx"), MODELS / f"{name}.onnx"
    recipe = params.train[name]
    card = model_card.render(
        name,
        recipe,
        params.preprocess[recipe.images],
        dataset=read_metrics("dataset"),
        training=read_metrics(f"{name}/training"),
        export=read_metrics(f"{name}/export"),
        latency_ms=export.measure_latency(source),
        device=cpu_name(),
    )
    with atomic_write(path) as temporary_path:
        shutil.copyfile(source, temporary_path)
    with atomic_write(path.with_suffix(".md")) as temporary_path:
        temporary_path.write_text(card)
    print(f"{path} and {path.with_suffix('.md')}: commit them")


def read_metrics(name: str) -> dict:
    return json.loads(Path(f"metrics/{name}.json").read_text())


if __name__ == "__main__":
    run(main)
