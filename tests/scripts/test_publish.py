"""Publishing: only a network whose metrics are committed, whole or not at all, with a card of both accuracies."""

import hashlib
import shutil
import subprocess

import pytest
from conftest import ROOT
from small_models import save_model

from gtsrb.config.params import load
from gtsrb.errors import InputError
from gtsrb.outputs import write_json
from scripts import publish

ACCURACY = {"accuracy": 0.95, "accuracy_low": 0.9, "accuracy_high": 0.98}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A committed run of `baseline`."""
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(ROOT / "params.yaml", "params.yaml")
    network = tmp_path / "data/export/baseline.onnx"
    save_model(network, load().preprocess["equalized"], ["stop", "yield", "no entry"])
    write_json(tmp_path / "metrics/dataset.json", {"source": "gtsrb", "classes": 3, "test_images": 60})
    write_json(tmp_path / "metrics/baseline/training.json", {"train_images": 100, "parameters": 1000})
    figures = {
        "with_boxes": ACCURACY | {"errors": 3},
        "as_files": ACCURACY | {"accuracy": 0.9, "errors": 6},
        "most_often_missed": {"stop": 0.5},
        "seed": 0,
        "weights_md5": "0" * 32,
        "weights_precision": "float16",
        "onnx_md5": hashlib.md5(network.read_bytes()).hexdigest(),
        "onnx_bytes": network.stat().st_size,
        "parity_images": 60,
        "max_abs_difference": 1e-5,
        "unsure_below": 0.9,
    }
    write_json(tmp_path / "metrics/baseline/export.json", figures)
    (tmp_path / ".gitignore").write_text("/data/\n")
    git("init", "--quiet")
    commit()
    return tmp_path


def git(*arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=test", "-c", "user.email=test@localhost", *arguments], check=True)


def commit() -> None:
    git("add", "--all")
    git("commit", "--quiet", "--message", "A run")


def published(monkeypatch, *recipes: str) -> None:
    monkeypatch.setattr("sys.argv", ["publish", *recipes])
    publish.main()


def test_the_file_and_its_card(run, monkeypatch):
    published(monkeypatch, "baseline")
    assert (run / "pretrained/baseline.onnx").read_bytes() == (run / "data/export/baseline.onnx").read_bytes()
    card = (run / "pretrained/baseline.md").read_text()
    assert "| accuracy with the box around the sign | **95.00%**, 3 errors, 95 % interval 90.00% to 98.00% |" in card
    assert "| accuracy as files: whole pictures, no box | **90.00%**, 6 errors, " in card
    assert "ms an image on one core" in card


@pytest.mark.parametrize("path", ["params.yaml", "metrics/dataset.json", "metrics/baseline/export.json"])
def test_what_is_not_committed_is_named(run, monkeypatch, path):
    (run / path).write_text((run / path).read_text() + "\n")
    with pytest.raises(InputError, match=rf"^{path}: not as in the last commit; commit the run"):
        published(monkeypatch, "baseline")
    assert not (run / "pretrained").exists()


def test_a_network_of_another_run_is_refused(run, monkeypatch):
    save_model(run / "data/export/baseline.onnx", load().preprocess["equalized"], ["stop", "yield", "other"])
    with pytest.raises(InputError, match=r"^data/export/baseline.onnx has md5 \w+, metrics/baseline/export.json is of \w+; "):
        published(monkeypatch, "baseline")


def test_one_that_cannot_be_published_keeps_back_the_others(run, monkeypatch):
    with pytest.raises(InputError, match=r"^data/export/augmented.onnx not found; run `dvc repro export@augmented` first$"):
        published(monkeypatch, "baseline", "augmented")
    with pytest.raises(InputError, match=r"^'nobody': expected a recipe of params.yaml: baseline, "):
        published(monkeypatch, "baseline", "nobody")
    assert not (run / "pretrained").exists()


def test_a_run_without_metrics_is_refused(run, monkeypatch):
    (run / "metrics/baseline/training.json").unlink()
    commit()
    with pytest.raises(InputError, match=r"^metrics/baseline/training.json not found; run "):
        published(monkeypatch, "baseline")
