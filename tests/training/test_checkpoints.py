"""A resumed training ends like an uninterrupted one; the directory of its checkpoints is its own, and deleted at the end."""

import sys
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pandas as pd
import pytest
from example_training import equal, fit

from gtsrb.errors import InputError
from gtsrb.training import checkpoints


@pytest.mark.seconds
@pytest.mark.parametrize("until", [1, 3])
def test_a_resumed_training_ends_like_an_uninterrupted_one(recipe, tmp_path, until):
    uninterrupted, progress = fit(recipe, tmp_path / "uninterrupted")
    fit(recipe, tmp_path / "resumed", until=until)
    with (tmp_path / "resumed/history.csv").open("a") as history:
        history.write(f"{until},0.5,0.01,1.0,")  # as if killed while the row was written, before the state was
    resumed, resumed_progress = fit(recipe, tmp_path / "resumed")
    assert equal(uninterrupted.get_weights(), resumed.get_weights())
    assert equal(progress.best_weights, resumed_progress.best_weights)
    assert progress.best_epoch == resumed_progress.best_epoch
    assert len(resumed_progress.spans) == len(progress.spans) == 4
    assert 0 < resumed_progress.fit_seconds < checkpoints.covered_seconds(resumed_progress.spans)
    assert (tmp_path / "uninterrupted/history.csv").read_bytes() == (tmp_path / "resumed/history.csv").read_bytes()


@pytest.mark.seconds
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_and_resumes(recipe, tmp_path, precision):
    keras.config.set_dtype_policy(precision)
    uninterrupted, _ = fit(recipe, tmp_path / "uninterrupted")
    fit(recipe, tmp_path / "resumed", until=2)
    resumed, _ = fit(recipe, tmp_path / "resumed")
    assert equal(uninterrupted.get_weights(), resumed.get_weights())
    assert np.isfinite(pd.read_csv(tmp_path / "uninterrupted/history.csv")["loss"]).all()


@pytest.mark.seconds
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Keras' CSVLogger leaves its file open
def test_a_loss_that_is_not_finite_is_a_one_line_error(recipe, tmp_path):
    diverging = recipe.model_copy(update={"optimizer": recipe.optimizer.model_copy(update={"learning_rate": 1e38})})
    with pytest.raises(InputError, match=r"loss (nan|inf), val_loss (nan|inf) after epoch 0; try a lower learning rate"):
        fit(diverging, tmp_path)
    assert not (tmp_path / "state.npz").exists()


@pytest.mark.parametrize(
    ("spans", "seconds"),
    [
        ([], 0),
        ([[0, 2], [2, 5], [9, 10]], 6),  # one after the other, and a pause
        ([[0, 4], [1, 2], [3, 6]], 6),  # side by side, one within another
        ([[3, 6], [0, 4]], 6),
    ],
)
def test_how_long_at_least_one_was_under_way(spans, seconds):
    assert checkpoints.covered_seconds(spans) == seconds


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A directory with data, in an empty workspace."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "images.npy").write_bytes(b"1")
    return folder


def test_the_fingerprint_is_of_params_data_and_code(recipe, data, monkeypatch):
    fingerprint = checkpoints.fingerprint(recipe, [data])
    assert fingerprint == checkpoints.fingerprint(recipe, [data])
    for change in ({"epochs": 5}, {"threads": 2}):
        assert fingerprint != checkpoints.fingerprint(recipe.model_copy(update=change), [data])
    (data / "images.npy").write_bytes(b"2")
    assert fingerprint != checkpoints.fingerprint(recipe, [data])
    module = ModuleType("gtsrb.edited")
    module.__file__ = str(data.parent / "edited.py")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    fingerprints = [Path(module.__file__).write_text(code) and checkpoints.fingerprint(recipe, [data]) for code in "12"]
    assert fingerprints[0] != fingerprints[1]


def test_the_directory_is_locked_and_deleted_on_success(recipe, data):
    with pytest.raises(RuntimeError), checkpoints.checkpoint_dir(recipe, [data]):
        raise RuntimeError
    assert list(checkpoints.ROOT.iterdir())
    with checkpoints.checkpoint_dir(recipe, [data]) as folder:
        assert folder.is_dir()
        with (
            pytest.raises(InputError, match="this training already runs in another process"),
            checkpoints.checkpoint_dir(recipe, [data]),
        ):
            pass
    assert not list(checkpoints.ROOT.iterdir())


def test_other_versions_or_another_device_start_over_and_say_so(tmp_path, capsys):
    """A training killed in one environment, tried in two others, and finished in the first."""
    for environment in ("NumPy 1 on a CPU", "NumPy 2 on a CPU", "NumPy 1 on a GPU 3/4"):
        with checkpoints.member_dir(tmp_path / "member0", environment) as folder:
            assert not list(folder.iterdir())
            (folder / "state.npz").write_text(environment)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"starting over on NumPy 2 on a CPU: {tmp_path}/member0 has checkpoints only of NumPy 1 on a CPU",
        f"starting over on NumPy 1 on a GPU 3/4: {tmp_path}/member0 has checkpoints only of NumPy 1 on a CPU; NumPy 2 on a CPU",
    ]
    with checkpoints.member_dir(tmp_path / "member0", "NumPy 1 on a CPU") as folder:
        assert (folder / "state.npz").read_text() == "NumPy 1 on a CPU"
    assert not capsys.readouterr().out


def test_where_the_training_has_no_directory_a_network_has_one_for_the_time(tmp_path):
    """On a worker of a cluster that does not share the folder of the stage."""
    with checkpoints.member_dir(tmp_path / "elsewhere/member0", "NumPy 1 on a CPU") as folder:
        (folder / "state.npz").write_text("")
    assert not folder.exists() and not list(tmp_path.iterdir())
