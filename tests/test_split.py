"""Both validation splits: sizes, and who is on which side."""

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from gtsrb.errors import InputError
from gtsrb.recipes import Validation
from gtsrb.split import split

TRACKS = np.repeat(np.arange(43 * 10), 6)  # 43 classes x 10 signs x 6 frames
LABELS = TRACKS // 10


@pytest.mark.parametrize("kind", ["random", "tracks"])
def test_every_image_is_on_one_side(kind):
    train, held_out = split(LABELS, TRACKS, Validation(split=kind, fraction=0.2, seed=0))
    assert sorted([*train, *held_out]) == list(range(len(LABELS)))
    assert len(held_out) == len(LABELS) // 5


def test_no_track_on_both_sides():
    train, held_out = split(LABELS, TRACKS, Validation(split="tracks", fraction=0.2, seed=0))
    assert not set(TRACKS[train]) & set(TRACKS[held_out])
    assert (np.bincount(LABELS[held_out]) == 12).all()  # and every class has its fifth


def test_the_random_split_leaks():
    train, held_out = split(LABELS, TRACKS, Validation(split="random", fraction=0.2, seed=0))
    assert set(TRACKS[held_out]) <= set(TRACKS[train])


def test_the_tutorials_sizes_and_images():
    labels = np.zeros(39_209, int)
    train, held_out = split(labels, labels, Validation(split="random", fraction=0.2, seed=42))
    assert (len(train), len(held_out)) == (31_367, 7_842)
    assert set(held_out) == set(train_test_split(np.arange(39_209), test_size=0.2, random_state=42)[1])


@pytest.mark.parametrize("kind", ["random", "tracks"])
def test_the_seed_decides(kind):
    first, again, other = (split(LABELS, TRACKS, Validation(split=kind, fraction=0.25, seed=seed))[1] for seed in (0, 0, 1))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_few_tracks():
    """Two signs of each of five classes: one of them trains, whatever the seed."""
    tracks = np.repeat(np.arange(10), 3)
    for seed in range(20):
        train, held_out = split(tracks // 2, tracks, Validation(split="tracks", fraction=0.5, seed=seed))
        assert set((tracks // 2)[train]) == set(range(5)) and len(held_out)
        assert not set(tracks[train]) & set(tracks[held_out])


@pytest.mark.parametrize("tracks", [[0, 0, 0, 1, 1, 1], [0, 1, 2, 3, 4, 5]], ids=["two signs", "two classes of three images"])
def test_too_few_for_the_folds(tracks):
    with pytest.raises(InputError) as error:
        split(np.repeat([0, 1], 3), np.array(tracks), Validation(split="tracks", fraction=0.2, seed=0))
    signs = len(set(tracks))
    assert str(error.value).startswith(
        f"validation: {signs} signs with at most 3 images a class do not make 5 folds; add signs"
    )


def test_a_class_is_not_lost_to_validation():
    labels = np.array([0] * 9 + [1])
    with pytest.raises(InputError) as error:
        for seed in range(50):  # one of them draws the only image of class 1
            split(labels, np.arange(10), Validation(split="random", fraction=0.2, seed=seed))
    assert str(error.value).startswith("validation takes all 1 training images of class 1; add signs of it")
