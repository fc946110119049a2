"""Both validation splits: sizes, and who is on which side."""

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from gtsrb.config.train import RandomSplit, TrackFold
from gtsrb.errors import InputError
from gtsrb.training.split import split

TRACKS = np.repeat(np.arange(43 * 10), 6)  # 43 classes x 10 signs x 6 frames
LABELS = TRACKS // 10


def random(*, seed: int) -> RandomSplit:
    return RandomSplit(split="random", fraction=0.2, seed=seed)


def fold(number: int, *, folds: int = 5, seed: int = 0) -> TrackFold:
    return TrackFold(split="tracks", folds=folds, fold=number, seed=seed)


@pytest.mark.parametrize("params", [random(seed=0), fold(0)], ids=["random", "tracks"])
def test_every_image_is_on_one_side(params):
    train, held_out = split(LABELS, TRACKS, params)
    assert sorted([*train, *held_out]) == list(range(len(LABELS)))
    assert len(held_out) == len(LABELS) // 5


def uneven() -> tuple[np.ndarray, np.ndarray]:
    """Labels and tracks like the benchmark's: 7 to 75 signs a class, one of them a frame short, images in any order."""
    signs = np.random.default_rng(0).integers(7, 76, 43)
    labels = np.repeat(np.arange(43), signs)
    tracks = np.repeat(np.arange(len(labels)), 30)[1:]
    order = np.random.default_rng(1).permutation(len(tracks))
    return labels[tracks][order], tracks[order]


@pytest.mark.parametrize("folds", [2, 5])
def test_the_folds_are_disjoint_and_together_everything(folds):
    """Each image validates once, each sign is on one side, and each class has its share, to one sign."""
    labels, tracks = uneven()
    parts = [split(labels, tracks, fold(number, folds=folds)) for number in range(folds)]
    assert sorted(np.concatenate([held_out for _, held_out in parts])) == list(range(len(labels)))
    for train, held_out in parts:
        assert not set(tracks[train]) & set(tracks[held_out])
        signs = np.bincount(labels[np.unique(tracks, return_index=True)[1]])
        held = np.bincount(labels[held_out][np.unique(tracks[held_out], return_index=True)[1]], minlength=43)
        assert (np.abs(held - signs / folds) < 2).all()


def test_no_track_on_both_sides():
    train, held_out = split(LABELS, TRACKS, fold(0))
    assert not set(TRACKS[train]) & set(TRACKS[held_out])
    assert (np.bincount(LABELS[held_out]) == 12).all()  # and every class has its fifth


def test_the_random_split_leaks():
    train, held_out = split(LABELS, TRACKS, random(seed=0))
    assert set(TRACKS[held_out]) <= set(TRACKS[train])


def test_the_tutorials_sizes_and_images():
    labels = np.zeros(39_209, int)
    train, held_out = split(labels, labels, random(seed=42))
    assert (len(train), len(held_out)) == (31_367, 7_842)
    assert set(held_out) == set(train_test_split(np.arange(39_209), test_size=0.2, random_state=42)[1])


@pytest.mark.parametrize("params", [[random(seed=seed) for seed in (0, 0, 1)], [fold(2, seed=seed) for seed in (0, 0, 1)]])
def test_the_seed_decides(params):
    first, again, other = (split(LABELS, TRACKS, one)[1] for one in params)
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_few_tracks():
    """Two signs of each of five classes: one of them trains, whatever the seed."""
    tracks = np.repeat(np.arange(10), 3)
    for seed in range(20):
        train, held_out = split(tracks // 2, tracks, fold(seed % 2, folds=2, seed=seed))
        assert set((tracks // 2)[train]) == set(range(5)) and len(held_out)
        assert not set(tracks[train]) & set(tracks[held_out])


@pytest.mark.parametrize(
    ("labels", "tracks"),
    [([0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1]), ([0, 0, 0, 1, 1, 1], [0, 1, 2, 3, 4, 5]), ([0] * 9, [0] * 6 + [1] * 3)],
    ids=["two signs", "two classes of three images", "images enough, but two signs"],
)
@pytest.mark.parametrize("number", range(5))
def test_too_few_for_the_folds(labels, tracks, number):
    """One line, whichever fold is asked for: none of them may turn out empty after the others have been trained."""
    with pytest.raises(InputError) as error:
        split(np.array(labels), np.array(tracks), fold(number))
    assert str(error.value) == (
        f"validation: {len(set(tracks))} signs with at most {max(np.bincount(labels))} images a class do not make 5 folds; "
        "add signs, or take fewer folds"
    )


def test_a_class_is_not_lost_to_validation():
    labels = np.array([0] * 9 + [1])
    with pytest.raises(InputError) as error:
        for seed in range(50):  # one of them draws the only image of class 1
            split(labels, np.arange(10), random(seed=seed))
    assert str(error.value).startswith("validation takes all 1 training images of class 1; add signs of it")
