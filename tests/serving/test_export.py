"""Exported files against Keras, the choice of their precision, and how they are measured."""

from types import SimpleNamespace

import keras
import numpy as np
import onnx
import pytest
from conftest import ROOT
from onnx import numpy_helper
from raw_tables import draw_signs

import stages.export
from gtsrb.data.tables import decode_ppm
from gtsrb.errors import InputError
from gtsrb.networks import inference
from gtsrb.networks.build import build_network
from gtsrb.preprocessing.preprocess import preprocess_files
from gtsrb.serving import export, predictor

pytestmark = pytest.mark.seconds  # a network is trained and exported
PROPERTIES = {"names": '["a"]', "unsure_below": "0.5"}


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """200 noisy images of five patterns; image i has pattern i % 5."""
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 256, (5, 6, 6, 3)).repeat(8, axis=1).repeat(8, axis=2)[np.arange(200) % 5]
    return np.clip(patterns + rng.normal(0, 60, patterns.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def model(images):
    """The tutorial's network at a quarter of its width, trained until its probabilities are worth comparing."""
    from gtsrb.config.params import load

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


def test_float32_predicts_as_keras(model, images, tmp_path):
    export.save_onnx(tmp_path / "a.onnx", model, PROPERTIES)
    probabilities, expected = export.predict(export.open_session(tmp_path / "a.onnx"), images), inference.predict(model, images)
    assert (probabilities.argmax(axis=1) == expected.argmax(axis=1)).all()
    assert probabilities == pytest.approx(expected, abs=1e-3)
    assert onnx.load(tmp_path / "a.onnx").metadata_props[0].value == '["a"]'


def test_float16_predicts_as_keras_within_rounding_at_half_the_size(model, images, tmp_path):
    export.save_onnx(tmp_path / "a.onnx", model, PROPERTIES)
    export.halve_precision(tmp_path / "b.onnx", tmp_path / "a.onnx")
    probabilities, expected = export.predict(export.open_session(tmp_path / "b.onnx"), images), inference.predict(model, images)
    assert probabilities == pytest.approx(expected, abs=5e-3)
    assert (probabilities != export.predict(export.open_session(tmp_path / "a.onnx"), images)).any()
    assert (tmp_path / "b.onnx").stat().st_size < 0.55 * (tmp_path / "a.onnx").stat().st_size


def weight_types(path) -> set[str]:
    weights = (numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer)
    return {str(array.dtype) for array in weights if array.size >= export.LARGE}


def test_float16_is_chosen_if_it_changes_no_prediction(model, images, tmp_path, monkeypatch):
    path = tmp_path / "a.onnx"
    assert export.save_smaller_onnx(path, model, PROPERTIES, images) == 0
    assert weight_types(path) == {"float16"}

    def predict_always_class_0(path, source):
        proto = onnx.load(source)
        (bias,) = [tensor for tensor in proto.graph.initializer if list(tensor.dims) == [43]]
        bias.CopyFrom(numpy_helper.from_array(np.float32([100] + [0] * 42), bias.name))
        onnx.save(proto, path)

    monkeypatch.setattr(export, "halve_precision", predict_always_class_0)
    expected = (inference.predict(model, images).argmax(axis=1) != 0).sum()
    assert export.save_smaller_onnx(path, model, PROPERTIES, images) == expected > 100
    assert weight_types(path) == {"float32"}


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


def test_latency_is_the_median_of_single_images(model, images, tmp_path, monkeypatch):
    """With a clock by which run i takes i ms; the first ten are warm-up."""
    export.save_onnx(tmp_path / "a.onnx", model, PROPERTIES)
    shapes, ticks = [], iter(t for i in range(1, 1000) for t in (0.0, i / 1000))
    monkeypatch.setattr(export, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    monkeypatch.setattr(export, "predict", lambda _, images: shapes.append(images.shape))
    assert export.measure_latency(tmp_path / "a.onnx", images[0]) == pytest.approx(10 + (export.LATENCY_RUNS + 1) / 2)
    assert set(shapes) == {(1, 48, 48, 3)}


def test_exporting_with_another_backend_is_one_line(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(InputError, match=r"^KERAS_BACKEND=jax cannot export; only TensorFlow can: run "):
        stages.export.main()


def test_whole_files_are_preprocessed_as_by_the_predictor(params):
    """In each variant, so also in one that crops to the box if there is one."""
    _, test = draw_signs(tracks_per_class=2, frames_per_track=1, test_images_per_class=1)
    ppms = [image for *_, image in test][::8]
    for variant in params.preprocess.values():
        expected = [predictor.prepare_picture(decode_ppm(ppm), None, variant) for ppm in ppms]
        assert (preprocess_files(ppms, variant) == np.stack(expected)).all()
