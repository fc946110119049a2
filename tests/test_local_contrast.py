"""Local contrast against its formula, and what it is for."""

import numpy as np
import pytest

from gtsrb.local_contrast import LocalContrast

RNG = np.random.default_rng(0)


def test_the_formula_with_windows_cut_off_at_the_border():
    images = RNG.random((2, 9, 11, 3), dtype=np.float32)

    def mean(values):
        out = np.empty_like(values)
        for y in range(9):
            for x in range(11):
                out[:, y, x] = values[:, max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3].mean(axis=(1, 2))
        return out

    centred = images - mean(images)
    expected = centred / np.sqrt(mean(centred**2) + 1e-5)
    assert np.array(LocalContrast(5)(images)) == pytest.approx(expected, abs=1e-4)


def test_half_in_the_shade_looks_like_all_in_the_light():
    light = RNG.random((1, 32, 32, 3), dtype=np.float32)
    shaded = light * np.where(np.arange(32) < 16, 0.2, 1)[None, None, :, None].astype(np.float32)
    normal, found = (np.array(LocalContrast(7)(images)) for images in (light, shaded))
    away = np.r_[0:10, 22:32]  # from the edge of the shade, by what the window reaches twice
    assert found[:, :, away] == pytest.approx(normal[:, :, away], abs=0.01)


def test_nothing_to_see_stays_nothing():
    assert (np.array(LocalContrast(7)(np.full((1, 16, 16, 3), 0.25, np.float32))) == 0).all()


def test_it_stays_in_float32_whatever_the_policy():
    layer = LocalContrast(5)
    assert layer.compute_dtype == layer.variable_dtype == "float32"
