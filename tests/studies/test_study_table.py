"""The table of a study: errors, differences with their intervals, and the verdict."""

import numpy as np
import pandas as pd
import pytest
from example_study import line_of

from gtsrb.evaluation.intervals import track_bootstrap
from gtsrb.studies import study_table


def test_summarize():
    lines = pd.DataFrame(
        [
            line_of("base", 0, 0, {1: 4, 2: 2}),
            line_of("base", 0, 1, {1: 8}),
            line_of("better", 0, 0, {1: 1}),
            line_of("better", 0, 1, {}),
            line_of("one seed", 0, 1, {3: 10}),
        ]
    )
    table = study_table.summarize(lines, ["base", "better", "one seed", "not run"]).set_index("row")
    assert table.index.tolist() == ["base", "better", "one seed"]
    assert table.loc["base", ["runs", "errors", "images", "accuracy", "low", "high"]].tolist() == [2, 7, 100, 93, 92, 94]
    assert np.isnan(table.loc["base", "difference"])
    better = table.loc["better"]
    assert better["difference"] == pytest.approx(better["accuracy"] - 93.0) == pytest.approx(6.5)
    assert better["from"] == 0.0  # the gain is mostly from one track of ten, which a draw may miss
    assert better["to"] > 12
    assert table.loc["one seed", "difference"] == pytest.approx(-2.0)  # from the same seed of the base, 92 %


def test_a_verdict_needs_tracks_and_seeds_to_agree():
    every = {count: dict.fromkeys(range(10), count) for count in range(1, 8)}  # in every track, so the interval has no width
    errors = {
        "base": [every[3], every[4]],
        "better": [every[1], every[2]],
        "worse": [every[6], every[5]],
        "better by one seed": [every[3], {}],  # the interval excludes zero, but the first seed is no better than base's best
        "worse by one seed": [every[4], every[7]],
        "better by some tracks": [dict.fromkeys(range(5), 5)] * 2,  # 25 errors, base has 30 and 40; but half the tracks lose
        "one seed": [{}],
    }
    lines = pd.DataFrame([line_of(row, 0, seed, counts) for row, seeds in errors.items() for seed, counts in enumerate(seeds)])
    verdicts = study_table.summarize(lines, list(errors)).set_index("row")["verdict"].to_dict()
    assert verdicts == {
        "base": "",
        "better": "gains",
        "worse": "loses",
        "better by one seed": "tie",
        "worse by one seed": "tie",
        "better by some tracks": "tie",
        "one seed": "",
    }


def test_seeds_are_compared_over_all_folds():
    """A fold on which a row is not better does not make a tie; a seed without all folds is not compared."""
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
    assert study_table.summarize(complete, ["base", "better"])["verdict"].tolist() == ["", "gains"]
    table = study_table.summarize(complete, ["base", "better"]).set_index("row")
    assert table.loc["better", ["errors", "images", "low", "high"]].tolist() == [70, 200, 65, 65]
    assert study_table.errors_by_seed(lines[lines["row"] == "base"].set_index(["fold", "seed"])).tolist() == [90, 90]


def test_the_bootstrap_is_over_tracks_whatever_the_number_of_seeds():
    """Three seeds with the same errors have the interval of one."""
    rng = np.random.default_rng(0)
    errors = {(row, fold): dict(enumerate(rng.integers(0, 9, 10), 10 * fold)) for row in ("base", "a") for fold in (0, 1)}
    one_seed, three_seeds = (
        pd.DataFrame([line_of(*key, seed, counts) for key, counts in errors.items() for seed in range(seeds)])
        for seeds in (1, 3)
    )
    columns = ["errors", "images", "difference", "from", "to"]
    first, second = (study_table.summarize(lines, ["base", "a"])[columns].iloc[1].tolist() for lines in (one_seed, three_seeds))
    assert first == second
    gained = [errors["base", fold][track] - errors["a", fold][track] for fold in (0, 1) for track in errors["a", fold]]
    assert first[3:] == [bound / 2 for bound in track_bootstrap(np.array(gained))]  # in points of 200 images, over 20 tracks


def test_the_plot(tmp_path):
    lines = pd.DataFrame([line_of("base", 0, 0, {1: 4}), line_of("a", 0, 0, {})])
    study_table.plot(study_table.summarize(lines, ["base", "a"]), tmp_path / "study.png")
    assert (tmp_path / "study.png").read_bytes().startswith(b"\x89PNG")


def test_the_table_of_a_single_row():
    table = study_table.summarize(pd.DataFrame([line_of("base", 0, 0, {1: 4})]), ["base"])
    cells = [cell.strip() for cell in study_table.format_summary(table).splitlines()[-1].strip("|").split("|")]
    assert cells == ["base", "1", "4.0 of 100", "96.00", "96.00 - 96.00", "0.1000", "10", "1,000", "", ""]


def test_the_table_of_repetitions():

    lines = pd.DataFrame({"row": "a", "test_accuracy": [0.97, 0.98, 0.99], "test_errors": [3, 2, 1], "test_images": 100})
    cells = [cell.strip() for cell in study_table.format_repetitions(lines).splitlines()[-1].strip("|").split("|")]
    assert cells == ["a", "3", "98.000", "1.000", "2.0", "3, 2, 1"]
    assert [cell.strip() for cell in study_table.format_repetitions(lines[:1]).splitlines()[-1].split("|")][3:5] == [
        "97.000",
        "",
    ]


def test_errors_as_files_are_averaged_over_seeds_and_summed_over_folds():
    errors = {("base", 0, 0): 4, ("base", 0, 1): 6, ("base", 1, 0): 10}
    lines = pd.DataFrame([line_of(*key, {}) | {"errors_as_files": count} for key, count in errors.items()])
    text = study_table.format_summary(study_table.summarize(lines, ["base"]))
    header, _, base = ([cell.strip() for cell in line.split("|")] for line in text.splitlines())
    assert base[header.index("errors without boxes")] == "15.0"
    some = study_table.summarize(pd.concat([lines, pd.DataFrame([line_of("base", 2, 0, {})])]), ["base"])
    assert some["as_files"].isna().all()  # no figure where a fold has none
    without = study_table.summarize(lines.drop(columns="errors_as_files"), ["base"])
    assert "errors without boxes" not in study_table.format_summary(without)


def test_pictures_without_a_sign_have_a_column_once_they_are_measured():
    before = [line_of("base", 0, 0, {}), line_of("better", 0, 0, {})]
    assert "without a sign" not in study_table.format_summary(study_table.summarize(pd.DataFrame(before), ["base", "better"]))
    measured = pd.DataFrame([before[0], *(line_of("better", 0, seed, {}) | {"answered": 0.01 * seed} for seed in (0, 1))])
    text = study_table.format_summary(study_table.summarize(measured, ["base", "better"]))
    header, _, base, better = (line.split("|") for line in text.splitlines())
    column = [cell.strip() for cell in header].index("without a sign, %")
    assert (base[column].strip(), better[column].strip()) == ("", "0.50")
