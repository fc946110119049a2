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

from gtsrb import export, networks, predict
from gtsrb.errors import InputError
from gtsrb.images import Box, preprocess
from gtsrb.names import SIGN_NAMES
from gtsrb.params import load

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8)
VARIANT = load(ROOT / "params.yaml").preprocess["equalized"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
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


def test_the_box_is_cut_out_with_the_benchmarks_border():
    picture = RNG.integers(0, 256, (300, 400, 3), dtype=np.uint8)
    image, box = predict.cut(picture, Box(100, 50, 199, 129))  # 100 x 80: a border of 10
    assert (image == picture[40:140, 90:210]).all()
    assert box == Box(10, 10, 109, 89)
    image, box = predict.cut(picture, Box(0, 290, 19, 299))  # at the picture's edge there is none
    assert (image == picture[285:300, 0:25]).all()
    assert box == Box(0, 5, 19, 14)
    image, box = predict.cut(picture, None)
    assert (image == picture).all()
    assert box == Box(0, 0, 399, 299)


def test_a_box_that_is_not_in_the_picture_is_one_line():
    picture = np.zeros((40, 50, 3), np.uint8)
    with pytest.raises(InputError, match=r"^50 x 40 pixels; the box begins outside, at 50,10$"):
        predict.cut(picture, Box(50, 10, 60, 20))
    (image, box), (inside, same) = (predict.cut(picture, Box(30, 10, *edge)) for edge in ((90, 90), (49, 39)))
    assert image.shape == inside.shape and box == same


def test_what_is_outside_the_box_does_not_matter():
    picture = RNG.integers(0, 256, (300, 400, 3), dtype=np.uint8)
    other = np.zeros_like(picture)
    other[40:140, 90:210] = picture[40:140, 90:210]
    box = Box(100, 50, 199, 129)
    assert (predict.prepared(picture, box, VARIANT) == predict.prepared(other, box, VARIANT)).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (7, 300)])
def test_too_small_to_see_a_sign_in_is_one_line(shape):
    with pytest.raises(InputError, match=f"^{shape[1]} x {shape[0]} pixels; expected at least 8 x 8 to see a sign in$"):
        predict.prepared(np.zeros((*shape, 3), np.uint8), None, VARIANT)


@pytest.mark.parametrize("shape", [(8, 8), (8, 200_000), (3000, 4000)])
def test_a_large_picture_is_made_small_before_it_is_equalised(shape):
    image, box = predict.reduced(*predict.cut(np.full((*shape, 3), 128, np.uint8), None))
    assert max(image.shape) <= predict.LARGEST
    assert box == Box(0, 0, image.shape[1] - 1, image.shape[0] - 1)
    assert predict.prepared(np.full((*shape, 3), 128, np.uint8), None, VARIANT).shape == (48, 48, 3)


def test_the_box_stays_on_the_sign_when_the_picture_is_made_small():
    image, box = predict.reduced(np.zeros((2048, 4096, 3), np.uint8), Box(400, 800, 1199, 1999))
    assert image.shape == (128, 256, 3)
    assert box == Box(25, 50, 74, 124)


@pytest.mark.parametrize("text", ["1,2,3", "a,b,c,d", "5,5,4,9", "-1,0,4,4"])
def test_a_broken_box_is_one_line(text):
    result = run("--box=" + text, "a.png", text=True)
    assert result.returncode == 2
    assert f"argument --box: {text!r}: expected" in result.stderr


def test_an_unknown_model_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"^no model at pretrained/nobody.onnx; pretrained has "):
        predict.load("nobody")


def test_a_file_that_is_no_model_is_one_line(tmp_path):
    (tmp_path / "broken.onnx").write_text("no model")
    with pytest.raises(InputError, match=r"broken.onnx: not a model that ONNX Runtime reads"):
        predict.load(str(tmp_path / "broken.onnx"))
