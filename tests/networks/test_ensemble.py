"""Weight files: same weights, same bytes; and every member's own are loaded."""

import numpy as np
import pytest
from example_networks import SHAPE, TUTORIAL, build

from gtsrb.errors import InputError
from gtsrb.networks import ensemble


def test_same_weights_same_bytes(tmp_path):
    weights = build(TUTORIAL).get_weights()
    for name in ("a", "b"):
        ensemble.save_weights(tmp_path / f"{name}.weights.h5", weights, TUTORIAL, **SHAPE)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.weights.h5", "b.weights.h5"]
    assert (tmp_path / "a.weights.h5").read_bytes() == (tmp_path / "b.weights.h5").read_bytes()


def test_each_member_loads_its_own_weights(tmp_path, monkeypatch, params):
    monkeypatch.chdir(tmp_path)
    recipe = params.train["baseline"].model_copy(update={"members": 2, "network": TUTORIAL})
    saved = [[np.full_like(weight, number) for weight in build(TUTORIAL).get_weights()] for number in range(2)]
    for number, weights in enumerate(saved):
        ensemble.save_weights(ensemble.weights_file("baseline", number, "best"), weights, TUTORIAL, **SHAPE)
    for number, model in ensemble.load_members("baseline", recipe, "best", **SHAPE):
        assert all((loaded == weight).all() for loaded, weight in zip(model.get_weights(), saved[number], strict=True))
    expected = r"^models/baseline/member0/last.weights.h5 not found; run `dvc repro train@baseline`$"
    with pytest.raises(InputError, match=expected):
        next(ensemble.load_members("baseline", recipe, "last", **SHAPE))
