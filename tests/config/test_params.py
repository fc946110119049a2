"""params.yaml is validated strictly: each violation is one line with the key's path, the value and what is allowed."""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import BaseModel
from small_project import put

from gtsrb.config.params import Params, load, parse
from gtsrb.errors import InputError


@pytest.mark.parametrize("text", ["1e-05", "1E-5", "1.0e-5", "0.00001", "+1e-05"])
def test_exponent_notation_is_a_number(raw_params, tmp_path, text):
    put(raw_params, "train.baseline.schedule.decay", 7)
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(raw_params).replace("decay: 7", f"decay: {text}"))
    assert load(path).train["baseline"].schedule.decay == 1e-5


def keys_of(section: type[BaseModel]) -> Iterator[str]:
    """The keys that params.yaml may have in this section and in those within it."""
    for name, field in section.model_fields.items():
        yield field.alias or name
        annotations = [field.annotation]
        while annotations:
            annotation = annotations.pop()
            annotations += get_args(annotation)
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                yield from keys_of(annotation)


def test_no_key_is_one_that_the_run_cache_of_dvc_ignores():
    keys = set(keys_of(Params))
    assert {"image_size", "max_side", "rotation", "folds"} <= keys
    assert not keys & {"size", "nfiles"}


def test_the_committed_values_survive_a_round_trip_through_yaml(params, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(params.model_dump(by_alias=True, exclude_none=True)))
    assert load(path) == params


INVALID = {  # key -> value, and words of the message
    "ingest.source": ("kaggle", "'gtsrb', 'synthetic' or 'own'"),
    "ingest.own.test_fraction": (0.6, "less than or equal to 0.5"),
    "ingest.own.seed": ("0", "valid integer"),
    "ingest.synthetic.seed": (-1, "greater than or equal to 0"),
    "ingest.gtsrb.sha256": ("abc", "pattern"),
    "preprocess.plain.image_size": (4, "greater than or equal to 8"),
    "preprocess.plain.dtype": ("float16", "'uint8' or 'float32'"),
    "preprocess.equalized.equalize.bins": ("256", "valid integer"),
    "train.baseline.epochs": (0, "greater than or equal to 1"),
    "train.baseline.batch_size": (32.0, "valid integer"),
    "train.baseline.deterministic": ("yes", "valid boolean"),
    "train.baseline.optimizer.momentum": (1.0, "less than 1"),
    "train.baseline.optimizer.learning_rate": (0.0, "greater than 0"),
    "train.baseline.optimizer.name": ("sdg", "'sgd', 'rmsprop', 'adam'"),
    "train.baseline.precision": ("bfloat16", "'mixed_bfloat16'"),
    "train.baseline.validation.fraction": (0.6, "less than or equal to 0.5"),
    "train.baseline.validation.split": ("track", "'random', 'tracks'"),
    "train.baseline.network.filters": ([], "at least 1 item"),
    "train.augmented.augmentation.affine.rotation": (200, "less than or equal to 180"),
    "train.augmented.augmentation.affine.interpolation": ("cubic", "'nearest' or 'bilinear'"),
    "train.baseline.network.family": ("dense", "'plain', 'residual'"),
    "train.baseline.network.head": ("max", "'flatten' or 'global_average_pooling'"),
    "train.baseline.schedule.name": ("linear", "'step', 'cosine', 'one_cycle', 'reduce_on_plateau'"),
    "train.baseline.schedule.factor": (2.0, "less than or equal to 1"),
    "train.baseline.synthetic.share": (1.5, "less than or equal to 1"),
    "render.drawn.tracks_per_class": (-1, "greater than or equal to 0"),
    "render.drawn.frames_per_track": (0, "greater than or equal to 1"),
    "camera.white": ([150.0], "at least 2 items"),
    "camera.shadowed": (1.5, "less than or equal to 1"),
    "train.baseline.members": (0, "greater than or equal to 1"),
    "train.baseline.sampling": ("balanced", "'natural' or 'class_balanced'"),
    "train.baseline.label_smoothing": (1.0, "less than 1"),
    "train.baseline.optimizer.weight_decay": (-1.0, "greater than or equal to 0"),
    "train.baseline.optimizer.gradient_clip": (0.0, "greater than 0"),
    "train.baseline.optimizer.ema_momentum": (1.0, "less than 1"),
    "evaluate.baseline.weights": ("first", "'last' or 'best'"),
    "crossvalidate.baseline.folds": (1, "greater than or equal to 2"),
    "out_of_fold.unsure": (1.0, "less than 1"),
    "evaluate.baseline.test_time_augmentation": ([], "at least 1 item"),
}


def locate(key: str) -> str:
    """The key as pydantic locates it: a discriminated union is followed by its tag, here that of `baseline`."""
    tags = {"validation": "random", "network": "plain", "schedule": "step"}
    *parents, last = key.split(".")
    if last in ("split", "family", "name") and parents[-1] in tags:  # the discriminator itself
        return ".".join(parents)
    return ".".join([*(f"{parent}.{tags[parent]}" if parent in tags else parent for parent in parents), last])


@pytest.mark.parametrize("key", INVALID)
def test_an_invalid_value_is_named_with_what_is_allowed(raw_params, key):
    value, words = INVALID[key]
    put(raw_params, "train.baseline.validation", {"split": "random", "fraction": 0.2, "seed": 0})
    put(raw_params, "crossvalidate.baseline", {"folds": 5, "seed": 0})
    put(raw_params, key, value)
    with pytest.raises(InputError) as error:
        parse(raw_params)
    message = str(error.value)
    assert message.startswith(f"params.yaml: {locate(key)}")
    assert repr(value) in message
    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("train.baseline.epoch", "train.baseline: unknown key 'epoch'; expected one of images, synthetic, seed, members"),
        ("trian", "unknown key 'trian'; expected one of ingest, camera, preprocess, render, train, evaluate"),
        ("ingest.own.fraction", "ingest.own: unknown key 'fraction'; expected one of test_fraction, seed"),
        (
            "train.augmented.augmentation.affine.shift",
            "train.augmented.augmentation.affine: unknown key 'shift'; expected one of rotation, width_shift",
        ),
        ("preprocess.plain.equalise", "preprocess.plain: unknown key 'equalise'; expected one of equalize, clahe, crop"),
    ],
)
def test_an_unknown_key_is_named_with_the_valid_ones(raw_params, key, message):
    put(raw_params, key, 1)
    with pytest.raises(InputError) as error:
        parse(raw_params)
    assert str(error.value).startswith(f"params.yaml: {message}")


@pytest.mark.parametrize("key", ["ingest", "train.baseline.network.pool_size", "evaluate.augmented.weights"])
def test_a_missing_key_is_named(raw_params, key):
    parent, _, last = key.rpartition(".")
    section = raw_params
    for name in filter(None, parent.split(".")):
        section = section[name]
    del section[last]
    with pytest.raises(InputError, match=f"^params.yaml: {locate(key)}: missing$"):
        parse(raw_params)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        (
            "train.baseline.images",
            "equalised",
            "'equalised': unknown variant; preprocess has equalized, plain",
        ),
        ("preprocess.equalized.image_size", 20, "train.baseline.network: 3 blocks leave no pixel of 20 x 20"),
        ("evaluate.other", {"weights": "last"}, "only one has other"),
        (
            "train.augmented.validation",
            {"split": "tracks", "folds": 5, "fold": 5, "seed": 0},
            "train.augmented.validation.tracks: fold = 5: expected 0 to 4, since folds = 5",
        ),
        (
            "train.augmented.augmentation.flips",
            {"left_right": [[3, 4], [4, 4]], "top_bottom": [], "half_turn": []},
            "train.augmented.augmentation.flips: left_right: class 4 is in two pairs",
        ),
        ("train.augmented.augmentation", {"perspective": {"corner_shift": 0.1}}, "perspective: affine is missing"),
        ("preprocess.plain.margin", 0.1, "crop = 'center_square', margin = 0.1; use margin with crop: roi"),
        (
            "preprocess.equalized.clahe",
            {"tiles": 4, "clip_limit": 0.1, "bins": 256},
            "equalize and clahe are mutually exclusive",
        ),
        (
            "crossvalidate.nobody",
            {"folds": 5, "seed": 0},
            "crossvalidate.nobody: unknown recipe; train has baseline, augmented",
        ),
        (
            "crossvalidate",
            {"baseline": {"folds": 5, "seed": 0}},
            "expected a cross-validated recipe; crossvalidate has baseline",
        ),
        (
            "export.thresholds_from.champion",
            "nobody",
            "export.thresholds_from.champion = 'nobody': expected a cross-validated recipe; crossvalidate has fast",
        ),
        (
            "export.thresholds_from",
            {"baseline": "fast"},
            "train and export.thresholds_from must have the same recipes; only one has ",
        ),
        ("out_of_fold.unknown", 0.5, "unknown = 0.5 exceeds unsure = 0.005"),
        (
            "train.fast.synthetic",
            {"set": "painted", "share": 0.5},
            "train.fast.synthetic.set = 'painted': expected none or a set of render: drawn",
        ),
        (
            "train.baseline.synthetic",
            {"set": "drawn", "share": 0.5},
            "train.baseline.synthetic.set = 'drawn': its images are roi_both_32, the recipe's are equalized; add a set",
        ),
        (
            "train.fast.synthetic",
            {"set": "drawn", "share": 0.0},
            "set = drawn, share = 0.0: expected set: none with share: 0.0",
        ),
        ("train.fast.synthetic", {"set": "none", "share": 0.5}, "set = none, share = 0.5: expected set: none with share: 0.0"),
        ("train.fast.validation", {"split": "all"}, "split: all leaves no photograph to train on, and synthetic.share = 0.0"),
        (
            "render.none",
            {"images": "plain", "tracks_per_class": 1, "without_sign": 0, "frames_per_track": 1, "seed": 0},
            "render.none: this name is reserved",
        ),
        *(
            (
                f"render.{split}",
                {"images": "plain", "tracks_per_class": 1, "without_sign": 0, "frames_per_track": 1, "seed": 0},
                f"render.{split}: this name is reserved",  # its arrays would stand in the place of the split's
            )
            for split in ("train", "test")
        ),
        (
            "render.plain",
            {"images": "plain", "tracks_per_class": 1, "without_sign": 0, "frames_per_track": 1, "seed": 0},
            "render.plain: this name is reserved",
        ),
        ("render.drawn.tracks_per_class", 0, "render.drawn: tracks_per_class and without_sign are both 0; set one of them"),
        ("render.drawn.images", "rio", "render.drawn.images = 'rio': unknown variant; preprocess has equalized"),
        ("train.Bad Name", None, "train.Bad Name.[key] = 'Bad Name': string should match pattern"),
    ],
)
def test_inconsistent_sections_are_named(raw_params, key, value, words):
    put(raw_params, key, raw_params["train"]["baseline"] if value is None else value)
    with pytest.raises(InputError) as error:
        parse(raw_params)
    assert words in str(error.value)


def test_best_weights_and_plateau_schedules_need_validation_images(raw_params):
    del raw_params["train"]["baseline"]["validation"]
    parse(raw_params)
    raw_params["evaluate"]["baseline"]["weights"] = "best"
    with pytest.raises(InputError, match=r"evaluate.baseline.weights = 'best': train.baseline has no validation images"):
        parse(raw_params)
    raw_params["evaluate"]["baseline"]["weights"] = "last"
    plateau = {"name": "reduce_on_plateau", "factor": 0.5, "patience": 2, "min_delta": 0.0}
    raw_params["train"]["baseline"]["schedule"] = plateau
    with pytest.raises(InputError, match="reduce_on_plateau needs val_loss, and validation is missing"):
        parse(raw_params)


def test_a_cross_validated_recipe_has_no_plateau_schedule(raw_params):
    """Held-out images would steer the network that predicts them."""
    raw_params["crossvalidate"]["baseline"] = {"folds": 5, "seed": 0}
    parse(raw_params)
    raw_params["train"]["baseline"]["schedule"] = {"name": "reduce_on_plateau", "factor": 0.5, "patience": 2, "min_delta": 0.0}
    with pytest.raises(InputError, match=r"crossvalidate.baseline: train.baseline.schedule is reduce_on_plateau"):
        parse(raw_params)


def test_ema_and_batch_normalization_are_mutually_exclusive(raw_params):
    recipe = raw_params["train"]["baseline"]
    recipe["optimizer"]["ema_momentum"] = 0.999
    recipe["network"]["standardize"] = "data_set"  # statistics of the images, independent of the weights
    parse(raw_params)
    recipe["network"]["batch_normalization"] = True
    with pytest.raises(InputError, match=r"ema_momentum = 0.999: network.batch_normalization .* use only one") as error:
        parse(raw_params)
    assert "\n" not in str(error.value)


def test_a_residual_network_has_one_block_count_per_stage(raw_params):
    network = raw_params["train"]["baseline"]["network"]
    for key in ("padding", "pool_size", "pool_after"):
        del network[key]
    network |= {"family": "residual", "stem_stride": 1, "blocks": [1, 1]}
    with pytest.raises(InputError, match=r"filters = \[32, 64, 128\], blocks = \[1, 1\]; expected one entry per stage in each"):
        parse(raw_params)
    network["blocks"] = [1, 1, 2]
    assert parse(raw_params).train["baseline"].network.blocks == [1, 1, 2]
    network["pool_size"] = 2
    with pytest.raises(
        InputError, match=r"train.baseline.network.residual: unknown key 'pool_size'; expected one of standardize"
    ):
        parse(raw_params)


def test_nan_is_rejected(raw_params):
    put(raw_params, "train.baseline.optimizer.learning_rate", float("nan"))
    with pytest.raises(InputError, match="learning_rate = nan"):
        parse(raw_params)


@pytest.mark.parametrize(
    ("kind", "levels", "words"),
    [
        ("blur", [0.0], r"blur.0 = 0.0: input should be greater than 0"),
        ("blur", [1.0, 100.1], r"blur.1 = 100.1: input should be less than or equal to 100"),
        ("noise", [1.1], r"noise.0 = 1.1: input should be less than or equal to 1"),
        ("darkening", [1.0], r"darkening.0 = 1.0: input should be less than 1"),
        ("contrast_loss", [1.1], r"contrast_loss.0 = 1.1: input should be less than or equal to 1"),
        ("jpeg", [100], r"jpeg.0 = 100: input should be less than or equal to 99"),
        ("jpeg", [0], r"jpeg.0 = 0: input should be greater than or equal to 1"),
        ("jpeg", [50.5], r"jpeg.0 = 50.5: input should be a valid integer"),
        ("occlusion", [1.1], r"occlusion.0 = 1.1: input should be less than or equal to 1"),
        ("rotation", [180.1], r"rotation.0 = 180.1: input should be less than or equal to 180"),
        ("scale", [1.0], r"scale.0 = 1.0: input should be less than 1"),
        ("translation", [1.0], r"translation.0 = 1.0: input should be less than 1"),
        ("noise", [], r"noise = \[\]: list should have at least 1 item"),
        ("noise", [0.1, 0.1], r"noise: \[0.1, 0.1\]: expected increasing severities$"),
        ("jpeg", [70, 95, 85], r"jpeg: \[70, 95, 85\]: expected increasing severities$"),
    ],
)
def test_severities_are_in_range_and_increasing(raw_params, kind, levels, words):
    put(raw_params, f"robustness.severities.{kind}", levels)
    with pytest.raises(InputError, match=rf"^params.yaml: robustness.severities.{words}") as error:
        parse(raw_params)
    assert "\n" not in str(error.value)


def test_the_highest_allowed_severities(raw_params):
    highest = {"blur": 100, "noise": 1, "darkening": 0.999, "contrast_loss": 1, "jpeg": 99, "occlusion": 1}
    highest |= {"rotation": 180, "scale": 0.999, "translation": 0.999}
    put(raw_params, "robustness.severities", {kind: [severity] for kind, severity in highest.items()})
    assert {kind: levels[0] for kind, levels in parse(raw_params).robustness.severities} == highest


def test_a_reserved_recipe_name(raw_params):
    for section in ("train", "evaluate"):
        raw_params[section]["comparison"] = raw_params[section]["baseline"]
    with pytest.raises(InputError, match=r"train.comparison: this name is reserved in metrics/; choose another"):
        parse(raw_params)


def test_two_violations_are_two_lines(raw_params):
    put(raw_params, "train.baseline.epochs", 0)
    put(raw_params, "train.augmented.seed", "x")
    with pytest.raises(InputError) as error:
        parse(raw_params)
    assert len(str(error.value).splitlines()) == 2


def test_a_missing_an_invalid_and_an_empty_file(tmp_path):
    with pytest.raises(InputError, match="not found; run this from the root of the project"):
        load(tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text("train: [1")
    with pytest.raises(InputError, match="is not valid YAML") as error:
        load(Path(tmp_path / "params.yaml"))
    assert "\n" not in str(error.value)
    (tmp_path / "params.yaml").write_bytes("train: {}  # für".encode("latin-1"))
    with pytest.raises(InputError, match="is not valid YAML"):
        load(tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text("")
    with pytest.raises(InputError, match="the whole file = None"):
        load(tmp_path / "params.yaml")
