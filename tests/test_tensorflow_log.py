"""TensorFlow's own log stays away; whatever else is written to stderr does not."""

import logging
import os
import subprocess
import sys

import pytest
from conftest import ROOT

NOISE = [
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    "I0000 00:00:1795575369.580930    2074 port.cc:153] oneDNN custom operations are on.",
    "E0000 00:00:1758131045.203198 3722035 cuda_dnn.cc:8579] Unable to register cuDNN factory",
]
SPEECH = [
    "F0000 00:00:1795575369.580930    2074 cpu.cc:1] This binary needs AVX",
    "W: a warning of another kind",
    "WARNING: the disk is nearly full",
]


@pytest.mark.parametrize("last", ["pass", "os.abort()"], ids=["ends", "aborts"])
def test_the_import_is_filtered(last, tmp_path):
    """Of a `tensorflow` that writes such lines as C++ does, and perhaps aborts then."""
    text = "".join(f"{line}\n" for line in [*NOISE, *SPEECH])
    (tmp_path / "tensorflow.py").write_text(f"import os\nos.write(2, {text.encode()})\n{last}\n")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    command = [sys.executable, "-c", "import stages, tensorflow, sys; print('imported', file=sys.stderr)"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.stderr.splitlines() == [*SPEECH, *(["imported"] if last == "pass" else [])]


def test_without_tensorflow_its_import_fails_as_ever(tmp_path):
    code = "import stages, sys; sys.path[:] = []; import tensorflow"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.stderr.endswith("ModuleNotFoundError: No module named 'tensorflow'\n")


def test_networks_trained_in_turn_are_no_reason_to_warn_of_retracing(caplog):
    log = logging.getLogger("tensorflow")
    log.warning("5 out of the last %d calls to %s triggered tf.function retracing. Tracing is expensive", 5, "<function f>")
    log.warning("a warning of another kind")
    assert [record.getMessage() for record in caplog.records] == ["a warning of another kind"]
