"""The loop: what a batch holds, that every draw follows from (seed, epoch), and that a cut training ends like a whole one."""

import keras
import numpy as np
import pandas as pd
import pytest

from gtsrb.config.augmentation import Flips
from gtsrb.config.train import Recipe, ReduceOnPlateau, TrackFold
from gtsrb.data.arrays import Arrays
from gtsrb.errors import InputError
from gtsrb.networks import inference
from gtsrb.networks.build import build_network
from gtsrb.training import batches, callbacks, checkpoints, loop
from gtsrb.training.optimizers import build_optimizer
from gtsrb.training.split import split

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
    keras.utils.set_random_seed(recipe.seed)
    model = build_network(recipe.network, size=SIZE, channels=3, dtype="uint8", classes=CLASSES)
    optimizer = build_optimizer(recipe.optimizer, recipe.schedule, steps_per_epoch=3, epochs=recipe.epochs)
    model.compile(optimizer, loss=recipe.loss, metrics=["accuracy"], jit_compile=False)
    shorter = recipe.model_copy(update={"epochs": until}) if until else recipe
    progress = loop.fit(model, shorter, train=(IMAGES, TARGETS), validation=(IMAGES[:20], TARGETS[:20]), folder=folder)
    return model, progress


def train_member(recipe: Recipe, folder, *, number: int = 0, validation: int = 20) -> loop.Member:
    """As `training.train` does it, with so many validation images."""
    return loop.train_member(
        recipe,
        number,
        train=(IMAGES, TARGETS),
        validation=(IMAGES[:validation], TARGETS[:validation]),
        jit_compile=False,
        folder=folder,
    )


def same(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    return all((a == b).all() for a, b in zip(first, second, strict=True))


def test_every_image_once_an_epoch_with_its_label(recipe):
    source = batches.Batches(IMAGES, TARGETS, recipe.model_copy(update={"augmentation": None}), epoch=0)
    assert len(source) == 3
    orders = []
    for epoch in range(2):
        source.start(epoch)
        epoch = [source[step] for step in range(3)]
        assert [len(images) for images, _ in epoch] == [16, 16, 12]
        images, targets = (np.concatenate(part) for part in zip(*epoch, strict=True))
        rows = [int(np.flatnonzero((image == IMAGES).all(axis=(1, 2, 3)))[0]) for image in images]
        assert sorted(rows) == list(range(N))
        assert (targets == TARGETS[rows]).all()
        orders.append(rows)
    assert orders[0] != orders[1]


def test_981_steps():
    assert batches.steps_per_epoch(31_367, 32) == 981


def test_a_batch_is_a_function_of_seed_epoch_and_step(recipe):
    """In whatever order the workers ask; and those of two epochs, steps or seeds differ, of the same images too."""
    source = batches.Batches(IMAGES, TARGETS, recipe, epoch=2)
    later, first = source[2], source[0]
    source.start(0)
    other = source[0]
    source.start(2)
    again = batches.Batches(IMAGES, TARGETS, recipe, epoch=2)
    for one, two in ((later, again[2]), (first, again[0]), (first, source[0])):
        assert all((a == b).all() for a, b in zip(one, two, strict=True))
    assert (first[0] != other[0]).any()
    same_images = batches.Batches(IMAGES[[0] * N], TARGETS[[0] * N], recipe, epoch=0)
    draws = [same_images[0][0], same_images[1][0]]
    for epoch, seed in ((1, 3), (0, 4)):
        anew = recipe.model_copy(update={"seed": seed})
        draws.append(batches.Batches(IMAGES[[0] * N], TARGETS[[0] * N], anew, epoch=epoch)[0][0])
    assert all((draws[i] != draws[j]).any() for i in range(4) for j in range(i))


def test_augmented_batches_move_pixels_and_keep_labels(recipe):
    moved, targets = batches.Batches(IMAGES, TARGETS, recipe, epoch=0)[0]
    still = recipe.model_copy(update={"augmentation": None})
    plain, plain_targets = batches.Batches(IMAGES, TARGETS, still, epoch=0)[0]
    assert (targets == plain_targets).all()
    assert all((a != b).any() for a, b in zip(moved, plain, strict=True))


@pytest.mark.seconds
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_each_epoch_trains_on_its_own_batches_in_order(recipe, tmp_path, monkeypatch, workers):
    """However many workers make them, some of them ahead: what the network has been shown."""
    shown = []

    class Recording(keras.Sequential):
        def train_step(self, data):
            shown.append(data[0])
            return super().train_step(data)

    monkeypatch.setattr(batches, "WORKERS", workers)
    model = Recording([keras.Input((SIZE, SIZE, 3)), keras.layers.Flatten(), keras.layers.Dense(CLASSES)])
    model.compile("sgd", loss=recipe.loss, metrics=["accuracy"], run_eagerly=True)
    loop.fit(model, recipe, train=(IMAGES, TARGETS), validation=(IMAGES[:20], TARGETS[:20]), folder=tmp_path)
    assert len(shown) == 4 * 3
    for epoch in range(4):
        expected = batches.Batches(IMAGES, TARGETS, recipe, epoch=epoch)
        assert all((np.asarray(shown[3 * epoch + step]) == expected[step][0]).all() for step in range(3))


@pytest.mark.seconds
@pytest.mark.parametrize(("workers", "asked"), [(batches.WORKERS, False), (1, True)])
def test_nothing_is_left_to_the_autotuning_of_tf_data(recipe, tmp_path, monkeypatch, workers, asked):
    """Training, validation and prediction would each wait for it at their end; Keras asks for it together with `prefetch`."""
    import tensorflow as tf

    calls, prefetch = [], tf.data.Dataset.prefetch
    monkeypatch.setattr(tf.data.Dataset, "prefetch", lambda self, size: calls.append(size) or prefetch(self, size))
    monkeypatch.setattr(batches, "WORKERS", workers)
    train_member(recipe, tmp_path)
    assert bool(calls) == asked


@pytest.mark.seconds
def test_two_runs_are_the_same_to_the_bit(recipe, tmp_path):
    first, _ = fit(recipe, tmp_path / "a")
    second, _ = fit(recipe, tmp_path / "b")
    assert same(first.get_weights(), second.get_weights())
    assert (tmp_path / "a/history.csv").read_bytes() == (tmp_path / "b/history.csv").read_bytes()
    other, _ = fit(recipe.model_copy(update={"seed": 4}), tmp_path / "c")
    assert not same(first.get_weights(), other.get_weights())


@pytest.mark.seconds
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


@pytest.mark.seconds
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
    assert progress.seconds > 0
    model.set_weights(progress.best_weights)
    loss = model.evaluate(IMAGES[:20], TARGETS[:20], verbose=0, batch_size=20)[0]
    assert loss == pytest.approx(history["val_loss"].min(), rel=1e-5)

    lines = [line.split() for line in printed.out.splitlines()]
    assert [line[:2] for line in lines] == [["epoch", f"{epoch}/4"] for epoch in (1, 2, 3, 4)]
    assert [float(line[line.index("val_loss") + 1]) for line in lines] == pytest.approx(history["val_loss"], abs=1e-4)
    assert not printed.err  # an epoch's bar is a terminal's


def test_the_lines_of_epochs_are_aligned(capsys):
    lines = callbacks.EpochLines()
    lines.set_params({"epochs": 30, "steps": 1})
    for epoch, accuracy, rate in [(0, 0.01, 0.01), (9, 0.5, 1e-3), (29, 1.0, 1.23456e-5)]:
        lines.on_epoch_begin(epoch)
        lines.on_train_batch_end(0)
        lines.on_epoch_end(epoch, {"loss": 2 - accuracy, "accuracy": accuracy, "learning_rate": rate})
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "epoch  1/30  loss 1.9900  accuracy   1.00%  learning_rate 0.01      0 s"
    assert len({len(line) for line in shown}) == 1 and "val" not in shown[0]


def test_dropout_draws_anew_each_epoch_and_alike_each_run(recipe):
    model = build_network(recipe.network, size=SIZE, channels=3, dtype="uint8", classes=CLASSES)
    draws = callbacks.EpochDraws(3, batches.Batches(IMAGES, TARGETS, recipe, epoch=0))
    draws.set_model(model)
    outs = []
    for epoch in (0, 1, 0):
        draws.on_epoch_begin(epoch)
        outs.append(np.asarray(model(IMAGES, training=True)))
    assert (outs[0] != outs[1]).any()
    assert (outs[0] == outs[2]).all()


@pytest.mark.seconds
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Keras' CSVLogger leaves its file open
def test_a_loss_that_is_not_a_number_ends_in_one_line(recipe, tmp_path):
    wild = recipe.model_copy(update={"optimizer": recipe.optimizer.model_copy(update={"learning_rate": 1e38})})
    with pytest.raises(InputError, match=r"loss (nan|inf), val_loss (nan|inf) after epoch 0; try a lower learning rate"):
        fit(wild, tmp_path)
    assert not (tmp_path / "state.npz").exists()


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A folder with data, in an empty workspace."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "images.npy").write_bytes(b"1")
    return folder


def test_the_folder_is_keyed_by_params_and_data_and_deleted_on_success(recipe, data):
    key = checkpoints.fingerprint(recipe, data)
    assert key == checkpoints.fingerprint(recipe, data)
    assert key != checkpoints.fingerprint(recipe.model_copy(update={"epochs": 5}), data)
    (data / "images.npy").write_bytes(b"2")
    assert key != checkpoints.fingerprint(recipe, data)

    with pytest.raises(RuntimeError), checkpoints.checkpoint_dir(recipe, data, "NumPy 1 on a CPU"):
        raise RuntimeError
    assert list(checkpoints.ROOT.iterdir())
    with checkpoints.checkpoint_dir(recipe, data, "NumPy 1 on a CPU") as folder:
        assert folder.is_dir()
        with (
            pytest.raises(InputError, match="this training already runs in another process"),
            checkpoints.checkpoint_dir(recipe, data, "NumPy 1 on a CPU"),
        ):
            pass
    assert not list(checkpoints.ROOT.iterdir())


def test_other_versions_or_another_device_start_anew_and_say_so(recipe, data, capsys):
    """A training killed on one machine, tried on two others, and ended on the first."""
    for environment in ("NumPy 1 on a CPU", "NumPy 2 on a CPU", "NumPy 1 on a GPU 3/4"):
        with pytest.raises(RuntimeError), checkpoints.checkpoint_dir(recipe, data, environment) as folder:
            assert not list(folder.iterdir())
            (folder / "state.npz").write_text(environment)
            raise RuntimeError
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("starts anew on NumPy 2 on a CPU: .checkpoints/")
    assert lines[0].endswith("only what other versions or devices left: NumPy 1 on a CPU")
    with checkpoints.checkpoint_dir(recipe, data, "NumPy 1 on a CPU") as folder:
        assert (folder / "state.npz").read_text() == "NumPy 1 on a CPU"
    assert not capsys.readouterr().out
    assert not list(checkpoints.ROOT.iterdir())


@pytest.mark.seconds
def test_a_member_is_what_its_fit_left(recipe, tmp_path):
    model, progress = fit(recipe.model_copy(update={"seed": recipe.seeds[0]}), tmp_path / "fit")
    member = train_member(recipe, tmp_path / "member")
    assert same(member.last, model.get_weights())
    assert same(member.best, progress.best_weights)
    assert (member.best_epoch, member.parameters) == (progress.best_epoch, model.count_params())
    np.testing.assert_allclose(member.probabilities, inference.predict(model, IMAGES[:20]))
    assert list(member.history) == loop.HISTORY


@pytest.mark.seconds
def test_members_differ_by_their_seed_alone(recipe, tmp_path):
    two, three = (recipe.model_copy(update={"members": members}) for members in (2, 3))
    first, second = (train_member(two, tmp_path / f"{number}", number=number) for number in (0, 1))
    again = train_member(three, tmp_path / "again", number=1)
    assert not same(first.last, second.last)
    assert same(second.last, again.last)  # another member changes none
    model, _ = fit(recipe.model_copy(update={"seed": two.seeds[1]}), tmp_path / "fit")
    assert same(second.last, model.get_weights())


def test_seeds_are_independent(recipe):
    """Ensembles of neighbouring seeds share no network, and another member changes none of those before it."""
    seeds = [recipe.model_copy(update={"seed": seed, "members": 100}).seeds for seed in range(20)]
    assert len({seed for ensemble in seeds for seed in ensemble}) == 20 * 100
    assert recipe.model_copy(update={"seed": 7, "members": 3}).seeds == seeds[7][:3]
    assert all(isinstance(seed, int) and 0 <= seed < 2**32 for seed in seeds[0])


@pytest.mark.seconds
def test_a_finished_member_is_only_read(recipe, tmp_path, capsys):
    first = train_member(recipe, tmp_path)
    again = train_member(recipe, tmp_path)
    assert "resumed after 4 of 4 epochs" in capsys.readouterr().out
    assert same(first.last, again.last)
    assert first.seconds == again.seconds
    assert (first.probabilities == again.probabilities).all()


@pytest.mark.seconds
def test_the_figures_of_one_member_and_of_several(recipe, tmp_path):
    members = [train_member(recipe.model_copy(update={"members": 2}), tmp_path / f"{i}", number=i) for i in (0, 1)]
    rows = np.arange(20)
    one = loop.training_metrics(loop.Trained(members[:1], rows, rows), LABELS[:20])
    last = members[0].history.iloc[-1]
    assert one["val_accuracy"] == pytest.approx(last["val_accuracy"], abs=1e-6)
    assert one["val_loss"] == pytest.approx(last["val_loss"], rel=1e-4)
    assert one["best_val_loss"] == members[0].history["val_loss"].min()
    ensemble = loop.Trained(members, rows, rows)
    mean = (members[0].probabilities + members[1].probabilities) / 2
    np.testing.assert_allclose(ensemble.probabilities, mean, rtol=1e-6)
    np.testing.assert_allclose(ensemble.history["loss"], (members[0].history["loss"] + members[1].history["loss"]) / 2)
    both = loop.training_metrics(ensemble, LABELS[:20])
    assert both["val_accuracy"] == pytest.approx((mean.argmax(axis=1) == LABELS[:20]).mean())
    assert both["members"]["member0"]["val_accuracy"] == one["val_accuracy"]
    assert both["members"].keys() == {"member0", "member1"}
    assert both["seconds"] == pytest.approx(sum(member.seconds for member in members), abs=0.1)


@pytest.mark.seconds
def test_a_recipe_is_trained_on_its_part_of_the_data(recipe, tmp_path):
    """Every member, on the rows of the recipe's fold; what validated is what it predicts."""
    fold = TrackFold(split="tracks", folds=4, fold=1, seed=0)
    ensemble = recipe.model_copy(update={"members": 2, "validation": fold, "epochs": 2})
    data = Arrays(IMAGES, LABELS, np.arange(N) // 2)
    trained = loop.train(ensemble, data, classes=CLASSES, jit_compile=False, folder=tmp_path)
    rows, held_out = split(LABELS, data.tracks, fold)
    assert (trained.rows == rows).all() and (trained.held_out == held_out).all()
    alone = loop.train_member(
        ensemble,
        1,
        train=(IMAGES[rows], TARGETS[rows]),
        validation=(IMAGES[held_out], TARGETS[held_out]),
        jit_compile=False,
        folder=tmp_path / "alone",
    )
    assert same(trained.members[1].last, alone.last)
    assert not same(trained.members[0].last, alone.last)
    assert trained.probabilities.shape == (len(held_out), CLASSES)


@pytest.mark.seconds
def test_without_validation_images_val_is_empty(recipe, tmp_path):
    member = train_member(recipe.model_copy(update={"validation": None}), tmp_path / "whole", validation=0)
    assert member.best == []
    assert member.history[["val_accuracy", "val_loss"]].isna().all(axis=None)
    assert member.history[["epoch", "accuracy", "loss", "learning_rate"]].notna().all(axis=None)
    assert member.probabilities.shape == (0, CLASSES)
    nothing = loop.Trained([member], np.arange(N), np.arange(0))
    assert loop.training_metrics(nothing, LABELS[:0])["val_accuracy"] is None
    assert same(member.last, train_member(recipe, tmp_path / "with").last)  # validation changes no weight


def test_flips_of_a_class_that_is_not_there(recipe):
    loop.check_classes(recipe, CLASSES)
    flips = Flips(left_right=[[1, 2]], top_bottom=[], half_turn=[[0, 0]])
    flipping = recipe.model_copy(update={"augmentation": recipe.augmentation.model_copy(update={"flips": flips})})
    loop.check_classes(flipping, CLASSES)
    with pytest.raises(InputError, match="names class 2; the data set has classes 0 to 1"):
        loop.check_classes(flipping, 2)


def test_label_smoothing(recipe):
    still = recipe.model_copy(update={"augmentation": None})
    _, plain = batches.Batches(IMAGES, TARGETS, still, epoch=0)[0]
    _, smooth = batches.Batches(IMAGES, TARGETS, still.model_copy(update={"label_smoothing": 0.3}), epoch=0)[0]
    np.testing.assert_allclose(smooth, plain * 0.7 + 0.1, rtol=1e-6)
    assert smooth.dtype == np.float32


def test_class_balanced_sampling():
    labels = np.repeat([0, 1, 2, 4], [100, 10, 3, 47])  # nothing of class 3
    targets = np.eye(5, dtype="float32")[labels]
    orders = [batches.epoch_order(targets, "class_balanced", np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert (orders[0] == orders[1]).all()
    assert (orders[0] != orders[2]).any()
    shown = np.bincount(orders[0], minlength=160)
    assert np.bincount(labels[orders[0]], minlength=5).tolist() == [40, 40, 40, 0, 40]
    assert set(shown[labels == 0]) == {0, 1}
    assert set(shown[labels == 1]) == {4}
    assert set(shown[labels == 2]) == {13, 14}
    assert len(set(labels[orders[0]][:20])) > 2  # mixed


def test_each_class_gets_its_share_when_they_do_not_divide():
    targets = np.eye(3, dtype="float32")[np.repeat([0, 1, 2], [8, 1, 2])]
    counts = np.bincount(targets[batches.epoch_order(targets, "class_balanced", np.random.default_rng(0))].argmax(axis=1))
    assert sorted(counts) == [3, 4, 4]


@pytest.mark.seconds
@pytest.mark.parametrize("until", [1, 2, 3])
def test_a_plateau_lowers_the_rate_and_is_remembered(recipe, tmp_path, until):
    schedule = ReduceOnPlateau(name="reduce_on_plateau", factor=0.5, patience=1, min_delta=10.0)  # nothing is an improvement
    stuck = recipe.model_copy(update={"schedule": schedule})
    whole, _ = fit(stuck, tmp_path / "whole")
    rates = pd.read_csv(tmp_path / "whole/history.csv")["learning_rate"]
    np.testing.assert_allclose(rates, [0.01, 0.01, 0.005, 0.0025], rtol=1e-6)
    fit(stuck, tmp_path / "cut", until=until)
    resumed, _ = fit(stuck, tmp_path / "cut")
    assert same(whole.get_weights(), resumed.get_weights())
    assert (tmp_path / "whole/history.csv").read_bytes() == (tmp_path / "cut/history.csv").read_bytes()


@pytest.mark.seconds
def test_averaged_weights_are_validated_kept_and_resumed(recipe, tmp_path):
    average = recipe.model_copy(update={"optimizer": recipe.optimizer.model_copy(update={"ema_momentum": 0.8})})
    whole = train_member(average, tmp_path / "whole")
    raw = train_member(recipe, tmp_path / "raw")
    assert not same(whole.last, raw.last)
    last = whole.history.iloc[-1]
    accuracy = (whole.probabilities.argmax(axis=1) == LABELS[:20]).mean()
    assert last["val_accuracy"] == pytest.approx(accuracy, abs=1e-6)  # of the averages, and so are the predictions
    loss = -np.log(whole.probabilities[np.arange(20), LABELS[:20]]).mean()
    assert last["val_loss"] == pytest.approx(loss, rel=1e-4)
    fit(average.model_copy(update={"seed": average.seeds[0]}), tmp_path / "cut", until=2)
    resumed = train_member(average, tmp_path / "cut")
    assert same(whole.last, resumed.last)
    assert same(whole.best, resumed.best)


@pytest.mark.seconds
def test_the_average_is_that_of_the_formula(recipe, tmp_path):
    """a <- 0.5 a + 0.5 w after each step, from the first step's weights on."""
    weights = []

    class Recorder(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            weights.append(self.model.get_weights()[0])

    keras.utils.set_random_seed(0)
    model = build_network(recipe.network, size=SIZE, channels=3, dtype="uint8", classes=CLASSES)
    settings = recipe.optimizer.model_copy(update={"ema_momentum": 0.5})
    model.compile(build_optimizer(settings, None, steps_per_epoch=3, epochs=1), loss=recipe.loss, jit_compile=False)
    model.fit(IMAGES, TARGETS, batch_size=16, shuffle=False, verbose=0, callbacks=[Recorder()])
    expected = weights[0]
    for later in weights[1:]:
        expected = 0.5 * expected + 0.5 * later
    np.testing.assert_allclose(model.get_weights()[0], expected, atol=1e-6)


@pytest.mark.seconds
def test_the_precision_of_the_device_is_that_of_the_network(recipe, tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        member = train_member(recipe, tmp_path / "bfloat16")
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")
    assert not same(member.last, train_member(recipe, tmp_path / "float32").last)
