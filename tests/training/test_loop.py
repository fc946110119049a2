"""Trainings: repeatable to the bit, the members of an ensemble, moving averages, and what is recorded of them."""

import keras
import numpy as np
import pandas as pd
import pytest
from example_training import CLASSES, IMAGES, LABELS, MACHINE, SIZE, TRAIN, VALIDATION, N, equal, fit

from gtsrb.config.augmentation import Flips
from gtsrb.config.train import AllPhotographs, Recipe, SyntheticShare, TrackFold
from gtsrb.data.arrays import Arrays, Sources
from gtsrb.data.labels import WITHOUT_SIGN
from gtsrb.data.sign_names import SIGN_NAMES
from gtsrb.errors import InputError
from gtsrb.networks import inference
from gtsrb.parallel import IN_PROCESS
from gtsrb.training import batches, loop
from gtsrb.training.batches import Examples
from gtsrb.training.split import split


def train_member(recipe: Recipe, folder, *, number: int = 0, validation=VALIDATION) -> loop.Member:
    return loop.train_member(recipe, number, train=TRAIN, validation=validation, machine=MACHINE, folder=folder)


@pytest.mark.seconds
def test_two_trainings_are_the_same_to_the_bit(recipe, tmp_path):
    first, _ = fit(recipe, tmp_path / "first")
    second, _ = fit(recipe, tmp_path / "second")
    assert equal(first.get_weights(), second.get_weights())
    assert (tmp_path / "first/history.csv").read_bytes() == (tmp_path / "second/history.csv").read_bytes()
    other_seed, _ = fit(recipe.model_copy(update={"seed": 4}), tmp_path / "other seed")
    assert not equal(first.get_weights(), other_seed.get_weights())


@pytest.mark.seconds
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_each_epoch_trains_on_its_batches_in_order(recipe, tmp_path, monkeypatch, workers):
    """However many workers prepare them, some of them ahead."""
    images = []

    class Recorder(keras.Sequential):
        def train_step(self, data):
            images.append(data[0])
            return super().train_step(data)

    monkeypatch.setattr(batches, "WORKERS", workers)
    model = Recorder([keras.Input((SIZE, SIZE, 3)), keras.layers.Flatten(), keras.layers.Dense(CLASSES)])
    model.compile("sgd", loss=recipe.loss, metrics=["accuracy"], run_eagerly=True)
    loop.fit(model, recipe, train=TRAIN, validation=VALIDATION, folder=tmp_path)
    assert len(images) == 4 * 3
    for epoch in range(4):
        expected = batches.TrainingBatches(TRAIN, recipe, epoch=epoch)
        assert all((np.asarray(images[3 * epoch + step]) == expected[step][0]).all() for step in range(3))


@pytest.mark.seconds
@pytest.mark.parametrize(("workers", "prefetches"), [(batches.WORKERS, False), (1, True)])
def test_tf_data_does_not_autotune(recipe, tmp_path, monkeypatch, workers, prefetches):
    """Training, validation and prediction would each wait for it at their end; Keras turns it on together with `prefetch`."""
    import tensorflow as tf

    calls, prefetch = [], tf.data.Dataset.prefetch
    monkeypatch.setattr(tf.data.Dataset, "prefetch", lambda self, size: calls.append(size) or prefetch(self, size))
    monkeypatch.setattr(batches, "WORKERS", workers)
    train_member(recipe, tmp_path)
    assert bool(calls) == prefetches


@pytest.mark.seconds
def test_history_and_best_weights(recipe, tmp_path, capsys):
    model, progress = fit(recipe, tmp_path)
    printed = capsys.readouterr()
    history = pd.read_csv(tmp_path / "history.csv")
    assert list(history) == ["epoch", "accuracy", "learning_rate", "loss", "val_accuracy", "val_loss"]
    assert history["epoch"].tolist() == [0, 1, 2, 3]
    closed_form = [0.01 * 0.1 ** (epoch // 2) / (1 + 1e-6 * 3 * epoch) for epoch in range(4)]
    np.testing.assert_allclose(history["learning_rate"], closed_form, rtol=1e-6)
    assert progress.best_epoch == history["val_loss"].idxmin()
    assert progress.epochs == 4
    assert len(progress.spans) == 4 and all(start < end for start, end in progress.spans)
    assert 0 < progress.fit_seconds < sum(end - start for start, end in progress.spans)
    model.set_weights(progress.best_weights)
    loss = model.evaluate(*VALIDATION.read(np.s_[:]), verbose=0, batch_size=20)[0]
    assert loss == pytest.approx(history["val_loss"].min(), rel=1e-5)

    lines = [line.split() for line in printed.out.splitlines()]
    assert [line[:2] for line in lines] == [["epoch", f"{epoch}/4"] for epoch in (1, 2, 3, 4)]
    assert [float(line[line.index("val_loss") + 1]) for line in lines] == pytest.approx(history["val_loss"], abs=1e-4)
    assert not printed.err  # bars are for terminals only


@pytest.mark.seconds
def test_a_member_holds_the_result_of_fit(recipe, tmp_path):
    model, progress = fit(recipe.model_copy(update={"seed": recipe.seeds[0]}), tmp_path / "fit")
    member = train_member(recipe, tmp_path / "member")
    assert equal(member.last_weights, model.get_weights())
    assert equal(member.best_weights, progress.best_weights)
    assert (member.best_epoch, member.parameters) == (progress.best_epoch, model.count_params())
    np.testing.assert_allclose(member.probabilities, inference.predict(model, VALIDATION.images))
    assert list(member.history) == loop.HISTORY


@pytest.mark.seconds
def test_members_differ_only_by_their_seed(recipe, tmp_path):
    two, three = (recipe.model_copy(update={"members": members}) for members in (2, 3))
    first, second = (train_member(two, tmp_path / f"{number}", number=number) for number in (0, 1))
    second_of_three = train_member(three, tmp_path / "three", number=1)
    assert not equal(first.last_weights, second.last_weights)
    assert equal(second.last_weights, second_of_three.last_weights)  # a third member does not change the others
    model, _ = fit(recipe.model_copy(update={"seed": two.seeds[1]}), tmp_path / "fit")
    assert equal(second.last_weights, model.get_weights())


def test_seeds_of_members_are_independent(recipe):
    """Ensembles of neighbouring seeds share no network, and another member does not change those before it."""
    seeds = [recipe.model_copy(update={"seed": seed, "members": 100}).seeds for seed in range(20)]
    assert len({seed for ensemble in seeds for seed in ensemble}) == 20 * 100
    assert recipe.model_copy(update={"seed": 7, "members": 3}).seeds == seeds[7][:3]
    assert all(isinstance(seed, int) and 0 <= seed < 2**32 for seed in seeds[0])


@pytest.mark.seconds
def test_a_finished_member_is_only_loaded(recipe, tmp_path, capsys):
    first = train_member(recipe, tmp_path)
    again = train_member(recipe, tmp_path)
    assert "resumed after 4 of 4 epochs" in capsys.readouterr().out
    assert equal(first.last_weights, again.last_weights)
    assert equal(first.best_weights, again.best_weights) and first.best_epoch == again.best_epoch
    assert (first.seconds, first.fit_seconds) == (again.seconds, again.fit_seconds)
    assert (first.probabilities == again.probabilities).all()


@pytest.mark.seconds
def test_metrics_of_one_member_and_of_an_ensemble(recipe, tmp_path):
    members = [train_member(recipe.model_copy(update={"members": 2}), tmp_path / f"{i}", number=i) for i in (0, 1)]
    rows = np.arange(20)
    single = loop.training_metrics(loop.TrainedRecipe(members[:1], rows, rows, len(rows)), LABELS[:20])
    last_epoch = members[0].history.iloc[-1]
    assert single["val_accuracy"] == pytest.approx(last_epoch["val_accuracy"], abs=1e-6)
    assert single["val_loss"] == pytest.approx(last_epoch["val_loss"], rel=1e-4)
    assert single["best_val_loss"] == members[0].history["val_loss"].min()
    trained = loop.TrainedRecipe(members, rows, rows, len(rows))
    mean = (members[0].probabilities + members[1].probabilities) / 2
    np.testing.assert_allclose(trained.probabilities, mean, rtol=1e-6)
    np.testing.assert_allclose(trained.history["loss"], (members[0].history["loss"] + members[1].history["loss"]) / 2)
    ensemble = loop.training_metrics(trained, LABELS[:20])
    assert ensemble["val_accuracy"] == pytest.approx((mean.argmax(axis=1) == LABELS[:20]).mean())
    assert ensemble["members"]["member0"]["val_accuracy"] == single["val_accuracy"]
    assert ensemble["members"].keys() == {"member0", "member1"}
    assert ensemble["seconds"] == pytest.approx(sum(member.seconds for member in members), abs=0.1)
    assert ensemble["fit_seconds"] == pytest.approx(sum(member.fit_seconds for member in members), abs=0.1)
    assert ensemble["elapsed_seconds"] == ensemble["seconds"]  # one after the other


@pytest.mark.seconds
def test_every_member_is_trained_on_the_recipes_split(recipe, tmp_path):
    fold = TrackFold(split="tracks", folds=4, fold=1, seed=0)
    recipe = recipe.model_copy(update={"members": 2, "validation": fold, "epochs": 2})
    data = Arrays(IMAGES, LABELS, np.arange(N) // 2)
    none = Arrays(*(array[:0] for array in data))
    for images, folder in ((data, "train"), (none, "none")):
        (tmp_path / folder).mkdir()
        for name, array in images._asdict().items():
            np.save(tmp_path / folder / f"{name}.npy", array)
    sources = Sources(tmp_path / "train", tmp_path / "none")
    trained = loop.train(recipe, sources, classes=CLASSES, folder=tmp_path, workers=IN_PROCESS)
    assert trained.images_per_epoch == len(trained.train_rows)
    train_rows, validation_rows = split(LABELS, data.tracks, fold)
    assert (trained.train_rows == train_rows).all() and (trained.validation_rows == validation_rows).all()
    expected = loop.train_member(
        recipe,
        1,
        train=Examples(IMAGES[train_rows], LABELS[train_rows], CLASSES),
        validation=Examples(IMAGES[validation_rows], LABELS[validation_rows], CLASSES),
        machine=MACHINE,
        folder=tmp_path / "expected",
    )
    assert equal(trained.members[1].last_weights, expected.last_weights)
    assert not equal(trained.members[0].last_weights, expected.last_weights)
    assert trained.probabilities.shape == (len(validation_rows), CLASSES)


@pytest.mark.seconds
@pytest.mark.parametrize("validates", [True, False])
def test_photographs_do_not_train_beside_a_share_of_1(recipe, tmp_path, validates):
    alone = SyntheticShare(set="drawn", share=1.0)
    validation = AllPhotographs(split="all") if validates else None
    recipe = recipe.model_copy(update={"synthetic": alone, "validation": validation, "epochs": 2})
    synthetic = Arrays(IMAGES[20:], LABELS[20:], np.arange(N - 20))
    trained = []
    for folder, photographs in (("some", IMAGES[:20]), ("others", 255 - IMAGES[:20])):
        sources = Sources(Arrays(photographs, LABELS[:20], np.arange(20)), synthetic)
        trained.append(loop.train(recipe, sources, classes=CLASSES, folder=tmp_path / folder, workers=IN_PROCESS))
    some, others = trained
    assert len(some.train_rows) == 0 and len(some.validation_rows) == 20 * validates and some.images_per_epoch == N - 20
    assert equal(some.members[0].last_weights, others.members[0].last_weights)
    assert (some.members[0].probabilities != others.members[0].probabilities).any() == validates


@pytest.mark.seconds
def test_without_validation_images_validation_metrics_are_empty(recipe, tmp_path):
    none = Examples(IMAGES[:0], LABELS[:0], CLASSES)
    member = train_member(recipe.model_copy(update={"validation": None}), tmp_path / "without", validation=none)
    assert member.best_weights == []
    assert member.history[["val_accuracy", "val_loss"]].isna().all(axis=None)
    assert member.history[["epoch", "accuracy", "loss", "learning_rate"]].notna().all(axis=None)
    assert member.probabilities.shape == (0, CLASSES)
    trained = loop.TrainedRecipe([member], np.arange(N), np.arange(0), N)
    assert loop.training_metrics(trained, LABELS[:0])["val_accuracy"] is None
    with_validation = train_member(recipe, tmp_path / "with")
    assert equal(member.last_weights, with_validation.last_weights)  # validation does not change the training


def test_flips_of_a_class_that_the_data_set_does_not_have(recipe):
    names, none = ["stop", "yield", "exit"][:CLASSES], np.array([WITHOUT_SIGN])
    loop.check_classes(recipe, names, none)
    flips = Flips(left_right=[[1, 2]], top_bottom=[], half_turn=[[0, 0]])
    recipe = recipe.model_copy(update={"augmentation": recipe.augmentation.model_copy(update={"flips": flips})})
    loop.check_classes(recipe, names, none)
    with pytest.raises(InputError, match="names class 2; the data set has classes 0 to 1"):
        loop.check_classes(recipe, names[:2], none)


def test_drawings_of_signs_that_the_data_set_does_not_have(recipe):
    drawn = np.array([WITHOUT_SIGN, 42])
    loop.check_classes(recipe, list(SIGN_NAMES), drawn)
    with pytest.raises(InputError, match="its drawings are of the 43 signs of GTSRB, and the data set has other classes"):
        loop.check_classes(recipe, [f"class {number}" for number in range(43)], drawn)


@pytest.mark.seconds
def test_moving_averages_are_validated_saved_and_resumed(recipe, tmp_path):
    averaging = recipe.model_copy(update={"optimizer": recipe.optimizer.model_copy(update={"ema_momentum": 0.8})})
    averaged = train_member(averaging, tmp_path / "averaged")
    assert not equal(averaged.last_weights, train_member(recipe, tmp_path / "not averaged").last_weights)
    last_epoch = averaged.history.iloc[-1]
    accuracy = (averaged.probabilities.argmax(axis=1) == LABELS[:20]).mean()
    assert last_epoch["val_accuracy"] == pytest.approx(accuracy, abs=1e-6)  # validation and prediction use the averages
    loss = -np.log(averaged.probabilities[np.arange(20), LABELS[:20]]).mean()
    assert last_epoch["val_loss"] == pytest.approx(loss, rel=1e-4)
    fit(averaging.model_copy(update={"seed": averaging.seeds[0]}), tmp_path / "resumed", until=2)
    resumed = train_member(averaging, tmp_path / "resumed")
    assert equal(averaged.last_weights, resumed.last_weights)
    assert equal(averaged.best_weights, resumed.best_weights)


@pytest.mark.seconds
def test_the_dtype_policy_decides_the_precision(recipe, tmp_path):
    of_float32 = train_member(recipe, tmp_path / "float32")
    keras.config.set_dtype_policy("mixed_bfloat16")
    of_bfloat16 = train_member(recipe, tmp_path / "bfloat16")
    assert keras.config.dtype_policy().name == "mixed_bfloat16"
    assert not equal(of_bfloat16.last_weights, of_float32.last_weights)
