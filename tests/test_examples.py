"""The examples, each run as its first lines say, on an example of the page."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from PIL import Image

MODEL, PICTURE = ROOT / "pretrained/champion.onnx", ROOT / "app/static/14.png"
pytestmark = pytest.mark.seconds


def run(*command: str | Path) -> str:
    return subprocess.run(command, cwd=ROOT / "examples", capture_output=True, text=True, check=True).stdout


def assert_says(sign: str, answer: str) -> None:
    """The sign, and a probability: how high it is depends on the network that is published."""
    match = re.fullmatch(rf"{sign}, (\d+(?:\.\d+)?)%\n", answer)
    assert match and 90 < float(match[1]) <= 100


def test_python():
    assert_says("stop", run(sys.executable, "predict.py", MODEL, PICTURE))


def test_javascript():
    if not (shutil.which("node") and (ROOT / "node_modules/onnxruntime-web").is_dir()):
        pytest.skip("node_modules/ is missing: `make test` installs it where there is npm")
    assert_says("class 14", run("node", "predict.mjs", MODEL, PICTURE))


def test_cpp(tmp_path):
    openvino = pytest.importorskip("openvino")
    if not shutil.which("g++") or sys.platform != "linux":
        pytest.skip("no g++, or not Linux, whose library the file names")
    folder, program = Path(openvino.__path__[0]), tmp_path / "predict"
    (library,) = (folder / "libs").glob("libopenvino.so.*")
    options = ["-std=c++17", f"-I{folder}/include", library, f"-Wl,-rpath,{folder}/libs"]
    run("g++", "predict.cpp", *options, "-o", program)
    Image.open(PICTURE).convert("RGB").save(tmp_path / "picture.ppm")
    assert_says("class 14", run(program, MODEL, tmp_path / "picture.ppm"))
