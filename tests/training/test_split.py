"""Both validation splits: their sizes, and which images and tracks are on which side."""

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from gtsrb.config.train import RandomSplit, TrackFold
from gtsrb.errors import InputError
from gtsrb.training.split import split

TRACKS = np.repeat(np.arange(43 * 10), 6)  # 43 classes x 10 signs x 6 frames
LABELS = TRACKS // 10


def random_split(*, seed: int) -> RandomSplit:
    return RandomSplit(split="random", fraction=0.2, seed=seed)


def track_fold(number: int, *, folds: int = 5, seed: int = 0) -> TrackFold:
    return TrackFold(split="tracks", folds=folds, fold=number, seed=seed)


@pytest.mark.parametrize("params", [random_split(seed=0), track_fold(0)], ids=["random", "tracks"])
def test_every_image_is_on_one_side(params):
    train, validation = split(LABELS, TRACKS, params)
    assert sorted([*train, *validation]) == list(range(len(LABELS)))
    assert len(validation) == len(LABELS) // 5


def benchmark_like() -> tuple[np.ndarray, np.ndarray]:
    """Labels and tracks as uneven as the benchmark's: 7 to 75 signs per class, one of them a frame short, shuffled."""
    signs = np.random.default_rng(0).integers(7, 76, 43)
    labels = np.repeat(np.arange(43), signs)
    tracks = np.repeat(np.arange(len(labels)), 30)[1:]
    order = np.random.default_rng(1).permutation(len(tracks))
    return labels[tracks][order], tracks[order]


@pytest.mark.parametrize("folds", [2, 5])
def test_the_folds_partition_the_images(folds):
    """Every image validates once, every sign is on one side, and every class has its share of signs, rounded."""
    labels, tracks = benchmark_like()
    splits = [split(labels, tracks, track_fold(number, folds=folds)) for number in range(folds)]
    assert sorted(np.concatenate([validation for _, validation in splits])) == list(range(len(labels)))
    for train, validation in splits:
        assert not set(tracks[train]) & set(tracks[validation])
        signs = np.bincount(labels[np.unique(tracks, return_index=True)[1]])
        in_fold = np.bincount(labels[validation][np.unique(tracks[validation], return_index=True)[1]], minlength=43)
        assert (np.abs(in_fold - signs / folds) < 2).all()


def test_no_track_is_on_both_sides():
    train, validation = split(LABELS, TRACKS, track_fold(0))
    assert not set(TRACKS[train]) & set(TRACKS[validation])
    assert (np.bincount(LABELS[validation]) == 12).all()  # a fifth of every class


def test_the_random_split_leaks():
    train, validation = split(LABELS, TRACKS, random_split(seed=0))
    assert set(TRACKS[validation]) <= set(TRACKS[train])


def test_the_tutorials_sizes_and_images():
    labels = np.zeros(39_209, int)
    train, validation = split(labels, labels, random_split(seed=42))
    assert (len(train), len(validation)) == (31_367, 7_842)
    assert set(validation) == set(train_test_split(np.arange(39_209), test_size=0.2, random_state=42)[1])


@pytest.mark.parametrize(
    "splits", [[random_split(seed=seed) for seed in (0, 0, 1)], [track_fold(2, seed=seed) for seed in (0, 0, 1)]]
)
def test_the_seed_decides(splits):
    first, again, other = (split(LABELS, TRACKS, params)[1] for params in splits)
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_of_two_signs_per_class_one_trains():
    tracks = np.repeat(np.arange(10), 3)
    for seed in range(20):
        train, validation = split(tracks // 2, tracks, track_fold(seed % 2, folds=2, seed=seed))
        assert set((tracks // 2)[train]) == set(range(5)) and len(validation)
        assert not set(tracks[train]) & set(tracks[validation])


@pytest.mark.parametrize(
    ("labels", "tracks"),
    [([0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1]), ([0, 0, 0, 1, 1, 1], [0, 1, 2, 3, 4, 5]), ([0] * 9, [0] * 6 + [1] * 3)],
    ids=["two signs", "two classes of three images", "enough images, but two signs"],
)
@pytest.mark.parametrize("number", range(5))
def test_too_few_signs_for_the_folds(labels, tracks, number):
    """The same error for every fold: none may turn out empty after the others have been trained."""
    with pytest.raises(InputError) as error:
        split(np.array(labels), np.array(tracks), track_fold(number))
    assert str(error.value) == (
        f"validation: {len(set(tracks))} signs with at most {max(np.bincount(labels))} images per class "
        "are too few for 5 folds; add signs, or set fewer folds"
    )


def test_a_class_without_training_images_is_an_error():
    labels = np.array([0] * 9 + [1])
    with pytest.raises(InputError) as error:
        for seed in range(50):  # one of them takes the only image of class 1
            split(labels, np.arange(10), random_split(seed=seed))
    assert str(error.value).startswith("validation takes all 1 training images of class 1; add signs of this class")
