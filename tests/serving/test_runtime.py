"""Exported files on prepared images, and how long an answer takes."""

from types import SimpleNamespace

import numpy as np
import pytest
from conftest import ROOT
from small_models import save_model

from gtsrb.config.params import load
from gtsrb.serving import runtime

VARIANT = load(ROOT / "params.yaml").preprocess["equalized"]


@pytest.fixture
def prepared(tmp_path):
    save_model(tmp_path / "prepared.onnx", VARIANT, ["a", "b", "c"], prepared=True)
    return tmp_path / "prepared.onnx"


def test_any_number_of_images_is_predicted_in_batches(prepared, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (23, *VARIANT.shape), dtype=np.uint8)
    means = images.mean(axis=(1, 2))
    expected = np.exp(means - means.max(axis=1, keepdims=True))
    monkeypatch.setattr(runtime, "BATCH_SIZE", 10)
    for file in (prepared, prepared.read_bytes()):
        assert runtime.open_network(file)(images) == pytest.approx(expected / expected.sum(axis=1, keepdims=True), abs=1e-4)


@pytest.mark.parametrize("is_prepared", [False, True])
def test_latency_is_the_median_of_single_answers(prepared, tmp_path, monkeypatch, is_prepared):
    """With a clock by which run i takes i ms; the first ten are warm-up."""
    save_model(tmp_path / "picture.onnx", VARIANT, ["a", "b", "c"])
    ticks = iter(t for i in range(1, 1000) for t in (0.0, i / 1000))
    monkeypatch.setattr(runtime, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    image = np.zeros(VARIANT.shape, np.uint8) if is_prepared else None
    latency = runtime.measure_latency(prepared if is_prepared else tmp_path / "picture.onnx", image)
    assert latency == pytest.approx(10 + (runtime.LATENCY_RUNS + 1) / 2)
