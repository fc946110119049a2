"""Publishing: only networks whose metrics are committed, all or none, each with a card that has both accuracies."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from small_models import save_model

from gtsrb.config.params import load
from gtsrb.errors import InputError
from gtsrb.outputs import write_json
from gtsrb.serving import model_card
from scripts import publish

ACCURACY = {"accuracy": 0.95, "accuracy_low": 0.9, "accuracy_high": 0.98}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A committed run of `baseline`."""
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(ROOT / "params.yaml", "params.yaml")
    folder = tmp_path / "data/export/baseline"
    save_model(folder / "picture.onnx", load().preprocess["equalized"], ["stop", "yield", "no entry"])
    for file in ("picture_int8.onnx", "prepared_int8.tflite"):
        (folder / file).write_text(file)
    write_json(tmp_path / "metrics/dataset.json", {"source": "gtsrb", "classes": 3, "test_images": 60})
    write_json(tmp_path / "metrics/baseline/training.json", {"train_images": 100, "parameters": 1000})
    metrics = {
        "with_boxes": ACCURACY | {"errors": 3},
        "as_files": ACCURACY | {"accuracy": 0.9, "errors": 6},
        "most_often_missed": {"stop": 0.5},
        "seed": 0,
        "weights_md5": "0" * 32,
        "weights_precision": "float16",
        "device": "Abacus",
        "temperature": 0.4,
        "files": {
            file.name: {
                "errors": 3,
                "calibration_error": {"error": 0.002, "low": 0.001, "high": 0.003},
                "bytes": 1_230_000,
                "milliseconds": 1.5,
                "md5": hashlib.md5(file.read_bytes()).hexdigest(),
            }
            for file in folder.iterdir()
        },
        "parity": {"images": 60, "keras_max_abs_difference": 1e-5, "input_max_difference": 1.0},
        "unsure_below": 0.999612,
        "unknown_below": 0.35,
    }
    shares = {"unsure": 0.007, "unknown": 0.002, "answered": 0.012, "known": 0.04, "confident": 0.09}
    for file in ("picture.onnx", "picture_int8.onnx"):
        metrics["files"][file] |= {"errors_as_file": 6, "without_sign": shares}
    write_json(tmp_path / "metrics/baseline/export.json", metrics)
    content = yaml.safe_load((tmp_path / "params.yaml").read_text())
    trained, exported = {"train.baseline": content["train"]["baseline"]}, {"export.crops": content["export"]["crops"]}
    lock_params({"train@baseline": trained, "export@baseline": trained | exported})
    (tmp_path / ".gitignore").write_text("/data/\n")
    git("init", "--quiet")
    commit()
    return tmp_path


def lock_params(stages: dict[str, dict]) -> None:
    """Writes dvc.lock as if these stages had run with these params."""
    locked = {stage: {"params": {"params.yaml": params}} for stage, params in stages.items()}
    Path("dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": locked}))


def git(*arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=test", "-c", "user.email=test@localhost", *arguments], check=True)


def commit() -> None:
    git("add", "--all")
    git("commit", "--quiet", "--message", "A run")


def run_publish(monkeypatch, *recipes: str) -> None:
    monkeypatch.setattr("sys.argv", ["publish", *recipes])
    publish.main()


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.0, "900 images (GTSRB)"),
        (0.333, "900 images (GTSRB), 33% of each epoch from 24,000 synthetic images instead"),
        (1.0, "24,000 synthetic images alone"),
    ],
)
def test_a_card_says_what_a_recipe_trains_on(share, expected):
    recipe = load().train["baseline"]
    recipe = recipe.model_copy(update={"synthetic": recipe.synthetic.model_copy(update={"share": share})})
    assert model_card.format_images(recipe, {"train_images": 900, "synthetic_images": 24_000}, "gtsrb") == expected


def test_the_network_is_copied_and_its_card_written(run, monkeypatch):
    run_publish(monkeypatch, "baseline")
    for published, file in {
        ".onnx": "picture.onnx",
        "_int8.onnx": "picture_int8.onnx",
        "_int8.tflite": "prepared_int8.tflite",
    }.items():
        assert (run / f"pretrained/baseline{published}").read_bytes() == (run / f"data/export/baseline/{file}").read_bytes()
    card = (run / "pretrained/baseline.md").read_text()
    assert "| accuracy with boxes around the signs | **95.00%**, 3 errors, 95 % interval 90.00% to 98.00% |" in card
    assert "| accuracy on whole pictures, without boxes | **90.00%**, 6 errors, " in card
    assert "| `baseline_int8.onnx` | 3 | 95.00% | 0.20% | 1.23 MB | 1.50 ms |" in card
    assert "on one core, a picture of 48 x 48 pixels, median of 100 answers (Abacus)" in card
    assert "A prediction is marked as unsure below a probability of\n  99.96%, as unknown below " in card
    table = (run / "docs/published.md").read_text()
    assert "| `baseline.onnx` | 3 | 95.00% | 0.20% | 1.23 MB | 1.50 ms | 6 | 0.70%, 1.20% | 1 |" in table
    assert "| `baseline_int8.tflite` | 3 | 95.00% | 0.20% | 1.23 MB | 1.50 ms |  |  |  |" in table
    assert "Of the test images 0.70% are marked, " in card
    assert "Of crops of\n  photographs without a sign 1.20% are not marked, " in card


@pytest.mark.parametrize("path", ["params.yaml", "metrics/dataset.json", "metrics/baseline/export.json"])
def test_a_file_changed_since_the_last_commit_is_named(run, monkeypatch, path):
    (run / path).write_text((run / path).read_text() + "\n")
    with pytest.raises(InputError, match=rf"^{path}: changed since the last commit; commit the run"):
        run_publish(monkeypatch, "baseline")
    assert not (run / "pretrained").exists() and not (run / "docs").exists()


def test_a_network_of_another_run_is_refused(run, monkeypatch):
    save_model(run / "data/export/baseline/picture.onnx", load().preprocess["equalized"], ["stop", "yield", "other"])
    with pytest.raises(
        InputError, match=r"^data/export/baseline/picture.onnx has md5 \w+, metrics/baseline/export.json is of \w+; "
    ):
        run_publish(monkeypatch, "baseline")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("epochs: 30", "epochs: 31", "train@baseline ran with other values of train.baseline"),
        ("crops: ", "crops: 1", "export@baseline ran with other values of export.crops"),
    ],
)
def test_params_that_were_committed_without_a_run_are_refused(run, monkeypatch, old, new, expected):
    """The card would describe a network that was not trained, or not exported, so."""
    text = (run / "params.yaml").read_text()
    (run / "params.yaml").write_text(text.replace(old, new, 1))
    commit()
    with pytest.raises(InputError, match=rf"^params.yaml: {expected}; run `dvc repro export@baseline` and commit the run$"):
        run_publish(monkeypatch, "baseline")
    assert not (run / "pretrained").exists()


def test_a_stage_that_dvc_has_not_run_is_refused(run, monkeypatch):
    lock_params({"train@baseline": {}})
    with pytest.raises(InputError, match=r"^dvc.lock has no export@baseline, so its params are unknown; run `dvc repro "):
        run_publish(monkeypatch, "baseline")


def publish_another(folder: Path) -> None:
    """Has `augmented` published, with the files and metrics of `baseline`."""
    (folder / "pretrained").mkdir()
    (folder / "metrics/augmented").mkdir()
    shutil.copyfile(folder / "metrics/baseline/export.json", folder / "metrics/augmented/export.json")
    (folder / "pretrained/augmented.md").write_text("its card")
    for file, suffix in model_card.PUBLISHED.items():
        shutil.copyfile(folder / f"data/export/baseline/{file}", folder / f"pretrained/augmented{suffix}")


def test_the_table_has_the_files_that_were_published_before(run, monkeypatch):
    publish_another(run)
    run_publish(monkeypatch, "baseline")
    assert "| `augmented.onnx` | 3 | 95.00% |" in (run / "docs/published.md").read_text()


@pytest.mark.parametrize(("content", "found"), [("another run's", r"has md5 \w+"), (None, "is missing")])
def test_another_published_file_that_was_not_measured_is_refused(run, monkeypatch, content, found):
    """Its row in the table would be of another network."""
    publish_another(run)
    file = run / "pretrained/augmented_int8.onnx"
    file.write_text(content) if content else file.unlink()
    expected = rf"^pretrained/augmented_int8.onnx {found}, metrics/augmented/export.json is of \w+; publish augmented, too$"
    with pytest.raises(InputError, match=expected):
        run_publish(monkeypatch, "baseline")
    assert not list(run.glob("pretrained/baseline*")) and not (run / "docs").exists()


def test_if_one_network_cannot_be_published_none_is(run, monkeypatch):
    with pytest.raises(InputError, match=r"^data/export/augmented not found; run `dvc repro export@augmented` first$"):
        run_publish(monkeypatch, "baseline", "augmented")
    with pytest.raises(InputError, match=r"^'nobody': expected a recipe of params.yaml: baseline, "):
        run_publish(monkeypatch, "baseline", "nobody")
    assert not (run / "pretrained").exists()


def test_a_run_without_metrics_is_refused(run, monkeypatch):
    (run / "metrics/baseline/training.json").unlink()
    commit()
    with pytest.raises(InputError, match=r"^metrics/baseline/training.json not found; run "):
        run_publish(monkeypatch, "baseline")
