"""The examples, each run as its first lines say, on an example of the page."""

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


def test_python():
    assert run(sys.executable, "predict.py", MODEL, PICTURE) == "stop, 100.0%\n"


def test_javascript():
    if not (shutil.which("node") and (ROOT / "node_modules/onnxruntime-web").is_dir()):
        pytest.skip("node_modules/ is missing: `make test` installs it where there is npm")
    assert run("node", "predict.mjs", MODEL, PICTURE) == "class 14, 100.0%\n"


def test_cpp(tmp_path):
    openvino = pytest.importorskip("openvino")
    if not shutil.which("g++"):
        pytest.skip("no g++")
    folder, program = Path(openvino.__path__[0]), tmp_path / "predict"
    (library,) = (folder / "libs").glob("libopenvino.so.*")
    options = ["-std=c++17", f"-I{folder}/include", library, f"-Wl,-rpath,{folder}/libs"]
    run("g++", "predict.cpp", *options, "-o", program)
    Image.open(PICTURE).convert("RGB").save(tmp_path / "picture.ppm")
    assert run(program, MODEL, tmp_path / "picture.ppm") == "class 14, 100%\n"
