"""Publishes exported networks, for `scripts.predict` and for who clones the project:  python -m scripts.publish RECIPE...

Reads   data/export/RECIPE.onnx, and of the last commit params.yaml, metrics/dataset.json, metrics/RECIPE/{training,export}.json
Writes  pretrained/RECIPE.onnx, pretrained/RECIPE.md (its model card), both for Git

Takes a network only if the committed metrics are its own. Latency is measured here, since it differs from run to run.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np

from gtsrb.command_line import run
from gtsrb.config import params
from gtsrb.device import cpu_name
from gtsrb.errors import InputError
from gtsrb.outputs import atomic_write
from gtsrb.serving import export, model_card
from gtsrb.serving.predictor import MODELS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.publish", description="Publishes exported networks.")
    parser.add_argument("recipes", nargs="+", metavar="RECIPE", help="a recipe of params.yaml that `dvc repro` has exported")
    everything = params.load()
    names = parser.parse_args().recipes
    for name in names:
        check(name, list(everything.train))
    for name in names:
        publish(name, everything)


def check(name: str, known: list[str]) -> None:
    """Raises `InputError` unless data/export/ has this recipe's network and the last commit its metrics."""
    if name not in known:
        raise InputError(f"{name!r}: expected a recipe of params.yaml: {', '.join(known)}")
    network, command = Path(f"data/export/{name}.onnx"), f"dvc repro export@{name}"
    if not network.is_file():
        raise InputError(f"{network} not found; run `{command}` first")
    sources = ["params.yaml", "metrics/dataset.json", f"metrics/{name}/training.json", f"metrics/{name}/export.json"]
    status = subprocess.run(["git", "status", "--porcelain", "--", *sources], capture_output=True, text=True, check=False)
    if status.returncode:
        raise InputError(f"publishing needs Git: {status.stderr.strip()}")
    if changed := [line[3:] for line in status.stdout.splitlines()]:
        raise InputError(f"{', '.join(changed)}: not as in the last commit; commit the run whose network is to be published")
    if missing := [source for source in sources if not Path(source).is_file()]:
        raise InputError(f"{', '.join(missing)} not found; run `{command}` and commit the run")
    found, measured = hashlib.md5(network.read_bytes()).hexdigest(), read(f"{name}/export")["onnx_md5"]
    if found != measured:
        raise InputError(f"{network} has md5 {found}, {sources[-1]} is of {measured}; run `{command}` and commit the run")


def publish(name: str, everything: params.Params) -> None:
    """Copies the network and writes its card."""
    source, path = Path(f"data/export/{name}.onnx"), MODELS / f"{name}.onnx"
    recipe = everything.train[name]
    variant = everything.preprocess[recipe.images]
    image = np.zeros((variant.size, variant.size, variant.channels), variant.dtype)  # any takes the same time
    text = model_card.text(
        name,
        recipe,
        variant,
        dataset=read("dataset"),
        training=read(f"{name}/training"),
        export=read(f"{name}/export"),
        latency_ms=export.measure_latency(source, image),
        device=cpu_name(),
    )
    with atomic_write(path) as beside:
        shutil.copyfile(source, beside)
    with atomic_write(path.with_suffix(".md")) as beside:
        beside.write_text(text)
    print(f"{path} and {path.with_suffix('.md')}: commit them")


def read(name: str) -> dict:
    return json.loads(Path(f"metrics/{name}.json").read_text())


if __name__ == "__main__":
    run(main)
