"""Work on two worker processes, which start in folders of their own, without data: the same bytes, and no fault that lasts."""

import socket
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cluster_calls
import numpy as np
import pytest
from example_training import CLASSES, IMAGES, LABELS, N, equal
from raw_tables import draw_signs

from gtsrb.config.preprocess import Variant
from gtsrb.config.train import TrackFold
from gtsrb.data import arrays, tables
from gtsrb.data.arrays import Sources
from gtsrb.errors import InputError
from gtsrb.evaluation.corruptions import corrupt_and_preprocess
from gtsrb.parallel import IN_PROCESS, open_workers
from gtsrb.training import loop
from stages.preprocess import write_images

pytestmark = pytest.mark.slow
cluster = pytest.importorskip("gtsrb.cluster", reason="Dask is not installed: make .venv/cluster.installed")
from dask_cluster import start_cluster  # noqa: E402


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    with start_cluster(tmp_path_factory.mktemp("cluster")) as (address, _):
        yield address


@pytest.fixture
def two_workers(address, monkeypatch) -> None:
    monkeypatch.setenv("GTSRB_SCHEDULER", address)


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_call_has_its_result_and_prints_where_the_command_was_given(two_workers, capfd):
    with open_workers(5) as workers:
        assert workers.count == 2
        assert dict(workers.run(partial(pow, 2, i) for i in range(5))) == {0: 1, 1: 2, 2: 4, 3: 8, 4: 16}
        assert list(workers.map(partial(pow, 2, i) for i in range(20))) == [2**i for i in range(20)]
        from gtsrb.progress import print_line

        list(workers.run([partial(print_line, "from a worker")]))
        wait_until(lambda: "from a worker\n" in capfd.readouterr().out)


def test_drawing_and_preprocessing_give_the_same_bytes(two_workers, workspace, raw_params, monkeypatch):
    monkeypatch.setattr(tables, "GROUP_ROWS", 20)
    variant = Variant.model_validate(raw_params["preprocess"]["equalized"])

    def run(name: str, workers) -> list[str]:
        md5s = []
        splits = draw_signs(tracks_per_class=2, frames_per_track=2, test_images_per_class=1, workers=workers)
        for split, rows in zip(("train", "test"), splits, strict=True):
            with tables.writing(Path(f"{name}-{split}.parquet"), rows):
                pass
            md5s.append(write_images(Path(f"{name}-{split}.parquet"), Path(f"{name}-{split}.npy"), variant, workers, label=""))
        return md5s

    with open_workers(2) as workers:
        assert workers.cluster
        on_cluster = run("cluster", workers)
    assert on_cluster == run("here", IN_PROCESS)


def test_corrupted_images_have_the_same_bytes(two_workers, raw_params):
    variant = Variant.model_validate(raw_params["preprocess"]["equalized"])
    test = tables.to_frame(draw_signs(tracks_per_class=2, frames_per_track=1, test_images_per_class=1)[1])
    rows = list(zip(range(len(test)), test["image"], *(test[column] for column in tables.ROI), strict=True))
    severities = [(kind, values[0]) for kind, values in raw_params["robustness"]["severities"].items()]
    calls = [partial(corrupt_and_preprocess, rows, kind, severity, 0, variant) for kind, severity in severities]
    with open_workers(2) as workers:
        assert workers.cluster
        on_cluster = list(workers.map(calls))
    for images, here in zip(on_cluster, IN_PROCESS.map(calls), strict=True):
        np.testing.assert_array_equal(images, here)


@pytest.fixture
def ensemble(raw_params, workspace):
    """A recipe of two members, the folder of its arrays, and a function that trains it."""
    content = raw_params["train"]["augmented"]
    content |= {"epochs": 3, "batch_size": 16, "seed": 3, "device": "cpu", "threads": 1, "members": 2}
    content["network"] |= {"filters": [4], "dense_units": [8]}
    recipe = loop.Recipe.model_validate(content)
    recipe = recipe.model_copy(update={"validation": TrackFold(split="tracks", folds=4, fold=1, seed=0)})
    for name, array in {"images": IMAGES, "labels": LABELS, "tracks": np.arange(N) // 2}.items():
        for folder, rows in (("arrays", array), ("none", array[:0])):
            (workspace / folder).mkdir(exist_ok=True)
            np.save(workspace / folder / f"{name}.npy", rows)

    def train(folder: str) -> loop.TrainedRecipe:
        (workspace / folder).mkdir(exist_ok=True)
        with loop.open_trainers(recipe, recipe.members) as workers:
            sources = Sources(Path("arrays"), Path("none"))
            return loop.train(recipe, sources, classes=CLASSES, folder=Path(folder), workers=workers)

    return train


def test_an_ensemble_is_the_same_to_the_bit(two_workers, ensemble, monkeypatch, capfd):
    trained = ensemble("cluster")
    assert not list(Path("cluster").iterdir())  # the workers kept their checkpoints to themselves
    out = capfd.readouterr().out
    assert "2 workers of tcp://127.0.0.1:" in out
    assert all(f"member{member}  epoch {epoch}/3" in out for member in range(2) for epoch in (1, 2, 3))
    monkeypatch.delenv("GTSRB_SCHEDULER")
    expected = ensemble("here")
    for member, expected_member in zip(trained.members, expected.members, strict=True):
        assert equal(member.last_weights, expected_member.last_weights)
        assert equal(member.best_weights, expected_member.best_weights)
        assert member.device == expected_member.device


def test_workers_that_share_the_folder_read_it_and_leave_their_checkpoints_there(workspace, ensemble, monkeypatch, capfd):
    """So that a training resumes on whatever worker."""
    (workspace / "cluster").mkdir()
    with start_cluster(workspace / "cluster", shared=workspace) as (address, _):
        monkeypatch.setenv("GTSRB_SCHEDULER", address)
        with open_workers(2) as workers:
            assert workers.share(arrays.read, Path("arrays")) == Path("arrays")
        trained = ensemble("checkpoints")
        assert len(list(workspace.glob("checkpoints/member[01]/*/state.npz"))) == 2
        again = ensemble("checkpoints")
    assert "member1  resumed after 3 of 3 epochs" in capfd.readouterr().out
    assert equal(trained.members[1].last_weights, again.members[1].last_weights)


def test_a_worker_that_is_killed_costs_its_call(two_workers, workspace):
    """And data that only it may have held is made again."""
    array = np.arange(10)
    np.save("array.npy", array)
    with open_workers(6) as workers:
        shared = workers.share(np.load, Path("array.npy"))
        calls = [partial(cluster_calls.sum_up, number, shared, workspace / "killed") for number in range(6)]
        assert sorted(result for _, result in workers.run(calls)) == [(number, 45) for number in range(6)]
    assert (workspace / "killed").exists()


def test_a_call_that_kills_every_worker_is_one_line(two_workers):
    with pytest.raises(InputError, match=r"workers died of the same call") as raised, open_workers(2) as workers:
        list(workers.run([partial(cluster_calls.kill)]))
    assert "\n" not in str(raised.value)


def test_calls_end_with_the_command(two_workers, workspace):
    with pytest.raises(KeyboardInterrupt), open_workers(2) as workers:
        for name in ("a", "b"):
            workers.submit(partial(cluster_calls.wait_for, workspace / name))
        wait_until(lambda: len(list(workspace.glob("*.waiting"))) == 2)
        raise KeyboardInterrupt
    started = time.monotonic()
    with open_workers(2) as workers:  # which would wait for ever
        assert list(workers.map([partial(pow, 2, 3), partial(pow, 2, 4)])) == [8, 16]
    assert time.monotonic() - started < 60


def test_a_worker_with_other_versions_or_other_code_is_one_line_that_names_them(two_workers, monkeypatch):
    ours = cluster.describe()
    monkeypatch.setattr(cluster, "describe", lambda: ours | {"numpy": "1.0", "gtsrb/": "0123"})
    with pytest.raises(InputError) as raised, open_workers(2) as workers:
        list(workers.run([partial(pow, 2, 3)]))
    assert f"has numpy {ours['numpy']}, not 1.0; gtsrb/ {ours['gtsrb/']}, not 0123; install the same there" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_worker_without_this_project_is_one_line(two_workers, monkeypatch):
    monkeypatch.setattr(cluster, "__package__", "not_installed")
    with pytest.raises(InputError, match="has no package not_installed; install this project there"), open_workers(2):
        pass


def test_a_worker_of_two_threads_is_one_line(tmp_path, monkeypatch):
    with start_cluster(tmp_path, workers=1, threads=2) as (address, _):
        monkeypatch.setenv("GTSRB_SCHEDULER", address)
        with pytest.raises(InputError, match="has 2 threads; start it with --nthreads 1"), open_workers(2) as workers:
            list(workers.run([partial(pow, 2, 3)]))


def test_no_scheduler_is_one_line(monkeypatch):
    """Nothing at the address, no address, or another program, which does not answer."""
    monkeypatch.setattr(cluster, "TIMEOUT", 1)
    with socket.create_server(("127.0.0.1", 0)) as other_program:
        port = other_program.getsockname()[1]
        for address in ("tcp://127.0.0.1:1", "nonsense://x", f"tcp://127.0.0.1:{port}"):
            monkeypatch.setenv("GTSRB_SCHEDULER", address)
            expected = f"GTSRB_SCHEDULER={address}: no scheduler answers there"
            with pytest.raises(InputError, match=expected) as raised, open_workers(2):
                pass
            assert "\n" not in str(raised.value)


def test_no_worker_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "TIMEOUT", 1)
    with start_cluster(tmp_path, workers=0) as (address, _):
        monkeypatch.setenv("GTSRB_SCHEDULER", address)
        with pytest.raises(InputError, match="the scheduler has no workers; start some"), open_workers(2):
            pass


def test_a_scheduler_that_ends_is_one_line_and_leaves_everything_as_it_was(workspace, monkeypatch):
    (workspace / "cluster").mkdir()
    with start_cluster(workspace / "cluster") as (address, scheduler):
        monkeypatch.setenv("GTSRB_SCHEDULER", address)
        with (
            pytest.raises(InputError, match="the scheduler has ended; start it and its workers again") as raised,
            open_workers(2) as workers,
        ):
            futures = [workers.submit(partial(cluster_calls.wait_for, workspace / name)) for name in "ab"]
            wait_until(lambda: len(list(workspace.glob("*.waiting"))) == 2)
            scheduler.kill()
            [future.result() for future in futures]
    assert "\n" not in str(raised.value)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
