"""Each degradation: of any size of picture, nothing at strength 0, worse with strength, and what its formula says."""

import numpy as np
import pytest

from gtsrb.degradations import KINDS

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
