"""Each degradation: of any size of picture, nothing at strength 0, worse with strength, and what its formula says."""

import numpy as np
import pandas as pd
import pytest

from gtsrb import params
from gtsrb.degradations import KINDS
from stages.robustness import sample

RNG = np.random.default_rng(0)
ROWS, COLUMNS = np.meshgrid(np.linspace(40, 200, 61), np.linspace(60, 180, 50), indexing="ij")
SMOOTH = np.stack([ROWS, COLUMNS, np.full((61, 50), 90.0)], axis=-1)
IMAGE = np.clip(SMOOTH + RNG.normal(0, 12, SMOOTH.shape), 0, 255).astype(np.uint8)
STRENGTHS = {
    "blur": (2, 6),
    "noise": (0.05, 0.2),
    "darkening": (0.3, 0.8),
    "contrast_loss": (0.3, 0.8),
    "jpeg": (50, 95),
    "occlusion": (0.1, 0.4),
    "rotation": (5, 30),
    "scale": (0.05, 0.3),
    "translation": (0.05, 0.2),
}


def degraded(kind: str, strength: float, image: np.ndarray = IMAGE) -> np.ndarray:
    return KINDS[kind](image, strength, np.random.default_rng(1))


@pytest.mark.parametrize("kind", KINDS)
def test_stronger_is_worse_and_the_form_is_kept(kind):
    kept = IMAGE.copy()
    mild, strong = (degraded(kind, strength) for strength in STRENGTHS[kind])
    for out in (mild, strong):
        assert (out.dtype, out.shape) == (np.uint8, IMAGE.shape)
    distance = [np.abs(out.astype(int) - IMAGE).mean() for out in (mild, strong)]
    assert 0 < distance[0] < distance[1]
    assert (kept == IMAGE).all()
    assert (strong == degraded(kind, STRENGTHS[kind][1])).all()  # the same draws, the same picture


@pytest.mark.parametrize("kind", set(KINDS) - {"blur", "jpeg"})
def test_no_strength_no_change(kind):
    assert (degraded(kind, 0.0) == IMAGE).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(15, 17), (120, 90)])
def test_any_size(kind, size):
    image = RNG.integers(0, 256, (*size, 3), dtype=np.uint8)
    assert degraded(kind, STRENGTHS[kind][1], image).shape == image.shape


def test_the_formulas():
    assert degraded("darkening", 0.5).mean() == pytest.approx(IMAGE.mean() / 2, abs=0.5)
    assert degraded("contrast_loss", 0.5).std() == pytest.approx(IMAGE.std() / 2, rel=0.02)
    assert degraded("contrast_loss", 0.5).mean() == pytest.approx(IMAGE.mean(), abs=0.5)
    assert (degraded("noise", 0.1).astype(int) - IMAGE).std() == pytest.approx(25.5, rel=0.05)
    hidden = (degraded("occlusion", 0.4) == 128).all(axis=2)
    assert hidden.sum() == 20 * 20
    moved = degraded("translation", 0.1)
    signs = [(y, x) for y in (-6, 6) for x in (-5, 5)]
    inner = [np.abs(np.roll(IMAGE, sign, axis=(0, 1)).astype(int) - moved)[12:-12, 12:-12].max() for sign in signs]
    assert min(inner) <= 40  # 6.1 pixels, so interpolated
    assert sorted(inner)[1] > min(inner)


@pytest.mark.parametrize("images", [1, 3, 50, 999, 1000, 2000])
def test_a_sample_has_each_class_in_its_proportion(images):
    rows = pd.DataFrame({"class_id": np.repeat([2, 0, 1], [600, 399, 1])})  # a class of one image is no error
    settings = params.load().robustness.model_copy(update={"images": images})
    chosen = sample(rows, settings)
    assert len(chosen) == min(images, 1000) and chosen.index.is_unique and chosen.index.is_monotonic_increasing
    counts = chosen["class_id"].value_counts()
    for class_id, there in rows["class_id"].value_counts().items():
        assert abs(counts.get(class_id, 0) - there * len(chosen) / 1000) <= 1
    assert chosen.equals(sample(rows, settings))


def test_the_seed_decides_the_sample():
    rows = pd.DataFrame({"class_id": np.repeat([0, 1], 500)})
    first, second = (sample(rows, params.load().robustness.model_copy(update={"images": 99, "seed": seed})) for seed in (0, 1))
    assert not first.equals(second)
