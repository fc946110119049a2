"""params.yaml's recipes are what the docs say of them: two are the tutorial's, value by value, and three differ in epochs."""

import pytest

from gtsrb.networks.build import build_network


def test_the_two_recipes(params):
    baseline, augmented = params.train["baseline"], params.train["augmented"]
    assert baseline.augmentation is None
    for recipe in (baseline, augmented):
        assert (recipe.epochs, recipe.batch_size, recipe.validation.fraction) == (30, 32, 0.2)
        optimizer = {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.0}
        assert recipe.optimizer.model_dump(exclude_none=True) == optimizer
        assert recipe.schedule.model_dump() == {"name": "step", "every": 10, "factor": 0.1, "decay": 1e-6}
        assert (recipe.network.filters, recipe.network.dense_units) == ([32, 64, 128], [512])
        assert params.evaluate["baseline"].weights == "last"
        assert (recipe.network.family, recipe.network.head, recipe.network.standardize) == ("plain", "flatten", "none")
        assert build_network(recipe.network, size=48, channels=3, dtype="uint8", classes=43).count_params() == 1_358_155
        assert recipe.network.kernel_initializer == "glorot_uniform"
        assert (recipe.members, recipe.sampling, recipe.label_smoothing) == (1, "natural", 0.0)
    assert augmented.validation.seed == 42
    affine = augmented.augmentation.affine
    assert (affine.rotation, affine.width_shift, affine.height_shift, affine.zoom) == (10, 0.1, 0.1, 0.2)
    assert affine.shear == pytest.approx(180 / 3.14159265 * 0.1, abs=0.005)  # 0.1 radians
    assert (affine.interpolation, affine.fill_mode) == ("nearest", "nearest")


def test_the_fast_recipes_differ_in_epochs_alone(params):
    recipes = [params.train[name] for name in ("fast_1_epoch", "fast", "fast_16_epochs")]
    assert [recipe.epochs for recipe in recipes] == [1, 2, 16]
    assert len({recipe.model_copy(update={"epochs": 1}).model_dump_json() for recipe in recipes}) == 1
    assert params.evaluate["fast_1_epoch"] == params.evaluate["fast"] == params.evaluate["fast_16_epochs"]
