"""A study: its file, its runs, what its lines are of, its table; and the command on a few drawn signs."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT, put, shrink_params

from gtsrb.config.ingest import Synthetic
from gtsrb.config.train import TrackFold
from gtsrb.data import tables
from gtsrb.errors import InputError
from gtsrb.evaluation.intervals import track_bootstrap
from gtsrb.studies import results, study, study_table
from gtsrb.studies.study import Study
from gtsrb.synthetic import scenes
from scripts import study as command

FOLD = ["~train.augmented.validation", "+train.augmented.validation={split:tracks,folds:5,fold:0,seed:0}"]
CONTENT = {
    "recipe": "augmented",
    "common": ["train.augmented.epochs=1", *FOLD],
    "folds": [0, 3],
    "seeds": [0, 7],
    "rows": {"base": [], "batch_normalization": ["train.augmented.network.batch_normalization=true"]},
}
REPEATED = {"recipe": "baseline", "common": [], "folds": [], "seeds": [0, 1], "rows": {"baseline": []}, "test": True}
PARAMS = (ROOT / "params.yaml").read_text()


def runs(changes: dict | None = None, content: str = PARAMS) -> list[study.Run]:
    return study.list_runs(Study.model_validate(CONTENT | (changes or {})), content)


def line_of(row: str, fold: int, seed: int, errors: dict[int, int]) -> dict:
    """A line of results: 10 tracks of 10 images."""
    return {
        "row": row,
        "fold": fold,
        "seed": seed,
        "params": f"of {row}",
        "code": "c0de",
        "revision": "1234567",
        "val_accuracy": 1 - sum(errors.values()) / 100,
        "val_loss": 0.1,
        "images": 100,
        "tracks": 10,
        "errors_by_track": " ".join(f"{track}:{count}" for track, count in errors.items()),
        "seconds": 10.0,
        "parameters": 1000,
    }


# The table.


def test_the_table():
    lines = pd.DataFrame(
        [
            line_of("base", 0, 0, {1: 4, 2: 2}),
            line_of("base", 0, 1, {1: 8}),
            line_of("better", 0, 0, {1: 1}),
            line_of("better", 0, 1, {}),
            line_of("once", 0, 1, {3: 10}),
        ]
    )
    table = study_table.summary(lines, ["base", "better", "once", "not run"]).set_index("row")
    assert table.index.tolist() == ["base", "better", "once"]
    assert table.loc["base", ["runs", "errors", "images", "accuracy", "low", "high"]].tolist() == [2, 7, 100, 93, 92, 94]
    assert np.isnan(table.loc["base", "difference"])
    better = table.loc["better"]
    assert better["difference"] == pytest.approx(better["accuracy"] - 93.0) == pytest.approx(6.5)
    assert better["from"] == 0.0  # all of it is one track in ten (and a bit): it may not be drawn
    assert better["to"] > 12
    assert table.loc["once", "difference"] == pytest.approx(-2.0)  # to the same seed of the base, 92 %


def test_a_verdict_takes_tracks_and_seeds():
    each = {count: dict.fromkeys(range(10), count) for count in range(1, 8)}  # the same in every draw of tracks
    errors = {
        "base": [each[3], each[4]],
        "better": [each[1], each[2]],
        "worse": [each[6], each[5]],
        "better by one seed": [each[3], {}],  # beside zero on the tracks, but its first run is no better than base's best
        "worse by one seed": [each[4], each[7]],
        "better by some tracks": [dict.fromkeys(range(5), 5)] * 2,  # 25 errors, base has 30 and 40; but half of the tracks lose
        "once": [{}],
    }
    lines = pd.DataFrame([line_of(row, 0, seed, found) for row, seeds in errors.items() for seed, found in enumerate(seeds)])
    verdicts = study_table.summary(lines, list(errors)).set_index("row")["verdict"].to_dict()
    assert verdicts == {
        "base": "",
        "better": "gains",
        "worse": "loses",
        "better by one seed": "tie",
        "worse by one seed": "tie",
        "better by some tracks": "tie",
        "once": "",
    }


def test_seeds_are_compared_over_all_folds():
    """A fold in which a row is no better does not make it a tie; a seed that lacks a fold is not compared."""
    errors = {
        "base": {(0, 0): 30, (1, 0): 60, (0, 1): 30, (1, 1): 60, (0, 2): 10},
        "better": {(0, 0): 30, (1, 0): 40, (0, 1): 20, (1, 1): 50, (0, 2): 80},
    }
    lines = pd.DataFrame(
        [
            line_of(row, fold, seed, {10 * fold + i: n // 10 for i in range(10)})
            for row, counts in errors.items()
            for (fold, seed), n in counts.items()
        ]
    )
    complete = lines[lines["seed"] < 2]
    assert study_table.summary(complete, ["base", "better"])["verdict"].tolist() == ["", "gains"]
    table = study_table.summary(complete, ["base", "better"]).set_index("row")
    assert table.loc["better", ["errors", "images", "low", "high"]].tolist() == [70, 200, 65, 65]
    assert study_table.errors_by_seed(lines[lines["row"] == "base"].set_index(["fold", "seed"])).tolist() == [90, 90]


def test_the_bootstrap_draws_signs_whatever_the_number_of_seeds():
    """Three seeds with the same errors as one say as much, and their interval is the same."""
    rng = np.random.default_rng(0)
    errors = {(row, fold): dict(enumerate(rng.integers(0, 9, 10), 10 * fold)) for row in ("base", "a") for fold in (0, 1)}
    once, thrice = (
        pd.DataFrame([line_of(*key, seed, found) for key, found in errors.items() for seed in range(seeds)]) for seeds in (1, 3)
    )
    columns = ["errors", "images", "difference", "from", "to"]
    first, second = (study_table.summary(lines, ["base", "a"])[columns].iloc[1].tolist() for lines in (once, thrice))
    assert first == second
    gained = [errors["base", fold][track] - errors["a", fold][track] for fold in (0, 1) for track in errors["a", fold]]
    assert first[3:] == [bound / 2 for bound in track_bootstrap(np.array(gained))]  # points of 200 images, 20 signs drawn


def test_the_bootstrap_has_the_spread_of_a_sum():
    values = np.random.default_rng(0).normal(1, 2, 400)
    low, high = track_bootstrap(values)
    assert (low + high) / 2 == pytest.approx(values.sum(), abs=3)
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() * 20, rel=0.05)
    assert track_bootstrap(np.ones(9)) == (9, 9)


def test_the_plot(tmp_path):
    lines = pd.DataFrame([line_of("base", 0, 0, {1: 4}), line_of("a", 0, 0, {})])
    study_table.draw(study_table.summary(lines, ["base", "a"]), tmp_path / "study.png")
    assert (tmp_path / "study.png").read_bytes().startswith(b"\x89PNG")


def test_a_table_of_the_first_row_alone():
    table = study_table.summary(pd.DataFrame([line_of("base", 0, 0, {1: 4})]), ["base"])
    cells = [cell.strip() for cell in study_table.markdown(table).splitlines()[-1].strip("|").split("|")]
    assert cells == ["base", "1", "4.0 of 100", "96.00", "96.00 - 96.00", "0.1000", "10", "1,000", "", ""]


def test_repetitions():
    lines = pd.DataFrame({"row": "a", "test_accuracy": [0.97, 0.98, 0.99], "test_errors": [3, 2, 1], "test_images": 100})
    cells = [cell.strip() for cell in study_table.repetitions(lines).splitlines()[-1].strip("|").split("|")]
    assert cells == ["a", "3", "98.000", "1.000", "2.0", "3, 2, 1"]
    assert [cell.strip() for cell in study_table.repetitions(lines[:1]).splitlines()[-1].split("|")][3:5] == ["97.000", ""]


# The file and its runs.


def test_runs_are_the_rows_on_each_fold_with_each_seed():
    found = runs()
    rows = ["base", "batch_normalization"]
    assert [(run.row, run.fold, run.seed) for run in found] == [(row, f, s) for s in (0, 7) for f in (0, 3) for row in rows]
    last = found[-1].recipe
    assert (last.seed, last.epochs, last.network.batch_normalization) == (7, 1, True)
    assert last.validation == TrackFold(split="tracks", folds=5, fold=3, seed=0)
    assert all(run.evaluation is None for run in found)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"common": ["~train.augmented.validation"]},
            "row base: a study compares on folds of whole signs; put two lines into common: ~train.RECIPE.vali",
        ),
        ({"folds": [5]}, "row base: fold 5: there are 5, so 0 to 4"),
        ({"recipe": "nobody"}, "row base: recipe 'nobody': expected one of params.yaml: baseline, "),
        ({"rows": {"a": [], "b": ["train.augmented.epoch=3"]}}, "row b: "),
        (
            {"rows": {"a": [], "b": ["train.augmented.epochs=0"]}},
            "row b: params.yaml: train.augmented.epochs = 0: input should",
        ),
        ({"rows": {"a": [], "b": ["train.augmented.device=cpu"]}}, "rows differ in device: auto and cpu; all rows of a study"),
        (
            {"rows": {"a": [], "b": ["train.augmented.validation.seed=1"]}},
            "rows differ in validation.seed: 0 and 1; all rows",
        ),
    ],
)
def test_what_cannot_be_run_is_one_line(changes, words):
    with pytest.raises(InputError) as error:
        runs(changes)
    assert str(error.value).startswith(words)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("recipe: [", ""),
        ("- a", "the whole file = ['a']"),
        (None, ""),
        (yaml.safe_dump(CONTENT | {"fold": 1}), "unknown key 'fold'; expected one of recipe, common, folds"),
        (yaml.safe_dump(CONTENT | {"folds": []}), "folds = []: a study compares on validation folds"),
        (yaml.safe_dump(CONTENT | {"seeds": [1, 1]}), "seeds = [1, 1]: one of them is there twice"),
        (yaml.safe_dump(CONTENT | {"test": True}), "test: true repeats a committed recipe"),
        (yaml.safe_dump(REPEATED | {"rows": {"a": [], "b": []}}), "test: true repeats a committed"),
        (yaml.safe_dump(REPEATED | {"rows": {"a": ["train.baseline.epochs=1"]}}), "test: true repeats"),
        (yaml.safe_dump(REPEATED | {"common": ["train.baseline.epochs=1"]}), "test: true repeats"),
    ],
)
def test_a_broken_study_is_one_line(tmp_path, content, words):
    path = tmp_path / "study.yaml"
    if content:
        path.write_text(content)
    with pytest.raises(InputError) as error:
        study.read(path)
    assert str(error.value).startswith(f"{path}: {words}")
    assert "\n" not in str(error.value)


# What a line is of.


def test_the_params_of_a_row_are_those_of_all_its_runs():
    hashes = pd.DataFrame([(run.row, run.params) for run in runs()], columns=["row", "params"])
    assert hashes.groupby("row")["params"].nunique().tolist() == [1, 1]
    assert hashes["params"].nunique() == 2


@pytest.mark.parametrize(
    ("override", "same"),
    [
        ("train.augmented.seed=5", True),
        ("train.augmented.validation.fold=2", True),
        ("train.baseline.epochs=9", True),  # of another recipe
        ("preprocess.plain.size=64", True),  # of another variant
        ("train.augmented.validation.seed=2", False),
        ("train.augmented.epochs=2", False),
        ("preprocess.equalized.size=64", False),
        ("+train.augmented.optimizer.gradient_clip=1.0", False),
    ],
)
def test_what_the_hash_of_params_is_of(override, same):
    (first, *_), (second, *_) = (runs({"common": CONTENT["common"] + more}) for more in ([], [override]))
    assert (first.params == second.params) == same


def copy_of_code(folder: Path) -> None:
    shutil.copytree(ROOT / "gtsrb", folder / "gtsrb", ignore=shutil.ignore_patterns("__pycache__"))


@pytest.mark.parametrize(
    ("file", "old", "new", "same"),
    [
        ("gtsrb/command_line.py", "error: ", "fault: ", True),  # plumbing
        ("gtsrb/training/checkpoints.py", "16]", "17]", True),
        ("gtsrb/reporting/plots.py", '"font.size": 9', '"font.size": 10', True),  # not imported
        ("gtsrb/augmentation/augment.py", '"""Random changes', '"""Changes by chance', True),  # a docstring
        ("gtsrb/training/optimizers.py", "\nimport", "\n# a comment\n\nimport", True),
        ("gtsrb/augmentation/geometric.py", "< 0.5", "< 0.4", False),
        ("gtsrb/preprocessing/preprocess.py", "/ 255", "/ 256", False),
        ("gtsrb/config/train.py", "generate_state(1)", "generate_state(2)", False),
    ],
)
def test_what_the_hash_of_code_is_of(tmp_path, monkeypatch, file, old, new, same):
    monkeypatch.chdir(tmp_path)
    copy_of_code(tmp_path)
    raw = tmp_path / "train.parquet"
    raw.write_bytes(b"1")
    before = results.hash_code([raw], "Keras 3")
    text = Path(file).read_text()
    assert old in text
    Path(file).write_text(text.replace(old, new, 1))
    assert (results.hash_code([raw], "Keras 3") == before) == same


def test_data_and_versions_are_in_the_hash_of_code(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    raw = tmp_path / "train.parquet"
    raw.write_bytes(b"1")
    before = results.hash_code([raw], "Keras 3")
    assert before == results.hash_code([raw], "Keras 3") != results.hash_code([raw], "Keras 4")
    raw.write_bytes(b"2")
    assert before != results.hash_code([raw], "Keras 3")
    with pytest.raises(InputError, match=r"train.parquet not found; run `dvc repro ingest`"):
        results.hash_code([tmp_path / "none/train.parquet"], "Keras 3")


def test_what_has_its_line_is_not_run_again(tmp_path):
    """A line of other code or other params is no line of the run; hashes of digits alone stay text."""
    file, every = tmp_path / "study.csv", runs()
    assert results.find_missing(results.read_lines(file), every, "0123") == every
    for run, params, code in (
        (every[0], every[0].params, "0123"),
        (every[1], every[1].params, "4567"),
        (every[2], "00", "0123"),
    ):
        results.append_line(file, line_of(run.row, run.fold, run.seed, {}) | {"params": params, "code": code})
    found = results.read_lines(file)
    assert found["code"].tolist() == ["0123", "4567", "0123"]
    assert results.find_missing(found, every, "0123") == every[1:]
    assert len(results.select_current(found, every)) == 2


# The command, on a few drawn signs.


@pytest.fixture(scope="module")
def raw(tmp_path_factory) -> Path:
    """data/raw of 215 physical signs in 430 training images, and of 43 test images."""
    folder = tmp_path_factory.mktemp("raw")
    drawn = scenes.render(Synthetic(tracks_per_class=5, frames_per_track=2, test_images_per_class=1, seed=0))
    for part, rows in zip(("train", "test"), drawn, strict=True):
        tables.write(folder / f"{part}.parquet", tables.to_canonical_table(rows))
    names = pd.DataFrame({"class_id": range(43), "name": [f"class {i}" for i in range(43)]})
    names.to_csv(folder / "classes.csv", index=False)
    return folder


@pytest.fixture
def workspace(tmp_path, raw, monkeypatch) -> Path:
    """The root of a project with raw data and params of a tiny network, committed; nothing else has been run."""
    content = shrink_params(yaml.safe_load(PARAMS))
    for recipe in ("baseline", "augmented"):
        put(content, f"train.{recipe}.epochs", 2)
        put(content, f"train.{recipe}.device", "cpu")
    put(content, "evaluate.baseline.weights", "best")
    view = {"rotation": 0.0, "shift_x": 0.0, "shift_y": 0.0, "zoom": 1.0}
    put(content, "evaluate.baseline.test_time_augmentation", [view, view | {"zoom": 1.1}])
    put(content, "train.baseline.members", 2)
    monkeypatch.chdir(tmp_path)
    copy_of_code(tmp_path)
    Path("params.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    shutil.copytree(raw, "data/raw")
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for arguments in (["init", "--quiet"], ["add", "params.yaml"], [*identity, "commit", "--quiet", "--message", "Params"]):
        subprocess.run(["git", *arguments], check=True)
    return tmp_path


def call(content: dict, monkeypatch, *options: str) -> Path:
    """Runs the command on a study of this content; returns where its results are."""
    Path("some.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    monkeypatch.setattr(sys, "argv", ["study", "some.yaml", *options])
    command.main()
    return Path("some.csv")


@pytest.mark.seconds
def test_the_command(workspace, monkeypatch, capsys):
    """All signs of two folds, each once, of a variant that a row adds; no test figure, no test image, no file but the lines."""
    Path("data/raw/test.parquet").unlink()
    variant = "+preprocess.small={size:24,interpolation_order:1,mode:edge,anti_aliasing:false,dtype:uint8}"
    two = ["~train.augmented.validation", "+train.augmented.validation={split:tracks,folds:2,fold:0,seed:0}"]
    content = CONTENT | {
        "common": ["train.augmented.epochs=1", *two],
        "folds": [0, 1],
        "seeds": [0],
        "rows": {"base": [], "small": [variant, "train.augmented.images=small"]},
    }
    results = call(content, monkeypatch)
    lines = results.read_lines(results)
    assert not [column for column in lines if "test" in column]
    assert list(zip(lines["row"], lines["fold"], strict=True)) == [("base", 0), ("small", 0), ("base", 1), ("small", 1)]
    assert lines.groupby("row")[["images", "tracks"]].sum().to_numpy().tolist() == [[430, 215]] * 2
    base = lines[lines["row"] == "base"].set_index(["fold", "seed"])
    assert study_table.errors_by_seed(base).tolist() == [round(((1 - base["val_accuracy"]) * base["images"]).sum())]
    assert lines["code"].nunique() == lines["revision"].nunique() == 1
    assert lines["revision"].iloc[0] == subprocess.check_output(["git", "describe", "--always"], text=True).strip()
    new = subprocess.check_output(["git", "status", "--porcelain"], text=True).split()
    assert set(new[1::2]) == {".arrays/", "data/", "gtsrb/", "some.csv", "some.png", "some.yaml"}
    assert not list(Path(".checkpoints").iterdir())

    before = results.read_bytes()
    shown = capsys.readouterr().out
    assert call(content, monkeypatch) == results
    assert results.read_bytes() == before  # what has its line is not run again
    assert capsys.readouterr().out == shown[shown.index("code ") :]

    Path("gtsrb/augmentation/augment.py").write_text(Path("gtsrb/augmentation/augment.py").read_text() + "\nOTHER = 1\n")
    call(content | {"rows": {"base": []}, "folds": [0]}, monkeypatch)
    lines = results.read_lines(results)
    assert (len(lines), lines["code"].nunique()) == (5, 2)
    assert "not counted, being of other code, data or versions: 2 lines of base" in capsys.readouterr().out


@pytest.mark.slow
def test_a_killed_run_resumes(workspace, monkeypatch, capsys):
    """Killed between its last epoch and its line, it is not trained again; the line is the same."""
    content = CONTENT | {"common": FOLD, "folds": [1], "seeds": [3], "rows": {"base": []}}
    with monkeypatch.context() as patched:
        patched.setattr(study, "append", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            call(content, monkeypatch)
    assert list(Path(".checkpoints").iterdir())
    results = call(content, monkeypatch)
    assert "resumed after 2 of 2 epochs" in capsys.readouterr().out
    assert not list(Path(".checkpoints").iterdir())
    again = results.read_lines(results)
    results.unlink()
    call(content, monkeypatch)
    whole = results.read_lines(results)
    pd.testing.assert_frame_equal(again.drop(columns="seconds"), whole.drop(columns="seconds"))


@pytest.mark.slow
def test_repetitions_are_tested_as_the_stage_does_it(workspace, monkeypatch, capsys):
    """An ensemble in several views, its best weights; the recipe's own seed gives the errors of `stages.evaluate`."""
    from stages import evaluate, preprocess, train

    lines = results.read_lines(call(REPEATED, monkeypatch))
    assert lines["seed"].tolist() == [0, 1]
    assert "| baseline | 2   |" in capsys.readouterr().out
    for stage, name in ((preprocess, "equalized"), (train, "baseline"), (evaluate, "baseline")):
        monkeypatch.setattr(sys, "argv", ["stage", name])
        stage.main()
    figures = yaml.safe_load(Path("metrics/baseline.json").read_text())
    assert lines["test_errors"].iloc[0] == figures["errors"] < 43
    assert lines["test_accuracy"].iloc[0] == pytest.approx(figures["accuracy"], abs=1e-6)


@pytest.mark.seconds
@pytest.mark.parametrize(
    ("key", "value", "section"),
    [
        ("train.baseline.epochs", 1, "train.baseline"),
        ("evaluate.baseline.weights", "last", "evaluate.baseline"),
        ("preprocess.equalized.size", 24, "preprocess.equalized"),
        ("ingest.synthetic.seed", 1, "ingest"),
    ],
)
def test_what_is_not_committed_is_not_tested(workspace, monkeypatch, key, value, section):
    content = yaml.safe_load(Path("params.yaml").read_text())
    put(content, key, value)
    Path("params.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    with pytest.raises(InputError, match=f"^test: true: {section} of params.yaml is not that of HEAD; commit it"):
        call(REPEATED, monkeypatch)
    assert not Path("some.csv").exists()


def test_what_git_does_not_have_is_not_tested(workspace, monkeypatch):
    shutil.rmtree(".git")
    with pytest.raises(InputError, match=r"^test: true: Git has no params.yaml at HEAD; commit it"):
        call(REPEATED, monkeypatch)


def test_a_fresh_clone_is_one_line(workspace, monkeypatch):
    Path("data/raw/train.parquet").unlink()
    with pytest.raises(InputError, match=r"^data/raw/train.parquet not found; run `dvc repro ingest`$"):
        call(CONTENT, monkeypatch)
    with pytest.raises(InputError, match=r"^some.csv: no line of results yet; run it without --report$"):
        call(CONTENT, monkeypatch, "--report")


def test_what_does_not_suit_the_data_is_found_before_anything_is_trained(workspace, monkeypatch):
    many = ["~train.augmented.validation", "+train.augmented.validation={split:tracks,folds:50,fold:0,seed:0}"]
    with pytest.raises(InputError, match="signs with at most 10 images a class do not make 50 folds"):
        call(CONTENT | {"common": many}, monkeypatch)
    assert not Path(".arrays").exists()


def test_older_tables_are_printed_and_never_added_to(workspace, monkeypatch, capsys):
    old = {key: value for key, value in line_of("base", 0, 0, {1: 4}).items() if key not in results.HASHES}
    pd.DataFrame([old]).to_csv("some.csv", index=False)
    with pytest.raises(InputError, match=r"^some.csv was recorded before lines kept hashes; --report prints it"):
        call(CONTENT, monkeypatch)
    call(CONTENT, monkeypatch, "--report")
    shown = capsys.readouterr().out
    assert shown.startswith("recorded before lines kept hashes: folds are seeds of one split and overlap")
    assert "96.00 - 96.00" in shown
    assert results.read_lines(Path("some.csv")).shape == (1, len(old))
