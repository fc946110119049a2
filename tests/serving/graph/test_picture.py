"""The graph that prepares a picture, against gtsrb/preprocessing/, in every image variant and at all sizes."""

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from gtsrb.config.preprocess import Variant
from gtsrb.errors import InputError
from gtsrb.preprocessing.crop import Box
from gtsrb.serving import parity
from gtsrb.serving.graph.picture import build_preprocessing

VARIANTS = ["equalized", "plain", "roi_both", "roi_both_32"]
SIZES = [(8, 8), (9, 31), (15, 15), (25, 24), (30, 29), (48, 48), (60, 61), (100, 90), (230, 266), (512, 400)]
LARGE = [(513, 100), (20, 2000), (700, 1030)]


@pytest.fixture
def variants(params) -> dict[str, Variant]:
    return params.preprocess


def make_picture(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Patches of colour, each picture with its own brightness and noise."""
    patches = rng.integers(0, 256, (rng.integers(1, 9), rng.integers(1, 9), 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(patches).resize((width, height), Image.Resampling.BICUBIC))
    noisy = smooth * rng.uniform(0.1, 1.2) + rng.normal(0, rng.uniform(0, 25), smooth.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def open_graph(variant: Variant) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(build_preprocessing(variant).SerializeToString(), providers=["CPUExecutionProvider"])


def prepare(session: onnxruntime.InferenceSession, picture: np.ndarray, box: Box | None) -> np.ndarray:
    return session.run(None, {"picture": picture, "box": np.int64(box or [0, 0, -1, -1])})[0][0]


def differences(variant: Variant, pictures: list[np.ndarray]) -> np.ndarray:
    """The largest differences, in levels, of pictures without a box and with one."""
    session, scale = open_graph(variant), 1 if variant.dtype == "uint8" else 255
    found = []
    for picture in pictures:
        height, width = picture.shape[:2]
        for box in (None, Box(width // 4, height // 5, width - 2, height - 2)):
            if box and min(box.x2 - box.x1, box.y2 - box.y1) < 7:
                continue  # too small to show a sign
            expected = parity.prepare(picture, box, variant)
            found.append(np.abs(prepare(session, picture, box) - expected.astype(float)).max() * scale)
    return np.array(found)


@pytest.mark.seconds
@pytest.mark.parametrize(
    ("name", "dtype"), [("equalized", "uint8"), ("plain", "float32"), ("roi_both", "uint8"), ("roi_both_32", "float32")]
)
def test_a_picture_is_prepared_as_by_the_pipeline(variants, name, dtype):
    """Within one level: where a half is rounded, the last bit of a sum decides."""
    rng = np.random.default_rng(0)
    pictures = [make_picture(rng, *size) for size in [*SIZES, *LARGE]]
    found = differences(variants[name].model_copy(update={"dtype": dtype}), pictures)
    assert found.max() <= 1 + 1e-4
    assert (found > 0.01).mean() < 0.7


@pytest.mark.parametrize("level", [0, 1, 77, 255])
@pytest.mark.parametrize("name", VARIANTS)
def test_a_picture_of_one_colour(variants, name, level):
    variant, picture = variants[name], np.full((20, 30, 3), level, np.uint8)
    assert (prepare(open_graph(variant), picture, None) == parity.prepare(picture, None, variant)).all()


@pytest.mark.parametrize("anti_aliasing", [False, True])
@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("mode", ["constant", "edge", "symmetric", "reflect", "wrap"])
def test_every_mode_of_resizing(variants, mode, order, anti_aliasing):
    options = {"mode": mode, "interpolation_order": order, "anti_aliasing": anti_aliasing, "dtype": "float32"}
    rng = np.random.default_rng(0)
    assert (
        differences(variants["plain"].model_copy(update=options), [make_picture(rng, *size) for size in SIZES[::2]]).max()
        < 0.01
    )


def test_a_box_across_the_edge_is_clipped_and_negative_corners_count_from_the_end(variants):
    variant, picture = variants["roi_both"], make_picture(np.random.default_rng(0), 100, 120)
    session = open_graph(variant)
    across, clipped, from_end = (
        prepare(session, picture, box) for box in (Box(30, 20, 500, 500), Box(30, 20, 119, 99), Box(30, 20, -1, -1))
    )
    assert (across == clipped).all() and (clipped == from_end).all()


def test_an_interpolation_without_a_graph_is_one_line(variants):
    with pytest.raises(InputError, match=r"^interpolation_order 3 cannot be exported; expected one of 0 and 1$"):
        build_preprocessing(variants["plain"].model_copy(update={"interpolation_order": 3}))
