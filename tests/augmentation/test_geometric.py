"""The warp against Keras' legacy ImageDataGenerator, which the tutorial uses; draws against their ranges; flips."""

import cv2
import numpy as np
import pytest
from keras.src.legacy.preprocessing.image import ImageDataGenerator

from gtsrb.augmentation import geometric
from gtsrb.augmentation.geometric import AffineDraws, draw_affine, draw_perspective, flip, warp
from gtsrb.config.augmentation import Affine, Flips, Perspective

TUTORIAL = Affine(
    rotation=10.0,
    width_shift=0.1,
    height_shift=0.1,
    shear=5.73,
    zoom=0.2,
    fill_mode="nearest",
    interpolation="nearest",
)
FLIPS = Flips(left_right=[[11, 11], [19, 20]], top_bottom=[[5, 5]], half_turn=[[40, 40]])
IMAGES = np.random.default_rng(0).integers(0, 256, (32, 48, 48, 3), dtype=np.uint8)


def draw_matrices(n: int = 32, size: int = 48) -> np.ndarray:
    return draw_affine(n, (size, size), TUTORIAL, np.random.default_rng(1)).matrices((size, size))


def legacy_warp(images: np.ndarray, draws: AffineDraws, *, fill_mode: str, interpolation: str) -> np.ndarray:
    """The same draws through `ImageDataGenerator.apply_transform`, image by image."""
    order = {"nearest": 0, "bilinear": 1}[interpolation]
    keras_generator = ImageDataGenerator(fill_mode=fill_mode, interpolation_order=order)
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


@pytest.mark.filterwarnings("ignore:Please import `affine_transform`:DeprecationWarning")  # from an import in Keras
@pytest.mark.parametrize("fill_mode", ["nearest", "reflect", "constant"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize("size", [(48, 48), (33, 33)])
def test_warp_equals_the_legacy_generator(fill_mode, interpolation, size):
    options = {"fill_mode": fill_mode, "interpolation": interpolation}
    images, tolerance = IMAGES[:, : size[0], : size[1]].astype(np.float32), 0
    if interpolation == "bilinear":  # both positions are rounded to 1/32 pixel: little, where neighbours are alike
        images = np.stack([cv2.blur(image, (5, 5)) for image in images])
        tolerance = 2 * max(np.abs(np.diff(images, axis=axis)).max() for axis in (1, 2)) / 64 + 0.01
    draws = draw_affine(len(images), size, TUTORIAL.model_copy(update={"rotation": 40.0}), np.random.default_rng(1))
    ours = warp(images, draws.matrices(size), **options)
    assert ours.dtype == np.float32
    difference = np.abs(ours - legacy_warp(images, draws, **options))
    if interpolation == "bilinear" and fill_mode == "constant":  # at the border OpenCV blends with black, SciPy does not
        inner = np.zeros_like(images)
        inner[:, 1:-1, 1:-1] = 1
        inside = warp(inner, draws.matrices(size), **options) == 1
        assert inside.mean() > 0.5
        difference = difference[inside]
    assert difference.max() <= tolerance
    assert np.abs(ours - images).mean() > 10  # the images did change


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_uint8_images_stay_uint8_and_are_rounded(interpolation):
    options = {"fill_mode": "nearest", "interpolation": interpolation}
    ours = warp(IMAGES, draw_matrices(), **options)
    assert ours.dtype == np.uint8
    assert np.abs(ours - warp(IMAGES.astype(np.float32), draw_matrices(), **options)).max() <= 0.5


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_all_rgb_triples_of_an_image_get_the_same_warp(interpolation):
    options = {"fill_mode": "nearest", "interpolation": interpolation}
    images, matrices = np.random.default_rng(0).integers(0, 256, (5, 24, 24, 6), dtype=np.uint8), draw_matrices(5, 24)
    together = warp(images, matrices, **options)
    separate = [warp(np.ascontiguousarray(images[..., rgb]), matrices, **options) for rgb in (slice(3), slice(3, 6))]
    difference = np.abs(together - np.concatenate(separate, axis=3, dtype=np.int16))
    assert difference.max() <= (interpolation == "bilinear")  # OpenCV's code for six channels rounds otherwise than for three
    assert (together != images).any()


def test_more_images_than_opencv_warps_at_once_are_warped_alike(monkeypatch):
    at_once = warp(IMAGES, draw_matrices(), fill_mode="constant", interpolation="bilinear")
    monkeypatch.setattr(geometric, "MAX_SIDE", 3 * 50)
    assert (warp(IMAGES, draw_matrices(), fill_mode="constant", interpolation="bilinear") == at_once).all()


def test_affine_draws_fill_their_ranges():
    draws = draw_affine(20_000, (48, 40), TUTORIAL, np.random.default_rng(0))
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
    assert abs(np.corrcoef(draws.zoom_y, draws.zoom_x)[0, 1]) < 0.05  # drawn independently for each axis


def test_perspective_moves_each_corner_within_its_range():
    matrices = draw_perspective(500, (48, 40), Perspective(corner_shift=0.1), np.random.default_rng(0))
    corners = np.array([[0, 0, 1], [39, 0, 1], [0, 47, 1], [39, 47, 1]], float)
    positions = np.einsum("nij,kj->nki", matrices, corners)
    offsets = positions[..., :2] / positions[..., 2:] - corners[:, :2]
    for axis, limit in ((0, 4.0), (1, 4.8)):
        assert 0.97 * limit < np.abs(offsets[..., axis]).max() <= limit + 1e-5  # OpenCV takes corners in float32
    assert np.abs(np.corrcoef(offsets.reshape(500, 8).T) - np.eye(8)).max() < 0.2  # all eight are independent


def test_nearest_and_bilinear_agree_on_perspective():
    """Two implementations, one geometry: on a smooth image they differ by less than the step between two pixels."""
    ramp = np.broadcast_to(np.arange(48.0)[:, None, None] + 2 * np.arange(48.0)[:, None], (8, 48, 48, 3)).astype(np.float32)
    perspective = draw_perspective(8, (48, 48), Perspective(corner_shift=0.1), np.random.default_rng(2))
    matrices = draw_matrices(8) @ perspective
    nearest, bilinear = (warp(ramp, matrices, fill_mode="nearest", interpolation=how) for how in ("nearest", "bilinear"))
    assert np.abs(nearest - bilinear).max() <= 1.51  # half a pixel along each axis: (1 + 2) / 2


@pytest.mark.parametrize(
    ("label", "flipped_label", "flipped"),
    [
        (11, 11, lambda x: x[:, ::-1]),
        (19, 20, lambda x: x[:, ::-1]),
        (20, 19, lambda x: x[:, ::-1]),
        (5, 5, lambda x: x[::-1]),
        (40, 40, lambda x: x[::-1, ::-1]),
    ],
)
def test_a_flip_changes_the_image_and_its_class(label, flipped_label, flipped):
    before = np.eye(43, dtype="float32")[np.full(32, label)]
    images, targets = flip(IMAGES, before, FLIPS, np.random.default_rng(0))
    assert targets.dtype == np.float32
    changed = (images != IMAGES).any(axis=(1, 2, 3))
    assert 8 <= changed.sum() <= 24
    for i in range(32):
        assert (images[i] == (flipped(IMAGES[i]) if changed[i] else IMAGES[i])).all()
        assert targets[i].argmax() == (flipped_label if changed[i] else label)


def test_other_classes_are_not_flipped():
    others = [label for label in range(43) if label not in (5, 11, 19, 20, 40)][:32]
    before = np.eye(43, dtype="float32")[others]
    images, targets = flip(IMAGES, before, FLIPS, np.random.default_rng(0))
    assert (images == IMAGES).all()
    assert (targets == before).all()
