"""Predicting: what is read, what is answered, what a bad file does; with a small network exported for the purpose."""

import io
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from gtsrb import export, networks, pictures, predict
from gtsrb.errors import InputError
from gtsrb.images import Box, preprocess
from gtsrb.names import SIGN_NAMES

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    from gtsrb.params import load

    params = load(ROOT / "params.yaml")
    network = params.train["baseline"].network.model_copy(update={"filters": [4, 4], "dense_units": [8]})
    keras.utils.set_random_seed(0)
    built = networks.build(network, size=48, channels=3, dtype="uint8", classes=43)
    path = tmp_path_factory.mktemp("pretrained") / "small.onnx"
    properties = {
        "names": json.dumps(SIGN_NAMES),
        "variant": params.preprocess["equalized"].model_dump_json(),
        "unsure_below": "0.9",
    }
    export.save_onnx(path, built, properties)
    return built, path


def run(*arguments: str, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "gtsrb.predict", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False, **options)


def saved(tmp_path, name: str, image: Image.Image, **options):
    path = tmp_path / name
    image.save(path, **options)
    return path


def test_the_answer_is_the_networks(model, tmp_path):
    built, path = model
    loaded = predict.load(str(path))
    file = saved(tmp_path, "a.png", Image.fromarray(PIXELS))
    image = preprocess(PIXELS, Box(0, 0, 49, 39), loaded.variant)
    expected = networks.predict(built, image[None])[0]
    result = run("--model", str(path), "--json", "--top", "3", str(file))
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["file"] == str(file)
    assert found["class_id"] == expected.argmax()
    assert found["name"] == SIGN_NAMES[expected.argmax()]
    assert found["probability"] == pytest.approx(expected.max(), abs=1e-3)
    assert found["unsure"] == (expected.max() < 0.9)
    assert [one["class_id"] for one in found["top"]] == expected.argsort()[::-1][:3].tolist()


def test_no_tensorflow_is_imported(model):
    code = "import sys, gtsrb.predict; sys.exit(any(name.split('.')[0] in ('tensorflow', 'keras') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_bad_files_have_their_line_and_the_others_their_answer(model, tmp_path):
    bad, good = tmp_path / "bad.png", saved(tmp_path, "good.png", Image.fromarray(PIXELS))
    bad.write_text("no image")
    cut = tmp_path / "cut.png"
    cut.write_bytes(good.read_bytes()[:900])
    result = run("--model", str(model[1]), str(bad), str(tmp_path / "absent.png"), str(cut), str(good), text=True)
    assert result.returncode == 1
    errors = result.stderr.splitlines()
    assert errors[0] == f"error: {bad}: not an image that Pillow reads"
    assert errors[1].startswith(f"error: {tmp_path}/absent.png: cannot be read: ")
    assert errors[2].startswith(f"error: {cut}: cannot be read: ")
    assert len(errors) == 3
    assert result.stdout.startswith(f"{good}: ")


def test_a_folder_and_standard_input(model, tmp_path):
    for i in range(11):  # more than are prepared in one process
        saved(tmp_path, f"{i:02d}.png", Image.fromarray(np.roll(PIXELS, i, axis=1)))
    (tmp_path / ".hidden").write_text("")
    result = run("--model", str(model[1]), "--json", str(tmp_path))
    assert [json.loads(line)["file"] for line in result.stdout.splitlines()] == [f"{tmp_path}/{i:02d}.png" for i in range(11)]
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "png")
    piped = run("--model", str(model[1]), "--json", "-", input=stream.getvalue())
    first, alone = (json.loads(output.splitlines()[0]) for output in (result.stdout, piped.stdout))
    assert first["top"] == alone["top"]


def test_the_box_says_where_the_sign_is(model):
    loaded = predict.load(str(model[1]))
    variant = loaded.variant.model_copy(update={"crop": "roi", "margin": 0.0})
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "png")
    expected = preprocess(PIXELS, Box(10, 5, 29, 24), variant)
    assert (preprocess(pictures.read(stream.getvalue()), predict.box("10,5,29,24"), variant) == expected).all()


@pytest.mark.parametrize("text", ["1,2,3", "a,b,c,d", "5,5,4,9", "-1,0,4,4"])
def test_a_broken_box_is_one_line(text):
    result = run("--box=" + text, "a.png", text=True)
    assert result.returncode == 2
    assert f"argument --box: {text!r}: expected" in result.stderr


def test_an_unknown_model_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"^no model at pretrained/nobody.onnx; pretrained has "):
        predict.load("nobody")
