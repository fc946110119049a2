"""Exported files against Keras, the choice of their precision, and how they are measured."""

import json
from types import SimpleNamespace

import keras
import numpy as np
import onnx
import pytest
from conftest import ROOT
from onnx import numpy_helper
from small_models import save_model

import stages.export
from gtsrb.config.params import load
from gtsrb.data.sign_names import SIGN_NAMES
from gtsrb.errors import InputError
from gtsrb.networks import inference
from gtsrb.networks.build import build_network
from gtsrb.preprocessing.crop import Box
from gtsrb.serving import export, parity, predictor

pytestmark = pytest.mark.seconds  # a network is trained and exported
PROPERTIES = {"names": json.dumps(SIGN_NAMES), "unsure_below": "0.5"}
VARIANT = load(ROOT / "params.yaml").preprocess["equalized"]


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """200 noisy images of five patterns; image i has pattern i % 5."""
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 256, (5, 6, 6, 3)).repeat(8, axis=1).repeat(8, axis=2)[np.arange(200) % 5]
    return np.clip(patterns + rng.normal(0, 60, patterns.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def model(images):
    """The tutorial's network at a quarter of its width, trained until its probabilities are worth comparing."""
    network = load(ROOT / "params.yaml").train["augmented"].network
    keras.utils.set_random_seed(0)
    built = build_network(
        network.model_copy(update={"filters": [8, 16, 32], "dense_units": [128]}),
        size=48,
        channels=3,
        dtype="uint8",
        classes=43,
    )
    built.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy")
    built.fit(images, np.arange(200) % 5, epochs=4, batch_size=20, verbose=0)
    return built


def open_session(network: onnx.ModelProto):
    return export.open_session(network.SerializeToString())


def test_float32_predicts_as_keras(model, images):
    probabilities, expected = export.predict(open_session(export.build_onnx(model)), images), inference.predict(model, images)
    assert (probabilities.argmax(axis=1) == expected.argmax(axis=1)).all()
    assert probabilities == pytest.approx(expected, abs=1e-3)


def test_float16_predicts_as_keras_within_rounding_at_half_the_size(model, images):
    float32 = export.build_onnx(model)
    float16 = export.halve_precision(float32)
    probabilities, expected = export.predict(open_session(float16), images), inference.predict(model, images)
    assert probabilities == pytest.approx(expected, abs=5e-3)
    assert (probabilities != export.predict(open_session(float32), images)).any()
    assert float16.ByteSize() < 0.55 * float32.ByteSize()


def test_a_file_prepares_its_picture(model, tmp_path):
    path, rng = tmp_path / "a.onnx", np.random.default_rng(0)
    export.save_onnx(path, export.add_preprocessing(export.build_onnx(model), VARIANT), PROPERTIES)
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


def test_float16_is_chosen_if_it_changes_no_prediction(model, images, monkeypatch):
    network, n_changed = export.build_smaller_onnx(model, images)
    assert n_changed == 0 and weight_types(network) == {"float16"}

    def predict_always_class_0(network):
        proto = onnx.ModelProto()
        proto.CopyFrom(network)
        (bias,) = [tensor for tensor in proto.graph.initializer if list(tensor.dims) == [43]]
        bias.CopyFrom(numpy_helper.from_array(np.float32([100] + [0] * 42), bias.name))
        return proto

    monkeypatch.setattr(export, "halve_precision", predict_always_class_0)
    network, n_changed = export.build_smaller_onnx(model, images)
    assert n_changed == (inference.predict(model, images).argmax(axis=1) != 0).sum() > 100
    assert weight_types(network) == {"float32"}


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
def test_litert_predicts_as_keras(model, images, tmp_path):
    from tensorflow import lite

    export.save_litert(tmp_path / "a.tflite", model)
    interpreter = lite.Interpreter(str(tmp_path / "a.tflite"))
    (input_details,), (output_details,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(input_details["index"], images.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(input_details["index"], images)
    interpreter.invoke()
    assert interpreter.get_tensor(output_details["index"]) == pytest.approx(inference.predict(model, images), abs=1e-3)


def test_latency_is_the_median_of_single_pictures(tmp_path, monkeypatch):
    """With a clock by which run i takes i ms; the first ten are warm-up."""
    save_model(tmp_path / "a.onnx", VARIANT, ["a", "b", "c"])
    ticks = iter(t for i in range(1, 1000) for t in (0.0, i / 1000))
    monkeypatch.setattr(export, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    assert export.measure_latency(tmp_path / "a.onnx") == pytest.approx(10 + (export.LATENCY_RUNS + 1) / 2)


def test_exporting_with_another_backend_is_one_line(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(InputError, match=r"^KERAS_BACKEND=jax cannot export; only TensorFlow can: run "):
        stages.export.main()
