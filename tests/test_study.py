"""The study's table, from made-up runs, and its commands, from a DVC that only records them."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT

from gtsrb.errors import InputError
from gtsrb.metrics import track_bootstrap
from scripts import study

STUDY = {
    "recipe": "augmented",
    "common": ["train.augmented.epochs=1"],
    "folds": [0, 1],
    "seeds": [0],
    "rows": {"base": [], "batch_normalization": ["train.augmented.network.batch_normalization=true"]},
}


def run_of(row: str, fold: int, seed: int, errors: dict[int, int]) -> dict:
    """A line of results: 10 tracks of 10 images."""
    return {
        "row": row,
        "fold": fold,
        "seed": seed,
        "val_accuracy": 1 - sum(errors.values()) / 100,
        "val_loss": 0.1,
        "seconds": 10.0,
        "parameters": 1000,
        "images": 100,
        "tracks": 10,
        "errors_by_track": " ".join(f"{track}:{count}" for track, count in errors.items()),
    }


def test_the_table():
    runs = pd.DataFrame(
        [
            run_of("base", 0, 0, {1: 4, 2: 2}),
            run_of("base", 0, 1, {1: 8}),
            run_of("better", 0, 0, {1: 1}),
            run_of("better", 0, 1, {}),
            run_of("once", 0, 1, {3: 10}),
        ]
    )
    table = study.summary(runs, ["base", "better", "once", "not run"]).set_index("row")
    assert table.index.tolist() == ["base", "better", "once"]
    assert table.loc["base", ["runs", "accuracy", "low", "high"]].tolist() == [2, 93.0, 92.0, 94.0]
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
    runs = pd.DataFrame([run_of(row, 0, seed, found) for row, seeds in errors.items() for seed, found in enumerate(seeds)])
    verdicts = study.summary(runs, list(errors)).set_index("row")["verdict"].to_dict()
    assert verdicts == {
        "base": "",
        "better": "gains",
        "worse": "loses",
        "better by one seed": "tie",
        "worse by one seed": "tie",
        "better by some tracks": "tie",
        "once": "",
    }


def test_a_verdict_compares_runs_of_the_same_fold():
    errors = {("base", 0): 30, ("base", 1): 60, ("better", 0): 20, ("better", 1): 50}  # fold 1's better is below fold 0's base
    runs = pd.DataFrame([run_of(row, fold, 0, dict.fromkeys(range(10), n // 10)) for (row, fold), n in errors.items()])
    assert study.summary(runs, ["base", "better"])["verdict"].tolist() == ["", "gains"]


def test_folds_have_tracks_of_their_own():
    runs = pd.DataFrame([run_of("base", fold, 0, {1: 4}) for fold in (0, 1)] + [run_of("a", fold, 0, {}) for fold in (0, 1)])
    table = study.summary(runs, ["base", "a"])
    assert table["difference"].iloc[1] == pytest.approx(4.0)
    assert len(study.errors_by_track(runs[runs["row"] == "base"].set_index(["fold", "seed"]))) == 2


def test_the_bootstrap_has_the_spread_of_a_sum():
    values = np.random.default_rng(0).normal(1, 2, 400)
    low, high = track_bootstrap(values)
    assert (low + high) / 2 == pytest.approx(values.sum(), abs=3)
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() * 20, rel=0.05)
    assert track_bootstrap(np.ones(9)) == (9, 9)


def test_what_has_its_line_is_not_run_again(tmp_path):
    results = tmp_path / "study.csv"
    every = [("base", 0, 0), ("batch_normalization", 0, 0), ("base", 1, 0), ("batch_normalization", 1, 0)]
    assert study.missing(STUDY, results) == every
    pd.DataFrame([run_of("base", 0, 0, {})]).to_csv(results, index=False)
    assert study.missing(STUDY, results) == every[1:]


def test_the_command_trains_alone(monkeypatch, tmp_path):
    commands = []
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/own/train").mkdir(parents=True)
    (tmp_path / "data/own/README.md").touch()

    def record(command, **options):
        if command == study.LIST:
            return subprocess.CompletedProcess(command, 0, stdout="another\n")
        commands.append(command)
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(subprocess, "run", record)
    with pytest.raises(InputError, match="experiment batch-normalization-fold1-seed7 failed"):
        study.run_experiment(STUDY, "batch_normalization", 1, 7)
    (command,) = commands
    assert command[:2] == [sys.executable, "-m"]
    assert command[-1] == "train@augmented"  # no target after it, so no test figure
    copied = [command[i + 1] for i, part in enumerate(command) if part == "--copy-paths"]
    assert copied == ["data/own/train"]  # images of one's own; the README is in the copy, being in Git
    settings = [command[i + 1] for i, part in enumerate(command) if part == "-S"]
    assert settings == [
        "train.augmented.epochs=1",
        "train.augmented.validation.seed=1",
        "train.augmented.seed=7",
        "train.augmented.network.batch_normalization=true",
    ]


@pytest.mark.parametrize("text", ["recipe: [", "rows: {}", "- a", None])
def test_a_broken_study_is_one_line(tmp_path, text):
    path = tmp_path / "study.yaml"
    if text:
        path.write_text(text)
    with pytest.raises(InputError) as error:
        study.read(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(ROOT.glob("docs/*.yaml")) if path.stem != "views"],
    ids=lambda path: path.stem,
)
def test_every_row_of_the_committed_studies_is_valid_and_changes_something(path, tmp_path):
    """Its overrides give params that are taken, and that differ from those of the other rows."""
    from dvc.utils.hydra import apply_overrides

    from gtsrb.params import load

    content = study.read(path)
    seen = {}
    for row, overrides in content["rows"].items():
        file = tmp_path / f"{row}.yaml"
        file.write_text((ROOT / "params.yaml").read_text())
        apply_overrides(file, [*content["common"], *overrides])
        params = load(file)
        recipe = params.train[content["recipe"]]
        assert recipe.validation.split == "tracks"
        key = repr((recipe, params.preprocess[recipe.images]))
        assert key not in seen, f"{row} is the same as {seen.get(key)}"
        seen[key] = row
    assert yaml.safe_load(path.read_text()) == content


def test_the_plot(tmp_path):
    runs = pd.DataFrame([run_of("base", 0, 0, {1: 4}), run_of("a", 0, 0, {})])
    study.draw(study.summary(runs, ["base", "a"]), tmp_path / "study.png")
    assert (tmp_path / "study.png").read_bytes().startswith(b"\x89PNG")


def test_the_table_of_the_ideas_is_that_of_their_runs():
    rows = list(study.read(ROOT / "docs/ideas.yaml")["rows"])
    table = study.summary(pd.read_csv(ROOT / "docs/ideas.csv"), rows)
    assert study.markdown(table) in (ROOT / "docs/ideas.md").read_text()


def test_a_table_of_the_first_row_alone():
    lines = study.markdown(study.summary(pd.DataFrame([run_of("base", 0, 0, {1: 4})]), ["base"])).splitlines()
    cells = [cell.strip() for cell in lines[-1].strip("|").split("|")]
    assert cells == ["base", "1", "96.00", "96.00 - 96.00", "0.1000", "10", "1,000", "", ""]
