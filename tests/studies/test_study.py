"""A study's file, its runs, and the hash of a row's params."""

import pandas as pd
import pytest
import yaml
from example_study import CONTENT, PARAMS, REPEATED

from gtsrb.config.train import TrackFold
from gtsrb.errors import InputError
from gtsrb.studies import study
from gtsrb.studies.study import Study


def list_runs(**changes: object) -> list[study.Run]:
    return study.list_runs(Study.model_validate(CONTENT | changes), PARAMS)


def test_runs_are_the_rows_on_each_fold_with_each_seed():
    runs = list_runs()
    rows = ["base", "batch_normalization"]
    assert [(run.row, run.fold, run.seed) for run in runs] == [(row, f, s) for s in (0, 7) for f in (0, 3) for row in rows]
    last = runs[-1].recipe
    assert (last.seed, last.epochs, last.network.batch_normalization) == (7, 1, True)
    assert last.validation == TrackFold(split="tracks", folds=5, fold=3, seed=0)
    assert not any(run.is_tested for run in runs)


def test_a_row_may_change_how_its_networks_predict():
    views = "[{rotation:0.0,shift_x:0.0,shift_y:0.0,zoom:1.0},{rotation:5.0,shift_x:0.0,shift_y:0.0,zoom:1.0}]"
    base, several_views = list_runs(
        rows={"base": [], "views": [f"+evaluate.augmented.test_time_augmentation={views}"]}, folds=[0], seeds=[0]
    )
    assert several_views.recipe == base.recipe
    assert len(several_views.evaluation.test_time_augmentation) == 2
    assert several_views.params != base.params


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"common": ["~train.augmented.validation"]},
            "row base: a study compares rows on folds of whole tracks; add two lines to common: ~train.RECIPE.vali",
        ),
        ({"folds": [5]}, "row base: fold 5: there are 5 folds, 0 to 4"),
        ({"recipe": "nobody"}, "row base: recipe 'nobody': expected one of params.yaml: baseline, "),
        ({"rows": {"a": [], "b": ["train.augmented.epoch=3"]}}, "row b: "),
        (
            {"rows": {"a": [], "b": ["train.augmented.epochs=0"]}},
            "row b: params.yaml: train.augmented.epochs = 0: input should",
        ),
        ({"rows": {"a": [], "b": ["train.augmented.device=cpu"]}}, "rows differ in device: auto and cpu; set the same"),
        (
            {"rows": {"a": [], "b": ["train.augmented.validation.seed=1"]}},
            "rows differ in validation.seed: 0 and 1; set the same",
        ),
    ],
)
def test_a_study_that_cannot_run_is_a_one_line_error(changes, message):
    with pytest.raises(InputError) as error:
        list_runs(**changes)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("recipe: [", ""),
        ("- a", "the whole file = ['a']"),
        (None, ""),
        (yaml.safe_dump(CONTENT | {"fold": 1}), "unknown key 'fold'; expected one of recipe, common, folds"),
        (yaml.safe_dump(CONTENT | {"folds": []}), "folds = []: a study compares rows on validation folds"),
        (yaml.safe_dump(CONTENT | {"seeds": [1, 1]}), "seeds = [1, 1]: expected each number once"),
        (yaml.safe_dump(CONTENT | {"test": True}), "test: true repeats a committed recipe"),
        (yaml.safe_dump(REPEATED | {"rows": {"a": [], "b": []}}), "test: true repeats a committed"),
        (yaml.safe_dump(REPEATED | {"rows": {"a": ["train.baseline.epochs=1"]}}), "test: true repeats"),
        (yaml.safe_dump(REPEATED | {"common": ["train.baseline.epochs=1"]}), "test: true repeats"),
    ],
)
def test_an_invalid_file_is_a_one_line_error(tmp_path, content, message):
    path = tmp_path / "study.yaml"
    if content:
        path.write_text(content)
    with pytest.raises(InputError) as error:
        study.read(path)
    assert str(error.value).startswith(f"{path}: {message}")
    assert "\n" not in str(error.value)


def test_all_runs_of_a_row_have_the_same_hash():
    hashes = pd.DataFrame([(run.row, run.params) for run in list_runs()], columns=["row", "params"])
    assert hashes.groupby("row")["params"].nunique().tolist() == [1, 1]
    assert hashes["params"].nunique() == 2


@pytest.mark.parametrize(
    ("override", "same"),
    [
        ("train.augmented.seed=5", True),
        ("train.augmented.validation.fold=2", True),
        ("train.baseline.epochs=9", True),  # of another recipe
        ("preprocess.plain.image_size=64", True),  # of another variant
        ("train.augmented.validation.seed=2", False),
        ("train.augmented.epochs=2", False),
        ("preprocess.equalized.image_size=64", False),
        ("+train.augmented.optimizer.gradient_clip=1.0", False),
    ],
)
def test_what_the_hash_of_params_covers(override, same):
    (first, *_), (second, *_) = (list_runs(common=CONTENT["common"] + more) for more in ([], [override]))

    assert (first.params == second.params) == same
