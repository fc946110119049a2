"""Publishing: only networks whose metrics are committed, all or none, each with a card that has both accuracies."""

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
    metrics = {
        "with_boxes": ACCURACY | {"errors": 3},
        "as_files": ACCURACY | {"accuracy": 0.9, "errors": 6},
        "most_often_missed": {"stop": 0.5},
        "seed": 0,
        "weights_md5": "0" * 32,
        "weights_precision": "float16",
        "onnx_md5": hashlib.md5(network.read_bytes()).hexdigest(),
        "onnx_bytes": network.stat().st_size,
        "parity": {"images": 60, "keras_max_abs_difference": 1e-5, "input_max_difference": 1.0},
        "unsure_below": 0.999612,
    }
    write_json(tmp_path / "metrics/baseline/export.json", metrics)
    (tmp_path / ".gitignore").write_text("/data/\n")
    git("init", "--quiet")
    commit()
    return tmp_path


def git(*arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=test", "-c", "user.email=test@localhost", *arguments], check=True)


def commit() -> None:
    git("add", "--all")
    git("commit", "--quiet", "--message", "A run")


def run_publish(monkeypatch, *recipes: str) -> None:
    monkeypatch.setattr("sys.argv", ["publish", *recipes])
    publish.main()


def test_the_network_is_copied_and_its_card_written(run, monkeypatch):
    run_publish(monkeypatch, "baseline")
    assert (run / "pretrained/baseline.onnx").read_bytes() == (run / "data/export/baseline.onnx").read_bytes()
    card = (run / "pretrained/baseline.md").read_text()
    assert "| accuracy with boxes around the signs | **95.00%**, 3 errors, 95 % interval 90.00% to 98.00% |" in card
    assert "| accuracy on whole files, without boxes | **90.00%**, 6 errors, " in card
    assert "ms per picture of 48 x 48 pixels on one core" in card
    assert "Below a probability of 99.96% a prediction is" in card


@pytest.mark.parametrize("path", ["params.yaml", "metrics/dataset.json", "metrics/baseline/export.json"])
def test_a_file_changed_since_the_last_commit_is_named(run, monkeypatch, path):
    (run / path).write_text((run / path).read_text() + "\n")
    with pytest.raises(InputError, match=rf"^{path}: changed since the last commit; commit the run"):
        run_publish(monkeypatch, "baseline")
    assert not (run / "pretrained").exists()


def test_a_network_of_another_run_is_refused(run, monkeypatch):
    save_model(run / "data/export/baseline.onnx", load().preprocess["equalized"], ["stop", "yield", "other"])
    with pytest.raises(InputError, match=r"^data/export/baseline.onnx has md5 \w+, metrics/baseline/export.json is of \w+; "):
        run_publish(monkeypatch, "baseline")


def test_if_one_network_cannot_be_published_none_is(run, monkeypatch):
    with pytest.raises(InputError, match=r"^data/export/augmented.onnx not found; run `dvc repro export@augmented` first$"):
        run_publish(monkeypatch, "baseline", "augmented")
    with pytest.raises(InputError, match=r"^'nobody': expected a recipe of params.yaml: baseline, "):
        run_publish(monkeypatch, "baseline", "nobody")
    assert not (run / "pretrained").exists()


def test_a_run_without_metrics_is_refused(run, monkeypatch):
    (run / "metrics/baseline/training.json").unlink()
    commit()
    with pytest.raises(InputError, match=r"^metrics/baseline/training.json not found; run "):
        run_publish(monkeypatch, "baseline")
