"""The command, on a few synthetic signs."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import ROOT
from example_study import CONTENT, PARAMS, REPEATED, TRACK_FOLDS
from raw_tables import draw_signs, write_table
from small_project import put, shrink_params

from gtsrb.data.sign_names import SIGN_NAMES
from gtsrb.errors import InputError
from gtsrb.studies import results, study_table
from scripts import study


@pytest.fixture(scope="module")
def raw(tmp_path_factory) -> Path:
    """data/raw with 430 training images of 215 signs, and 43 test images."""
    folder = tmp_path_factory.mktemp("raw")
    synthetic = draw_signs(tracks_per_class=5, frames_per_track=2, test_images_per_class=1)
    for split, rows in zip(("train", "test"), synthetic, strict=True):
        write_table(folder / f"{split}.parquet", rows)
    names = pd.DataFrame({"class_id": range(43), "name": SIGN_NAMES})
    names.to_csv(folder / "classes.csv", index=False)
    return folder


@pytest.fixture
def workspace(tmp_path, raw, monkeypatch) -> Path:
    """The root of a project with raw data and committed params of a tiny network; nothing has been run."""
    content = shrink_params(yaml.safe_load(PARAMS))
    for recipe in ("baseline", "augmented"):
        put(content, f"train.{recipe}.epochs", 2)
        put(content, f"train.{recipe}.device", "cpu")
    put(content, "evaluate.baseline.weights", "best")
    view = {"rotation": 0.0, "shift_x": 0.0, "shift_y": 0.0, "zoom": 1.0}
    put(content, "evaluate.baseline.test_time_augmentation", [view, view | {"zoom": 1.1}])
    put(content, "train.baseline.members", 2)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "gtsrb", "gtsrb", ignore=shutil.ignore_patterns("__pycache__"))
    Path("params.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    shutil.copytree(raw, "data/raw")
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for arguments in (["init", "--quiet"], ["add", "params.yaml"], [*identity, "commit", "--quiet", "--message", "Params"]):
        subprocess.run(["git", *arguments], check=True)
    return tmp_path


def run_study(content: dict, monkeypatch, *options: str) -> Path:
    """Runs the command on a study of this content; returns the path of its results."""
    Path("some.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    monkeypatch.setattr(sys, "argv", ["study", "some.yaml", *options])
    study.main()
    return Path("some.csv")


@pytest.mark.seconds
def test_a_study(workspace, monkeypatch, capsys):
    """Both folds, so that every sign validates once, also of a variant that a row adds; without test images or metrics."""
    Path("data/raw/test.parquet").unlink()
    variant = (
        "+preprocess.small={crop:roi,margin:0.0,image_size:24,interpolation_order:1,mode:edge,anti_aliasing:false,dtype:uint8}"
    )
    two_folds = ["~train.augmented.validation", "+train.augmented.validation={split:tracks,folds:2,fold:0,seed:0}"]
    content = CONTENT | {
        "common": ["train.augmented.epochs=1", *two_folds],
        "folds": [0, 1],
        "seeds": [0],
        "rows": {"base": [], "small": [variant, "train.augmented.images=small"]},
        "as_files": True,
    }
    file = run_study(content, monkeypatch)
    lines = results.read_lines(file)
    assert not [column for column in lines if "test" in column]
    assert list(zip(lines["row"], lines["fold"], strict=True)) == [("base", 0), ("small", 0), ("base", 1), ("small", 1)]
    assert lines.groupby("row")[["images", "tracks"]].sum().to_numpy().tolist() == [[430, 215]] * 2
    base = lines[lines["row"] == "base"].set_index(["fold", "seed"])
    assert study_table.errors_by_seed(base).tolist() == [round(((1 - base["val_accuracy"]) * base["images"]).sum())]
    errors, as_files = (1 - lines["val_accuracy"]) * lines["images"], lines["errors_as_files"]
    assert ((errors.round() == as_files) == (lines["row"] == "base")).all()  # which has no crop to the box
    assert lines["code"].nunique() == lines["revision"].nunique() == 1
    assert lines["revision"].iloc[0] == subprocess.check_output(["git", "describe", "--always"], text=True).strip()
    new = subprocess.check_output(["git", "status", "--porcelain"], text=True).split()
    assert set(new[1::2]) == {".arrays/", "data/", "gtsrb/", "some.csv", "some.png", "some.yaml"}
    assert not list(Path(".checkpoints").iterdir())

    before = file.read_bytes()
    output = capsys.readouterr().out
    run_study(content, monkeypatch)
    assert file.read_bytes() == before  # runs with a line are not repeated
    assert capsys.readouterr().out == output[output.index("code ") :]

    Path("gtsrb/augmentation/augment.py").write_text(Path("gtsrb/augmentation/augment.py").read_text() + "\nOTHER = 1\n")
    run_study(content | {"rows": {"base": []}, "folds": [0]}, monkeypatch)
    lines = results.read_lines(file)
    assert (len(lines), lines["code"].nunique()) == (5, 2)
    assert "not counted, recorded with other code, data or versions: 2 lines of base" in capsys.readouterr().out


@pytest.mark.seconds
def test_a_row_with_synthetic_images(workspace, monkeypatch):
    """Of a set that has been rendered; the row without has the hash of params that it had before sets were known."""
    others = ["render.drawn.images=equalized", "train.synthetic.images=equalized"]
    overrides = [*others, "train.augmented.synthetic={set:drawn,share:0.5}"]
    content = CONTENT | {"common": TRACK_FOLDS, "folds": [1], "seeds": [0], "rows": {"base": [], "drawn": overrides}}
    with pytest.raises(InputError, match=r"data/synthetic/drawn/train.parquet not found; run `dvc repro render@drawn`"):
        run_study(content, monkeypatch)
    Path("data/synthetic/drawn").mkdir(parents=True)
    train, _ = draw_signs(tracks_per_class=1, frames_per_track=1, test_images_per_class=1, seed=1)
    write_table(Path("data/synthetic/drawn/train.parquet"), train)
    lines = results.read_lines(run_study(content, monkeypatch)).set_index("row")
    assert lines.loc["base", "images"] == lines.loc["drawn", "images"]
    assert lines.loc["base", "val_loss"] != lines.loc["drawn", "val_loss"]
    base, drawn = study.study.list_runs(study.study.read(Path("some.yaml")), Path("params.yaml").read_text())
    assert (lines.loc["base", "params"], lines.loc["drawn", "params"]) == (base.params, drawn.params)
    assert base.params != drawn.params


@pytest.mark.slow
def test_a_killed_run_resumes(workspace, monkeypatch, capsys):
    """Killed between the last epoch and the line, a run is not trained again; the line is the same."""
    content = CONTENT | {"common": TRACK_FOLDS, "folds": [1], "seeds": [3], "rows": {"base": []}}
    with monkeypatch.context() as patched:
        patched.setattr(results, "append_line", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run_study(content, monkeypatch)
    assert list(Path(".checkpoints").iterdir())
    file = run_study(content, monkeypatch)
    assert "resumed after 2 of 2 epochs" in capsys.readouterr().out
    assert not list(Path(".checkpoints").iterdir())
    resumed = results.read_lines(file)
    file.unlink()
    run_study(content, monkeypatch)
    uninterrupted = results.read_lines(file)
    pd.testing.assert_frame_equal(without_times(resumed), without_times(uninterrupted))


@pytest.mark.slow
def test_a_study_on_a_cluster_writes_the_lines_of_one_on_this_machine(workspace, tmp_path_factory, monkeypatch):
    """With images of both splits, which its workers get by the cluster."""
    pytest.importorskip("gtsrb.cluster", reason="Dask is not installed: make .venv/cluster.installed")
    from dask_cluster import start_cluster

    with start_cluster(tmp_path_factory.mktemp("cluster")) as (address, _):
        monkeypatch.setenv("GTSRB_SCHEDULER", address)
        file = run_study(REPEATED, monkeypatch)
    on_cluster = results.read_lines(file).sort_values("seed", ignore_index=True)
    assert on_cluster["seed"].tolist() == [0, 1]
    file.unlink()
    monkeypatch.delenv("GTSRB_SCHEDULER")
    here = results.read_lines(run_study(REPEATED, monkeypatch)).sort_values("seed", ignore_index=True)
    pd.testing.assert_frame_equal(without_times(on_cluster), without_times(here))


def without_times(lines: pd.DataFrame) -> pd.DataFrame:
    return lines.drop(columns=["seconds", "fit_seconds"])


@pytest.mark.seconds
def test_runs_side_by_side_write_the_lines_of_runs_one_after_the_other(workspace, monkeypatch, capfd):
    """In any order; with one run that only predicts otherwise beside its base, and one of another precision after it."""
    two_folds = ["~train.augmented.validation", "+train.augmented.validation={split:tracks,folds:2,fold:0,seed:0}"]
    rows = {
        "base": [],
        "turned": [
            "+evaluate.augmented.test_time_augmentation=[{rotation:9.0,shift_x:0.0,shift_y:0.0,zoom:1.0}]",
        ],
        "rounded": ["train.augmented.precision=mixed_bfloat16"],
        "adam": ["train.augmented.optimizer.name=adam"],
    }
    rows["adam"].append("train.augmented.optimizer.nesterov=false")
    content = CONTENT | {"common": ["train.augmented.epochs=2", *two_folds], "folds": [0], "seeds": [0], "rows": rows}
    monkeypatch.setenv("GTSRB_JOBS", "2")
    side_by_side = results.read_lines(run_study(content, monkeypatch)).set_index("row").loc[list(rows)]
    printed = capfd.readouterr().out
    assert [printed.count(f"{i} of 4: ") for i in (1, 2, 3, 4)] == [1, 1, 1, 1]
    for row in rows:
        assert f"{row}, fold 0, seed 0  epoch 2/2  loss " in printed
        assert re.search(rf"^{row}, fold 0, seed 0 +2 epochs  val_accuracy +[0-9.]+%  [0-9]+ s$", printed, re.MULTILINE)
    Path("some.csv").unlink()
    monkeypatch.setenv("GTSRB_JOBS", "1")
    one_by_one = results.read_lines(run_study(content, monkeypatch)).set_index("row")
    pd.testing.assert_frame_equal(without_times(side_by_side), without_times(one_by_one))
    assert one_by_one["val_loss"].nunique() == 4 and (one_by_one["threads"] == 1).all()
    assert (one_by_one["fit_seconds"] <= one_by_one["seconds"]).all()
    assert not list(Path(".checkpoints").iterdir())


def test_rows_with_the_same_params_are_one_line(workspace, monkeypatch):
    """Side by side they would resume from the same checkpoints."""
    content = CONTENT | {"rows": {"base": [], "again": ["train.augmented.epochs=1"]}}
    with pytest.raises(InputError, match=r"^rows base and again have the same params; delete one of them$"):
        run_study(content, monkeypatch)


@pytest.mark.slow
def test_repetitions_are_evaluated_as_the_stage_does(workspace, monkeypatch, capsys):
    """An ensemble with test-time augmentation and best weights; the recipe's seed gives the errors of `stages.evaluate`."""
    from stages import evaluate, preprocess, train

    lines = results.read_lines(run_study(REPEATED, monkeypatch))
    assert lines["seed"].tolist() == [0, 1]
    assert "| baseline | 2   |" in capsys.readouterr().out
    for stage, name in ((preprocess, "equalized"), (train, "baseline"), (evaluate, "baseline")):
        monkeypatch.setattr(sys, "argv", ["stage", name])
        stage.main()
    metrics = yaml.safe_load(Path("metrics/baseline.json").read_text())
    assert lines["test_errors"].iloc[0] == metrics["errors"] < 43
    assert lines["test_accuracy"].iloc[0] == pytest.approx(metrics["accuracy"], abs=1e-6)


@pytest.mark.seconds
@pytest.mark.parametrize(
    ("key", "value", "section"),
    [
        ("train.baseline.epochs", 1, "train.baseline"),
        ("evaluate.baseline.weights", "last", "evaluate.baseline"),
        ("preprocess.equalized.image_size", 24, "preprocess.equalized"),
        ("ingest.synthetic.seed", 1, "ingest"),
    ],
)
def test_params_that_are_not_committed_are_not_tested(workspace, monkeypatch, key, value, section):
    content = yaml.safe_load(Path("params.yaml").read_text())
    put(content, key, value)
    Path("params.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    with pytest.raises(InputError, match=f"^test: true: {section} of params.yaml differs from HEAD; commit it"):
        run_study(REPEATED, monkeypatch)
    assert not Path("some.csv").exists()


def test_an_error_in_the_committed_params_is_said_to_be_there(workspace, monkeypatch):
    valid = Path("params.yaml").read_text()
    content = yaml.safe_load(valid)
    put(content, "train.baseline.epochs", 0)
    Path("params.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run(["git", *identity, "commit", "--quiet", "--all", "--message", "A mistake"], check=True)
    Path("params.yaml").write_text(valid)
    expected = r"^test: true: at HEAD, params.yaml: train.baseline.epochs = 0: .*; commit a valid one"
    with pytest.raises(InputError, match=expected):
        run_study(REPEATED, monkeypatch)


def test_without_a_commit_nothing_is_tested(workspace, monkeypatch):
    shutil.rmtree(".git")
    with pytest.raises(InputError, match=r"^test: true: Git has no params.yaml at HEAD; commit it"):
        run_study(REPEATED, monkeypatch)


def test_missing_data_is_a_one_line_error(workspace, monkeypatch):
    Path("data/raw/train.parquet").unlink()
    with pytest.raises(InputError, match=r"^data/raw/train.parquet not found; run `dvc repro ingest`$"):
        run_study(CONTENT, monkeypatch)
    with pytest.raises(InputError, match=r"^some.csv: no line of results yet; run it without --report$"):
        run_study(CONTENT, monkeypatch, "--report")


def test_recipes_that_do_not_fit_the_data_are_found_before_training(workspace, monkeypatch):
    fifty_folds = ["~train.augmented.validation", "+train.augmented.validation={split:tracks,folds:50,fold:0,seed:0}"]
    with pytest.raises(InputError, match="signs with at most 10 images per class are too few for 50 folds"):
        run_study(CONTENT | {"common": fifty_folds}, monkeypatch)
    assert not Path(".arrays").exists()
