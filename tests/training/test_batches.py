"""What a batch holds, and that every draw is a function of (seed, epoch, step)."""

import keras
import numpy as np
import pytest
from example_training import CLASSES, IMAGES, LABELS, TARGETS, TRAIN, N

from gtsrb.config.augmentation import Augmentation, Flips
from gtsrb.config.train import Recipe, Shuffle, SyntheticShare
from gtsrb.data.labels import WITHOUT_SIGN
from gtsrb.training.batches import (
    Examples,
    OrderedBatches,
    TrainingBatches,
    count_synthetic,
    draw_order,
    share_out,
    shuffle_blocks,
    steps_per_epoch,
)


def without_augmentation(recipe: Recipe) -> Recipe:
    return recipe.model_copy(update={"augmentation": None})


def test_the_tutorials_steps_per_epoch():
    assert steps_per_epoch(31_367, 32) == 981


def test_an_epoch_shows_every_image_once_with_its_label(recipe):
    batches = TrainingBatches(TRAIN, without_augmentation(recipe), epoch=0)
    assert len(batches) == 3
    orders = []
    for epoch in range(2):
        batches.start_epoch(epoch)
        epoch_batches = [batches[step] for step in range(3)]
        assert [len(images) for images, _ in epoch_batches] == [16, 16, 12]
        images, targets = (np.concatenate(arrays) for arrays in zip(*epoch_batches, strict=True))
        rows = [int(np.flatnonzero((image == IMAGES).all(axis=(1, 2, 3)))[0]) for image in images]
        assert sorted(rows) == list(range(N))
        assert (targets == TARGETS[rows]).all()
        orders.append(rows)
    assert orders[0] != orders[1]


@pytest.mark.parametrize(("share", "synthetic"), [(0.25, 10), (0.5, 30), (0.8, 120)])
def test_an_epoch_shows_synthetic_images_to_their_share(recipe, share, synthetic):
    """Every photograph once, and of 14 synthetic images all equally often, to one time."""
    examples = Examples(IMAGES, LABELS, CLASSES, synthetic=14)
    recipe = without_augmentation(recipe).model_copy(update={"synthetic": SyntheticShare(set="drawn", share=share)})
    batches = TrainingBatches(examples, recipe, epoch=0)
    photographs = N - 14
    assert synthetic == count_synthetic(photographs, 14, share)
    assert len(batches) == steps_per_epoch(photographs + synthetic, recipe.batch_size)
    shown = np.bincount(batches.order, minlength=N)
    assert (shown[:photographs] == 1).all() and shown[photographs:].sum() == synthetic
    assert np.ptp(shown[photographs:]) <= 1
    first_half = batches.order[: len(batches.order) // 2]
    assert 0.5 * share < (first_half >= photographs).mean() < 1.5 * share  # shuffled among each other


def test_images_without_a_sign_have_a_uniform_target(recipe):
    labels = np.where(np.arange(N) % 3, LABELS, WITHOUT_SIGN)
    flips = Augmentation(
        flips=Flips(left_right=[[first, first + 1] for first in range(0, CLASSES - 1, 2)], top_bottom=[], half_turn=[])
    )
    recipe = recipe.model_copy(update={"augmentation": flips, "synthetic": SyntheticShare(set="drawn", share=1.0)})
    batches = TrainingBatches(Examples(IMAGES, labels, CLASSES, synthetic=N), recipe, epoch=0)
    for step in range(len(batches)):
        rows = batches.order[step * recipe.batch_size :][: recipe.batch_size]
        _, targets = batches[step]
        without = labels[rows] == WITHOUT_SIGN
        assert without.any() and (targets[without] == np.float32(1 / CLASSES)).all()
        assert (np.sort(targets[~without], axis=1)[:, -2:] == [0, 1]).all()


@pytest.mark.parametrize("sampling", ["natural", "class_balanced"])
def test_an_epoch_of_synthetic_images_alone_shows_each_once(recipe, sampling):
    recipe = recipe.model_copy(update={"sampling": sampling})
    examples = Examples(IMAGES, LABELS, CLASSES, synthetic=N)
    recipe = without_augmentation(recipe).model_copy(update={"synthetic": SyntheticShare(set="drawn", share=1.0)})
    assert sorted(TrainingBatches(examples, recipe, epoch=0).order) == list(range(N))


def test_a_batch_is_a_function_of_seed_epoch_and_step(recipe):
    """In whatever order the workers ask for batches."""
    batches = TrainingBatches(TRAIN, recipe, epoch=2)
    third, first = batches[2], batches[0]
    batches.start_epoch(0)
    of_epoch_0 = batches[0]
    batches.start_epoch(2)
    again = TrainingBatches(TRAIN, recipe, epoch=2)
    for one, other in ((third, again[2]), (first, again[0]), (first, batches[0])):
        assert all((a == b).all() for a, b in zip(one, other, strict=True))
    assert (first[0] != of_epoch_0[0]).any()


def test_other_seeds_epochs_and_steps_augment_otherwise(recipe):
    """All images are the same one, so only augmentation can differ."""
    same = Examples(IMAGES[[0] * N], LABELS[[0] * N], CLASSES)
    batches = TrainingBatches(same, recipe, epoch=0)
    augmented = [batches[0][0], batches[1][0]]
    for epoch, seed in ((1, 3), (0, 4)):
        changed = recipe.model_copy(update={"seed": seed})
        augmented.append(TrainingBatches(same, changed, epoch=epoch)[0][0])
    assert all((augmented[i] != augmented[j]).any() for i in range(4) for j in range(i))


def test_augmentation_changes_images_and_keeps_labels(recipe):
    augmented, targets = TrainingBatches(TRAIN, recipe, epoch=0)[0]
    images, expected_targets = TrainingBatches(TRAIN, without_augmentation(recipe), epoch=0)[0]
    assert (targets == expected_targets).all()
    assert all((a != b).any() for a, b in zip(augmented, images, strict=True))


def test_label_smoothing(recipe):
    recipe = without_augmentation(recipe)
    _, targets = TrainingBatches(TRAIN, recipe, epoch=0)[0]
    _, smooth = TrainingBatches(TRAIN, recipe.model_copy(update={"label_smoothing": 0.3}), epoch=0)[0]
    np.testing.assert_allclose(smooth, targets * 0.7 + 0.1, rtol=1e-6)
    assert smooth.dtype == np.float32


def test_class_balanced_sampling():
    labels = np.repeat([0, 1, 2, 4], [100, 10, 3, 47])  # none of class 3
    orders = [draw_order(labels, "class_balanced", np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert (orders[0] == orders[1]).all()
    assert (orders[0] != orders[2]).any()
    times_shown = np.bincount(orders[0], minlength=160)
    assert np.bincount(labels[orders[0]], minlength=5).tolist() == [40, 40, 40, 0, 40]
    assert set(times_shown[labels == 0]) == {0, 1}
    assert set(times_shown[labels == 1]) == {4}
    assert set(times_shown[labels == 2]) == {13, 14}
    assert len(set(labels[orders[0]][:20])) > 2  # shuffled


def test_class_balanced_shares_differ_by_one_at_most():
    labels = np.repeat([0, 1, 2], [8, 1, 2])
    counts = np.bincount(labels[draw_order(labels, "class_balanced", np.random.default_rng(0))])
    assert sorted(counts) == [3, 4, 4]


def test_blocks_of_images_are_shuffled_together():
    order = shuffle_blocks(1100, Shuffle(block_images=100, blocks=3), np.random.default_rng(0))
    assert sorted(order) == list(range(1100))
    groups = [set(group // 100) for group in (order[:300], order[300:600], order[600:900], order[900:])]
    assert sorted(map(len, groups)) == [2, 3, 3, 3] and set().union(*groups) == set(range(11))
    assert len(set(order[:30] // 100)) == 3  # of all blocks of the group
    assert set(np.diff(order)) != {1}
    again, other = (shuffle_blocks(1100, Shuffle(block_images=100, blocks=3), np.random.default_rng(s)) for s in (0, 1))
    assert (order == again).all() and (order != other).any()
    for n in (1, 99, 1050):  # the last block is a short one
        assert sorted(shuffle_blocks(n, Shuffle(block_images=100, blocks=3), np.random.default_rng(0))) == list(range(n))


def test_an_epoch_in_blocks_shows_every_image_once(recipe):
    recipe = without_augmentation(recipe).model_copy(update={"shuffle": Shuffle(block_images=11, blocks=2)})
    batches = TrainingBatches(TRAIN, recipe, epoch=0)
    images, targets = (np.concatenate(arrays) for arrays in zip(*(batches[step] for step in range(3)), strict=True))
    rows = [int(np.flatnonzero((image == IMAGES).all(axis=(1, 2, 3)))[0]) for image in images]
    assert sorted(rows) == list(range(N)) and (targets == TARGETS[rows]).all()
    assert len({row // 11 for row in rows[:16]}) == 2


@pytest.mark.parametrize(("n", "replicas", "filled"), [(20, 2, 20), (5, 2, 6), (1, 4, 4), (4, 3, 6)])
def test_a_batch_for_replicas_is_filled_up_and_has_the_same_mean_loss(n, replicas, filled):
    images, targets, weights = share_out(IMAGES[:n], TARGETS[:n], replicas)
    assert len(images) == len(targets) == len(weights) == filled and weights.dtype == np.float32
    assert (images[:n] == IMAGES[:n]).all() and (targets[:n] == TARGETS[:n]).all()
    assert (weights[n:] == 0).all()
    predictions = np.random.default_rng(0).dirichlet(np.ones(CLASSES), filled).astype(np.float32)
    loss = keras.losses.CategoricalCrossentropy()
    expected = loss(targets[:n], predictions[:n])
    np.testing.assert_allclose(loss(targets, predictions, weights), expected, rtol=1e-6)
    shares = zip(*(np.split(array, replicas) for array in (targets, predictions, weights)), strict=True)
    np.testing.assert_allclose(np.mean([loss(*share) for share in shares]), expected, rtol=1e-6)


def test_for_replicas_the_batches_are_the_same(recipe):
    for one, two in (
        (TrainingBatches(TRAIN, recipe, epoch=1), TrainingBatches(TRAIN, recipe.model_copy(update={"replicas": 5}), epoch=1)),
        (OrderedBatches(TRAIN, 16), OrderedBatches(TRAIN, 16, 5)),
    ):
        assert [len(two[step][0]) for step in range(3)] == [20, 20, 15]
        for step in range(3):
            n = len(one[step][0])
            assert all((two[step][i][:n] == one[step][i]).all() for i in range(2))
