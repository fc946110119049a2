"""The stage on a few images: each is predicted by the network that has not seen its sign, and a killed run resumes."""

import json
import shutil
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT
from example_training import CLASSES, IMAGES, LABELS
from small_project import shrink_params

from gtsrb.config import params
from gtsrb.data.arrays import Sources
from gtsrb.errors import InputError
from gtsrb.outputs import write_array, write_csv
from gtsrb.parallel import IN_PROCESS, InProcess, Workers
from gtsrb.training import loop
from stages import crossvalidate

TRACKS = np.arange(len(LABELS)) // 2 * CLASSES + LABELS  # two images of a class in a row are a sign
OUTPUTS = ("probabilities", "folds")


@pytest.fixture
def name(tmp_path, monkeypatch) -> str:
    """The recipe that is cross-validated in the current directory, with arrays of a few images."""
    monkeypatch.chdir(tmp_path)
    content = shrink_params(yaml.safe_load((ROOT / "params.yaml").read_text()))
    name = next(iter(content["crossvalidate"]))
    content["train"][name] |= {"epochs": 2, "members": 3, "deterministic": True, "device": "cpu"}
    Path("params.yaml").write_text(yaml.safe_dump(content))
    variant_dir = Path(f"data/processed/{content['train'][name]['images']}")
    for array_name, array in {"images": IMAGES, "labels": LABELS, "tracks": TRACKS}.items():
        write_array(variant_dir / f"train/{array_name}.npy", array)
        write_array(variant_dir / f"none/{array_name}.npy", array[:0])
    write_csv(Path("data/raw/classes.csv"), pd.DataFrame({"class_id": range(CLASSES), "name": ["a", "b", "c"]}))
    monkeypatch.setattr(sys, "argv", ["crossvalidate", name])
    return name


def read_outputs(name: str) -> list[np.ndarray]:
    return [np.load(f"data/crossvalidation/{name}/{output}.npy") for output in OUTPUTS]


@pytest.mark.seconds
def test_each_image_is_predicted_by_the_network_that_has_not_seen_its_sign(name):
    crossvalidate.main()
    probabilities, folds = read_outputs(name)
    assert (probabilities.dtype, probabilities.shape, set(folds)) == (np.float32, (len(LABELS), CLASSES), {0, 1})
    assert not set(TRACKS[folds == 0]) & set(TRACKS[folds == 1])
    content = params.load()
    recipe = content.train[name]
    of_fold = content.crossvalidate[name].fold_recipes(recipe)[1]
    assert of_fold.seeds == recipe.seeds[:1]
    sources = Sources(*loop.source_dirs(recipe))
    trained = loop.train(of_fold, sources, classes=CLASSES, folder=Path("again"), workers=IN_PROCESS)
    assert (trained.validation_rows == np.flatnonzero(folds == 1)).all()
    assert (trained.probabilities == probabilities[folds == 1]).all()
    metrics = json.loads(Path(f"metrics/{name}/crossvalidation.json").read_text())
    assert metrics["folds"]["fold1"]["val_accuracy"] == pytest.approx(
        (trained.probabilities.argmax(axis=1) == LABELS[folds == 1]).mean(), abs=1e-6
    )
    assert metrics["seconds"] == pytest.approx(sum(fold["seconds"] for fold in metrics["folds"].values()), abs=0.2)
    assert metrics["elapsed_seconds"] == metrics["seconds"]  # one after the other


def test_no_fold_trains_on_a_sign_that_it_predicts(name, monkeypatch):
    """All folds, whose results come back in another order than they began."""
    seen = {}

    def train_member(recipe, number, *, train, validation, **_):
        fold = recipe.validation.fold
        seen[fold] = train.images.rows, validation.images.rows
        probabilities = np.full((len(validation.labels), CLASSES), fold, np.float32)
        return SimpleNamespace(probabilities=probabilities, seconds=0.0, fit_seconds=0.0, spans=[], device="none")

    class Backwards(Workers):
        def run(self, calls):
            yield from reversed([*super().run(calls)])

    monkeypatch.setattr(loop, "train_member", train_member)
    monkeypatch.setattr(loop, "open_trainers", lambda *_: nullcontext(Backwards(InProcess(), 1)))
    crossvalidate.main()
    probabilities, folds = read_outputs(name)
    for fold, (trained, held_out) in seen.items():
        assert not set(TRACKS[trained]) & set(TRACKS[held_out])
        assert (folds[held_out] == fold).all() and (probabilities[held_out] == fold).all()
    assert sorted(np.concatenate([held_out for _, held_out in seen.values()])) == list(range(len(LABELS)))


@pytest.mark.seconds
def test_a_killed_run_resumes_and_ends_with_the_same_predictions(name, monkeypatch, capsys):
    train_member = loop.train_member

    def fails_on_the_second_fold(recipe, *arguments, **options):
        if recipe.validation.fold == 1:
            raise KeyboardInterrupt
        return train_member(recipe, *arguments, **options)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop, "train_member", fails_on_the_second_fold)
        crossvalidate.main()
    assert not Path("data/crossvalidation").exists()
    crossvalidate.main()
    assert capsys.readouterr().out.count("resumed after 2 of 2 epochs") == 1
    assert not list(Path(".checkpoints").glob("*/*/fold*"))
    resumed = read_outputs(name)
    shutil.rmtree("data/crossvalidation")
    crossvalidate.main()
    assert all((a == b).all() for a, b in zip(resumed, read_outputs(name), strict=True))


@pytest.mark.parametrize(
    ("tracks", "message"),
    [
        (LABELS, "crossvalidate: class 0 has a single training sign, which cannot be held out and trained on; add signs"),
        (TRACKS, "validation: 40 signs with at most 17 images per class are too few for 40 folds; add signs"),
    ],
    ids=["one sign of a class", "more folds than images of a class"],
)
def test_too_few_signs_are_one_line_before_any_training(name, tracks, message):
    content = yaml.safe_load(Path("params.yaml").read_text())
    content["crossvalidate"][name]["folds"] = 40
    Path("params.yaml").write_text(yaml.safe_dump(content))
    write_array(Path(f"data/processed/{content['train'][name]['images']}/train/tracks.npy"), tracks)
    with pytest.raises(InputError) as error:
        crossvalidate.main()
    assert str(error.value).startswith(message.replace("40 signs", f"{len(set(TRACKS))} signs")) and "\n" not in str(
        error.value
    )
    assert not Path(".checkpoints").exists()
