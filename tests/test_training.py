"""The loop: what a batch holds, that every draw follows from (seed, epoch), and that a cut training ends like a whole one."""

import keras
import numpy as np
import pandas as pd
import pytest

from gtsrb import checkpoints, networks, optimisation, training
from gtsrb.errors import InputError
from gtsrb.params import Recipe

N, CLASSES, SIZE = 44, 3, 16
RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, CLASSES, N)
IMAGES = (RNG.integers(0, 100, (N, SIZE, SIZE, 3)) + 50 * LABELS[:, None, None, None]).astype("uint8")
TARGETS = np.eye(CLASSES, dtype="float32")[LABELS]


@pytest.fixture
def recipe(raw_params) -> Recipe:
    """A tiny network, four epochs of three batches (the last one short), augmented."""
    content = raw_params["train"]["augmented"]
    content |= {"epochs": 4, "batch_size": 16, "seed": 3, "device": "cpu"}
    content["network"] |= {"filters": [4], "dense_units": [8]}
    content["schedule"]["every"] = 2
    return Recipe.model_validate(content)


def fit(recipe: Recipe, folder, *, until: int | None = None) -> tuple[keras.Model, checkpoints.Progress]:
    """A training in a fresh model, as stages/train.py does it; ends after `until` epochs as if killed."""
    folder.mkdir(exist_ok=True)
    keras.utils.set_random_seed(recipe.seed)
    model = networks.build(recipe.network, size=SIZE, dtype="uint8", classes=CLASSES)
    optimizer = optimisation.build(recipe.optimizer, recipe.schedule, steps_per_epoch=3)
    model.compile(optimizer, loss=recipe.loss, metrics=["accuracy"], jit_compile=False)
    shorter = recipe.model_copy(update={"epochs": until}) if until else recipe
    progress = training.fit(model, shorter, train=(IMAGES, TARGETS), validation=(IMAGES[:20], TARGETS[:20]), folder=folder)
    return model, progress


def same(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    return all((a == b).all() for a, b in zip(first, second, strict=True))


def test_every_image_once_an_epoch_with_its_label(recipe):
    still = recipe.model_copy(update={"augmentation": None})
    source = training.batches(IMAGES, TARGETS, still, first_epoch=0)
    orders = []
    for _ in range(2):
        epoch = [next(source) for _ in range(training.steps_per_epoch(N, 16))]
        assert [len(images) for images, _ in epoch] == [16, 16, 12]
        images, targets = (np.concatenate(part) for part in zip(*epoch, strict=True))
        rows = [int(np.flatnonzero((image == IMAGES).all(axis=(1, 2, 3)))[0]) for image in images]
        assert sorted(rows) == list(range(N))
        assert (targets == TARGETS[rows]).all()
        orders.append(rows)
    assert orders[0] != orders[1]


def test_981_steps():
    assert training.steps_per_epoch(31_367, 32) == 981


def test_batches_from_a_later_epoch_are_those_of_the_whole_run(recipe):
    whole = training.batches(IMAGES, TARGETS, recipe, first_epoch=0)
    for _ in range(2 * 3):
        next(whole)
    later = training.batches(IMAGES, TARGETS, recipe, first_epoch=2)
    for _ in range(3):
        (images, targets), (images_later, targets_later) = next(whole), next(later)
        assert (images == images_later).all()
        assert (targets == targets_later).all()


def test_augmented_batches_move_pixels_and_keep_labels(recipe):
    still = recipe.model_copy(update={"augmentation": None})
    moved, targets = next(training.batches(IMAGES, TARGETS, recipe, first_epoch=0))
    plain, plain_targets = next(training.batches(IMAGES, TARGETS, still, first_epoch=0))
    assert (targets == plain_targets).all()
    assert all((a != b).any() for a, b in zip(moved, plain, strict=True))


def test_two_runs_are_the_same_to_the_bit(recipe, tmp_path):
    first, _ = fit(recipe, tmp_path / "a")
    second, _ = fit(recipe, tmp_path / "b")
    assert same(first.get_weights(), second.get_weights())
    assert (tmp_path / "a/history.csv").read_bytes() == (tmp_path / "b/history.csv").read_bytes()
    other, _ = fit(recipe.model_copy(update={"seed": 4}), tmp_path / "c")
    assert not same(first.get_weights(), other.get_weights())


@pytest.mark.parametrize("until", [1, 3])
def test_a_resumed_run_ends_like_a_whole_one(recipe, tmp_path, until):
    whole, progress = fit(recipe, tmp_path / "whole")
    fit(recipe, tmp_path / "cut", until=until)
    with (tmp_path / "cut/history.csv").open("a") as history:
        history.write(f"{until},0.5,0.01,1.0,")  # killed after the row was begun, before the state was kept
    resumed, resumed_progress = fit(recipe, tmp_path / "cut")
    assert same(whole.get_weights(), resumed.get_weights())
    assert same(progress.best_weights, resumed_progress.best_weights)
    assert progress.best_epoch == resumed_progress.best_epoch
    assert (tmp_path / "whole/history.csv").read_bytes() == (tmp_path / "cut/history.csv").read_bytes()


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_other_precisions_train_and_resume(recipe, tmp_path, precision):
    keras.config.set_dtype_policy(precision)
    try:
        whole, _ = fit(recipe, tmp_path / "whole")
        fit(recipe, tmp_path / "cut", until=2)
        resumed, _ = fit(recipe, tmp_path / "cut")
    finally:
        keras.config.set_dtype_policy("float32")
    assert same(whole.get_weights(), resumed.get_weights())
    assert np.isfinite(pd.read_csv(tmp_path / "whole/history.csv")["loss"]).all()


def test_history_and_best_weights(recipe, tmp_path):
    model, progress = fit(recipe, tmp_path)
    history = pd.read_csv(tmp_path / "history.csv")
    assert list(history) == ["epoch", "accuracy", "learning_rate", "loss", "val_accuracy", "val_loss"]
    assert history["epoch"].tolist() == [0, 1, 2, 3]
    closed_form = [0.01 * 0.1 ** (epoch // 2) / (1 + 1e-6 * 3 * epoch) for epoch in range(4)]
    np.testing.assert_allclose(history["learning_rate"], closed_form, rtol=1e-6)
    assert progress.best_epoch == history["val_loss"].idxmin()
    assert progress.epochs == 4
    assert progress.seconds > 0
    model.set_weights(progress.best_weights)
    loss = model.evaluate(IMAGES[:20], TARGETS[:20], verbose=0, batch_size=20)[0]
    assert loss == pytest.approx(history["val_loss"].min(), rel=1e-5)


def test_dropout_draws_anew_each_epoch_and_alike_each_run(recipe):
    model = networks.build(recipe.network, size=SIZE, dtype="uint8", classes=CLASSES)
    seeds = training.EpochSeeds(3)
    seeds.set_model(model)
    outs = []
    for epoch in (0, 1, 0):
        seeds.on_epoch_begin(epoch)
        outs.append(np.asarray(model(IMAGES, training=True)))
    assert (outs[0] != outs[1]).any()
    assert (outs[0] == outs[2]).all()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Keras' CSVLogger leaves its file open
def test_a_loss_that_is_not_a_number_ends_in_one_line(recipe, tmp_path):
    wild = recipe.model_copy(update={"optimizer": recipe.optimizer.model_copy(update={"learning_rate": 1e38})})
    with pytest.raises(InputError, match=r"loss (nan|inf), val_loss (nan|inf) after epoch 0; try a lower learning rate"):
        fit(wild, tmp_path)
    assert not (tmp_path / "state.npz").exists()


def test_the_folder_is_keyed_by_params_and_data_and_deleted_on_success(recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "data"
    data.mkdir()
    (data / "images.npy").write_bytes(b"1")
    key = checkpoints.fingerprint(recipe, data)
    assert key == checkpoints.fingerprint(recipe, data)
    assert key != checkpoints.fingerprint(recipe.model_copy(update={"epochs": 5}), data)
    (data / "images.npy").write_bytes(b"2")
    assert key != checkpoints.fingerprint(recipe, data)

    with pytest.raises(RuntimeError), checkpoints.reserved(recipe, data):
        raise RuntimeError
    assert list(checkpoints.ROOT.iterdir())
    with checkpoints.reserved(recipe, data) as folder:
        assert folder.is_dir()
        with (
            pytest.raises(InputError, match="this training already runs in another process"),
            checkpoints.reserved(recipe, data),
        ):
            pass
    assert not list(checkpoints.ROOT.iterdir())
