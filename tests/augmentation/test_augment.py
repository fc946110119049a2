"""The warp against Keras' legacy ImageDataGenerator, the tutorial's; the draws against their ranges."""

import numpy as np
import pytest
from keras.src.legacy.preprocessing.image import ImageDataGenerator

from gtsrb.augmentation.augment import augment
from gtsrb.augmentation.geometric import draw_affine, draw_perspective, flip, warp
from gtsrb.augmentation.mixing import cutmix, mixup
from gtsrb.config.augmentation import Affine, Augmentation, Flips, Mix, Perspective

TUTORIAL = {
    "rotation": 10.0,
    "width_shift": 0.1,
    "height_shift": 0.1,
    "shear": 5.73,
    "zoom": 0.2,
    "fill_mode": "nearest",
    "interpolation": "nearest",
}
TARGETS = np.eye(43, dtype="float32")[np.arange(32)]
IMAGES = np.random.default_rng(0).integers(0, 256, (32, 48, 48, 3), dtype=np.uint8)


def legacy(images: np.ndarray, draws, params: Affine) -> np.ndarray:
    """The same draws through `ImageDataGenerator.apply_transform`, image by image."""
    order = {"nearest": 0, "bilinear": 1}[params.interpolation]
    keras_generator = ImageDataGenerator(fill_mode=params.fill_mode, interpolation_order=order)
    out = []
    for i, image in enumerate(images):
        transform = {
            "theta": np.rad2deg(draws.rotation[i]),
            "tx": draws.shift_x[i],
            "ty": draws.shift_y[i],
            "shear": np.rad2deg(draws.shear[i]),
            "zx": draws.zoom_x[i],
            "zy": draws.zoom_y[i],
        }
        out.append(keras_generator.apply_transform(image.astype(np.float32), transform))
    return np.stack(out)


@pytest.mark.filterwarnings("ignore:Please import `affine_transform`:DeprecationWarning")  # Keras' own import
@pytest.mark.parametrize("fill_mode", ["nearest", "reflect", "constant"])
@pytest.mark.parametrize(("interpolation", "tolerance"), [("nearest", 0), ("bilinear", 1e-2)])
@pytest.mark.parametrize("size", [(48, 48), (33, 33)])
def test_warp_equals_the_legacy_generator(fill_mode, interpolation, tolerance, size):
    params = Affine(**TUTORIAL | {"fill_mode": fill_mode, "interpolation": interpolation, "rotation": 40.0})
    images = IMAGES[:, : size[0], : size[1]].astype(np.float32)
    draws = draw_affine(len(images), size, params, np.random.default_rng(1))
    ours = warp(images, draws.matrices(size), params)
    theirs = legacy(images, draws, params)
    assert ours.dtype == np.float32
    difference = np.abs(ours - theirs)
    if interpolation == "bilinear" and fill_mode == "constant":
        inside = (
            warp(np.ones_like(images), draws.matrices(size), params) == 1
        )  # at the border OpenCV mixes black in, scipy cuts
        assert inside.mean() > 0.5
        difference = difference[inside]
    assert difference.max() <= tolerance
    assert np.abs(ours - images).mean() > 10  # it does move


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_uint8_images_stay_uint8_and_are_rounded(interpolation):
    params = Affine(**TUTORIAL | {"interpolation": interpolation})
    matrices = draw_affine(len(IMAGES), (48, 48), params, np.random.default_rng(1)).matrices((48, 48))
    ours = warp(IMAGES, matrices, params)
    assert ours.dtype == np.uint8
    assert np.abs(ours - warp(IMAGES.astype(np.float32), matrices, params)).max() <= 0.5


def test_draws_fill_their_ranges_and_no_more():
    draws = draw_affine(20_000, (48, 40), Affine(**TUTORIAL), np.random.default_rng(0))
    ranges = {
        "rotation": (-np.deg2rad(10), np.deg2rad(10)),
        "shift_y": (-4.8, 4.8),
        "shift_x": (-4.0, 4.0),
        "shear": (-0.1, 0.1),  # the tutorial's, in radians
        "zoom_y": (0.8, 1.2),
        "zoom_x": (0.8, 1.2),
    }
    for name, (low, high) in ranges.items():
        values = getattr(draws, name)
        assert low * 1.001 - 1e-3 <= values.min() < low + (high - low) * 0.001, name
        assert high - (high - low) * 0.001 < values.max() <= high * 1.001 + 1e-3, name
    assert abs(np.corrcoef(draws.zoom_y, draws.zoom_x)[0, 1]) < 0.05  # each axis its own


def test_identity_changes_nothing():
    still = TUTORIAL | dict.fromkeys(("rotation", "width_shift", "height_shift", "shear", "zoom"), 0.0)
    for interpolation in ("nearest", "bilinear"):
        params = Augmentation(affine=Affine(**still | {"interpolation": interpolation}))
        images, targets = augment(IMAGES, TARGETS, params, np.random.default_rng(0))
        assert (images == IMAGES).all()
        assert (targets == TARGETS).all()


def test_absent_means_off_and_same_seed_means_same_images():
    images, targets = augment(IMAGES, TARGETS, Augmentation(), np.random.default_rng(0))
    assert (images == IMAGES).all() and (targets == TARGETS).all()
    params = Augmentation(affine=Affine(**TUTORIAL))
    first, again, other = (augment(IMAGES, TARGETS, params, np.random.default_rng(seed))[0] for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_the_pictures_of_an_image_move_alike(interpolation):
    images = np.random.default_rng(0).integers(0, 256, (5, 24, 24, 6), dtype=np.uint8)
    params = Affine(**TUTORIAL | {"interpolation": interpolation})
    matrices = draw_affine(5, (24, 24), params, np.random.default_rng(1)).matrices((24, 24))
    found = warp(images, matrices, params)
    alone = [warp(np.ascontiguousarray(images[..., part]), matrices, params) for part in (slice(3), slice(3, 6))]
    assert (found == np.concatenate(alone, axis=3)).all()
    assert (found != images).any()


def test_perspective_moves_each_corner_within_its_range():
    matrices = draw_perspective(500, (48, 40), Perspective(corner_shift=0.1), np.random.default_rng(0))
    corners = np.array([[0, 0, 1], [39, 0, 1], [0, 47, 1], [39, 47, 1]], float)
    where = np.einsum("nij,kj->nki", matrices, corners)
    moved = where[..., :2] / where[..., 2:] - corners[:, :2]
    for axis, width in ((0, 4.0), (1, 4.8)):
        assert 0.97 * width < np.abs(moved[..., axis]).max() <= width + 1e-5  # OpenCV takes corners in float32
    assert np.abs(np.corrcoef(moved.reshape(500, 8).T) - np.eye(8)).max() < 0.2  # each for itself


def test_perspective_is_a_part_of_the_one_warp():
    affine = Affine(**TUTORIAL | {"interpolation": "bilinear"})
    params = Augmentation(affine=affine, perspective=Perspective(corner_shift=0.1))
    draws = np.random.default_rng(0)
    matrices = draw_affine(32, (48, 48), affine, draws).matrices((48, 48))
    matrices = matrices @ draw_perspective(32, (48, 48), params.perspective, draws)
    assert (augment(IMAGES, TARGETS, params, np.random.default_rng(0))[0] == warp(IMAGES, matrices, affine)).all()
    without = augment(IMAGES, TARGETS, Augmentation(affine=affine), np.random.default_rng(0))[0]
    assert (without != warp(IMAGES, matrices, affine)).any()
    assert np.abs(matrices[:, 2, :2]).max() > 1e-4  # lines that were parallel are not


def test_nearest_and_bilinear_agree_on_perspective():
    """Two codes, one geometry: on a smooth image they differ by less than a pixel's step."""
    ramp = np.broadcast_to(np.arange(48.0)[:, None, None] + 2 * np.arange(48.0)[:, None], (8, 48, 48, 3)).astype(np.float32)
    affine = Affine(**TUTORIAL)
    rng = np.random.default_rng(0)
    matrices = draw_affine(8, (48, 48), affine, rng).matrices((48, 48))
    matrices = matrices @ draw_perspective(8, (48, 48), Perspective(corner_shift=0.1), rng)
    near, smooth = (warp(ramp, matrices, affine.model_copy(update={"interpolation": how})) for how in ("nearest", "bilinear"))
    assert np.abs(near - smooth).max() <= 1.51  # half a pixel each way: (1 + 2) / 2


FLIPS = Flips(left_right=[[11, 11], [19, 20]], top_bottom=[[5, 5]], half_turn=[[40, 40]])


@pytest.mark.parametrize(
    ("label", "becomes", "turned"),
    [
        (11, 11, lambda x: x[:, ::-1]),
        (19, 20, lambda x: x[:, ::-1]),
        (20, 19, lambda x: x[:, ::-1]),
        (5, 5, lambda x: x[::-1]),
        (40, 40, lambda x: x[::-1, ::-1]),
    ],
)
def test_a_flip_turns_the_image_and_names_what_it_then_shows(label, becomes, turned):
    before = np.eye(43, dtype="float32")[np.full(32, label)]
    images, targets = flip(IMAGES, before, FLIPS, np.random.default_rng(0))
    assert targets.dtype == np.float32
    moved = (images != IMAGES).any(axis=(1, 2, 3))
    assert 8 <= moved.sum() <= 24
    for i in range(32):
        assert (images[i] == (turned(IMAGES[i]) if moved[i] else IMAGES[i])).all()
        assert targets[i].argmax() == (becomes if moved[i] else label)


def test_no_other_class_is_flipped():
    others = [label for label in range(43) if label not in (5, 11, 19, 20, 40)][:32]
    before = np.eye(43, dtype="float32")[others]
    images, targets = flip(IMAGES, before, FLIPS, np.random.default_rng(0))
    assert (images == IMAGES).all()
    assert (targets == before).all()


@pytest.mark.parametrize("mix", [mixup, cutmix])
def test_mixing_mixes_targets_as_it_mixes_images(mix):
    """Images of one grey a class: what an image is made of can be read off it."""
    labels = np.arange(32)
    images = np.broadcast_to((labels / 31)[:, None, None, None], (32, 16, 16, 3)).astype(np.float32)
    mixed, targets = mix(images, TARGETS, Mix(probability=0.7, alpha=1.0), np.random.default_rng(0))
    np.testing.assert_allclose(mixed.mean(axis=(1, 2, 3)), targets[:, :32] @ (labels / 31), atol=1e-5)
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
    assert (mixed.dtype, targets.dtype) == (np.float32, np.float32)
    mixed_rows = (targets.max(axis=1) < 1).mean()
    assert 0.3 < mixed_rows <= 0.9
    as_bytes, _ = mix((images * 255).astype(np.uint8), TARGETS, Mix(probability=0.7, alpha=1.0), np.random.default_rng(0))
    assert as_bytes.dtype == np.uint8
    assert np.abs(as_bytes - mixed * 255).max() <= 1


def test_a_batch_has_mixup_or_cutmix_each_half_of_the_time():
    """Of images of one colour, mixup makes others of one colour, CutMix some of two of the old colours."""
    images = np.ascontiguousarray(np.broadcast_to(np.linspace(0, 1, 8, dtype="float32")[:, None, None, None], (8, 16, 16, 3)))
    params = Augmentation(mixup=Mix(probability=1, alpha=1), cutmix=Mix(probability=1, alpha=1))
    mixed_up = []
    for seed in range(200):
        changed, _ = augment(images, np.eye(8, dtype="float32"), params, np.random.default_rng(seed))
        of_one_color = (changed == changed[:, :1, :1, :1]).all()
        of_old_colors = np.isin(changed, images).all()
        assert of_one_color != of_old_colors
        mixed_up.append(of_one_color)
    assert 80 <= sum(mixed_up) <= 120  # three standard deviations
