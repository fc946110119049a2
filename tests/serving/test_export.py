"""Exported files against Keras, the choice of their precision, and how they are measured."""

import hashlib
import json

import keras
import numpy as np
import onnx
import pytest
from conftest import ROOT
from onnx import numpy_helper

import stages.export
from gtsrb.config.params import load
from gtsrb.data.sign_names import SIGN_NAMES
from gtsrb.errors import InputError
from gtsrb.evaluation.calibration import apply_temperature
from gtsrb.networks import inference
from gtsrb.networks.build import build_network
from gtsrb.preprocessing.crop import Box
from gtsrb.serving import export, parity, predictor, runtime

pytestmark = pytest.mark.seconds  # a network is trained and exported
PROPERTIES = {"names": json.dumps(SIGN_NAMES), "unsure_below": "0.5", "unknown_below": "0.2"}
VARIANT = load(ROOT / "params.yaml").preprocess["equalized"]


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """200 noisy images of five patterns; image i has pattern i % 5."""
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 256, (5, 6, 6, 3)).repeat(8, axis=1).repeat(8, axis=2)[np.arange(200) % 5]
    return np.clip(patterns + rng.normal(0, 60, patterns.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def model(images):
    """The tutorial's network at a quarter of its width, on standardised images, trained until its probabilities are worth
    comparing.
    """
    network = load(ROOT / "params.yaml").train["augmented"].network
    keras.utils.set_random_seed(0)
    built = build_network(
        network.model_copy(update={"standardize": "channels", "filters": [8, 16, 32], "dense_units": [128]}),
        size=48,
        channels=3,
        dtype="uint8",
        classes=43,
    )
    built.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy")
    built.fit(images, np.arange(200) % 5, epochs=4, batch_size=20, verbose=0)
    return built


@pytest.fixture(scope="module")
def network(model):
    return export.build_onnx(model)


def predict(network: onnx.ModelProto, images: np.ndarray) -> np.ndarray:
    return runtime.open_network(network.SerializeToString())(images)


def test_float32_predicts_as_keras(model, network, images):
    probabilities, expected = predict(network, images), inference.predict(model, images)
    assert (probabilities.argmax(axis=1) == expected.argmax(axis=1)).all()
    assert probabilities == pytest.approx(expected, abs=1e-3)


def test_float16_predicts_as_keras_within_rounding_at_half_the_size(model, network, images):
    float16 = export.halve_precision(network)
    probabilities = predict(float16, images)
    assert probabilities == pytest.approx(inference.predict(model, images), abs=5e-3)
    assert (probabilities != predict(network, images)).any()
    assert float16.ByteSize() < 0.55 * network.ByteSize()


def test_int8_predicts_nearly_as_keras_at_a_quarter_of_the_size(model, network, images):
    """But for the last layer, (128 + 1) x 43 values in float32."""
    int8, last_layer = export.quantize(network, images[:100]), 129 * 43 * 4
    expected = inference.predict(model, images)
    assert (predict(int8, images).argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.95
    assert int8.ByteSize() - last_layer < 0.35 * (network.ByteSize() - last_layer)
    assert "QuantizeLinear" in {node.op_type for node in int8.graph.node}


def test_int8_answers_on_dark_images_as_on_bright_ones(model, network, images, tmp_path):
    """Where the image is standardised and at the last layer, both kinds of file compute in float32."""
    dark = images // 12
    expected = inference.predict(model, dark)
    export.save_onnx(tmp_path / "a.onnx", export.quantize(network, images[:100]), {})
    export.save_litert(tmp_path / "a.tflite", model, "int8", images[:100])
    for file in ("a.onnx", "a.tflite"):
        assert runtime.open_network(tmp_path / file)(dark) == pytest.approx(expected, abs=0.1)


def test_the_ends_of_a_network_are_what_comes_before_the_first_convolution_and_from_the_last_dense_layer_on():
    types = ["Mul", "Conv", "Relu", "Conv", "Gemm", "Relu", "Gemm", "Softmax"]
    operations = dict(zip("abcdefgh", types, strict=True))
    assert export.find_ends(operations, "Conv", ("Gemm", "MatMul")) == ["a", "g", "h"]


@pytest.mark.parametrize(
    ("recipe", "md5"),
    [
        ("baseline", "9e9542531310a01f0d825002f0c23647"),
        ("champion", "37773209caba4f487298333d0565a048"),
        ("fast", "0900856fc503458349843e387e2eb4ad"),
    ],
)
def test_a_new_version_of_the_converter_is_noticed(params, recipe, md5):
    """Of Keras, tf2onnx, ONNX Script or ONNX: then compare `dvc metrics diff` after `dvc repro export`, and renew these."""
    keras.utils.clear_session()  # layers are numbered by process
    settings = params.train[recipe]
    variant, rng = params.preprocess[settings.images], np.random.default_rng(0)
    built = build_network(
        settings.network.model_copy(update={"filters": [4, 8, 8]}),
        size=variant.size,
        channels=variant.channels,
        dtype=variant.dtype,
        classes=43,
    )
    built.set_weights([rng.normal(0, 0.1, weights.shape) for weights in built.get_weights()])
    proto = export.add_preprocessing(export.halve_precision(export.build_onnx(built)), variant)
    assert hashlib.md5(proto.SerializeToString(deterministic=True)).hexdigest() == md5


def test_a_file_prepares_its_picture(model, network, tmp_path):
    path, rng = tmp_path / "a.onnx", np.random.default_rng(0)
    export.save_onnx(path, export.add_preprocessing(network, VARIANT), PROPERTIES)
    exported = predictor.load(path)
    for side in (9, 48, 700):
        picture = rng.integers(0, 256, (side, 2 * side, 3), dtype=np.uint8)
        for box in (None, Box(2, 1, side + 1, side - 1)):
            probabilities, network_input = exported.predict(picture, box)
            assert np.abs(network_input - parity.prepare(picture, box, VARIANT).astype(float)).max() <= 1
            assert probabilities == pytest.approx(inference.predict(model, network_input[None])[0], abs=1e-3)


def weight_types(network: onnx.ModelProto) -> set[str]:
    weights = (numpy_helper.to_array(tensor) for tensor in network.graph.initializer)
    return {str(array.dtype) for array in weights if array.size >= export.LARGE}


def test_float16_is_chosen_if_it_changes_no_prediction(model, network, images, monkeypatch):
    chosen, n_changed = export.choose_precision(network, images)
    assert n_changed == 0 and weight_types(chosen) == {"float16"}

    def predict_always_class_0(network):
        proto = onnx.ModelProto()
        proto.CopyFrom(network)
        (bias,) = [tensor for tensor in proto.graph.initializer if list(tensor.dims) == [43]]
        bias.CopyFrom(numpy_helper.from_array(np.float32([100] + [0] * 42), bias.name))
        return proto

    monkeypatch.setattr(export, "halve_precision", predict_always_class_0)
    chosen, n_changed = export.choose_precision(network, images)
    assert n_changed == (inference.predict(model, images).argmax(axis=1) != 0).sum() > 100
    assert weight_types(chosen) == {"float32"}


@pytest.mark.parametrize(("precision", "bytes_per_weight"), [("float32", 4), ("float16", 2), ("int8", 1)])
def test_litert_predicts_as_keras(model, images, tmp_path, precision, bytes_per_weight):
    path = tmp_path / "a.tflite"
    export.save_litert(path, model, precision, images[:100])
    probabilities, expected = runtime.open_network(path)(images), inference.predict(model, images)
    assert (probabilities.argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.95
    if precision != "int8":
        assert probabilities == pytest.approx(expected, abs=5e-3)
    last_layer = 129 * 43 * 4 if precision == "int8" else 129 * 43 * bytes_per_weight
    assert path.stat().st_size == pytest.approx(bytes_per_weight * (model.count_params() - 129 * 43) + last_layer, rel=0.2)


def test_every_file_is_written(model, images, tmp_path):
    assert export.save_files(tmp_path, model, VARIANT, PROPERTIES, images) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*export.PICTURE_FILES, *export.PREPARED_FILES])
    expected = inference.predict(model, images[:40]).argmax(axis=1)
    for file in export.PREPARED_FILES:
        assert (runtime.open_network(tmp_path / file)(images[:40]).argmax(axis=1) == expected).mean() > 0.9
    for file in export.PICTURE_FILES:
        assert predictor.load(tmp_path / file).names == list(SIGN_NAMES)


def test_exporting_with_another_backend_is_one_line(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(InputError, match=r"^KERAS_BACKEND=jax cannot export; only TensorFlow can: run "):
        stages.export.main()


def test_a_temperature_is_in_the_weights(model, images):
    """In a copy: the other tests export the network as it is."""
    divided = keras.models.clone_model(model)
    divided.set_weights(model.get_weights())
    export.divide_logits(divided, 0.4)
    expected = apply_temperature(inference.predict(model, images), 0.4)
    assert predict(export.build_onnx(divided), images) == pytest.approx(expected, abs=1e-4)
