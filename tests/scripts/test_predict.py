"""Predicting: what is read, what is answered, what a bad file does; with a small network exported for the purpose."""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import onnx
import pandas as pd
import pytest
from conftest import ROOT
from PIL import Image
from small_models import save_model

from gtsrb.config.params import load
from gtsrb.data import tables
from gtsrb.data.sign_names import SIGN_NAMES
from gtsrb.errors import InputError
from gtsrb.networks import inference
from gtsrb.networks.build import build_network
from gtsrb.preprocessing.crop import Box
from gtsrb.preprocessing.preprocess import preprocess
from gtsrb.serving import export, predictor
from scripts import predict

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8)
VARIANT = load(ROOT / "params.yaml").preprocess["equalized"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    params = load(ROOT / "params.yaml")
    network = params.train["baseline"].network.model_copy(update={"filters": [4, 4], "dense_units": [8]})
    keras.utils.set_random_seed(0)
    built = build_network(network, size=48, channels=3, dtype="uint8", classes=43)
    path = tmp_path_factory.mktemp("pretrained") / "small.onnx"
    properties = {
        "names": json.dumps(SIGN_NAMES),
        "variant": params.preprocess["equalized"].model_dump_json(),
        "unsure_below": "0.9",
    }
    export.save_onnx(path, built, properties)
    return built, path


def run(*arguments: str, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "scripts.predict", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False, **options)


def saved(tmp_path, name: str, image: Image.Image, **options):
    path = tmp_path / name
    image.save(path, **options)
    return path


@pytest.mark.seconds
def test_the_answer_is_the_networks(model, tmp_path):
    built, path = model
    loaded = predictor.load(str(path))
    file = saved(tmp_path, "a.png", Image.fromarray(PIXELS))
    image = preprocess(PIXELS, Box(0, 0, 49, 39), loaded.variant)
    expected = inference.predict(built, image[None])[0]
    result = run("--model", str(path), "--json", "--top", "3", str(file))
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["file"] == str(file)
    assert found["class_id"] == expected.argmax()
    assert found["name"] == SIGN_NAMES[expected.argmax()]
    assert found["probability"] == pytest.approx(expected.max(), abs=1e-3)
    assert found["unsure"] == (expected.max() < 0.9)
    assert [one["class_id"] for one in found["top"]] == expected.argsort()[::-1][:3].tolist()


@pytest.mark.seconds
def test_no_tensorflow_is_imported(model):
    code = "import sys, scripts.predict; sys.exit(any(name.split('.')[0] in ('tensorflow', 'keras') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.seconds
def test_bad_files_have_their_line_and_the_others_their_answer(model, tmp_path):
    bad, good = tmp_path / "bad.png", saved(tmp_path, "good.png", Image.fromarray(PIXELS))
    bad.write_text("no image")
    cut = tmp_path / "cut.png"
    cut.write_bytes(good.read_bytes()[:900])
    result = run("--model", str(model[1]), str(bad), str(tmp_path / "absent.png"), str(cut), str(good), text=True)
    assert result.returncode == 1
    errors = result.stderr.splitlines()
    assert errors[0].startswith(f"error: {bad}: not a picture in a known format; expected one of PNG, JPEG, ")
    assert errors[1].startswith(f"error: {tmp_path}/absent.png: cannot be read: ")
    assert errors[2].startswith(f"error: {cut}: cannot be read: ")
    assert len(errors) == 3
    assert result.stdout.startswith(f"{good}: ")


@pytest.mark.seconds
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


@pytest.mark.seconds
def test_standard_input_among_many_files_is_read_once(model, tmp_path):
    """More files than are prepared in one process; another process has another standard input."""
    files = [str(saved(tmp_path, f"{i:02d}.png", Image.fromarray(np.roll(PIXELS, i, axis=1)))) for i in range(11)]
    piped = (tmp_path / "03.png").read_bytes()
    result = run("--model", str(model[1]), "--json", *files[:5], "-", *files[5:], input=piped)
    assert result.returncode == 0, result.stderr
    found = {line["file"]: line["top"] for line in map(json.loads, result.stdout.splitlines())}
    assert list(found) == [*files[:5], "-", *files[5:]]
    assert found["-"] == found[files[3]]
    twice = run("--model", str(model[1]), "-", "-", input=piped)
    assert (twice.returncode, twice.stderr) == (1, b"error: standard input (-) is named 2 times; it can be read once\n")


def test_a_file_named_like_standard_input():
    assert list(predict.files(["./-"])) == [("./-", Path("-"))]


def test_a_box_that_is_not_in_the_picture_is_one_line():
    picture = RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    with pytest.raises(InputError, match=r"^50 x 40 pixels; the box begins outside, at 50,10$"):
        predictor.prepare_picture(picture, Box(50, 10, 60, 20), VARIANT)
    beyond, inside = (predictor.prepare_picture(picture, Box(30, 10, *edge), VARIANT) for edge in ((90, 90), (49, 39)))
    assert (beyond == inside).all()


def test_what_is_outside_the_box_does_not_matter():
    picture = RNG.integers(0, 256, (300, 400, 3), dtype=np.uint8)
    other = np.zeros_like(picture)
    other[40:140, 90:210] = picture[40:140, 90:210]
    box = Box(100, 50, 199, 129)
    assert (predictor.prepare_picture(picture, box, VARIANT) == predictor.prepare_picture(other, box, VARIANT)).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (7, 300)])
def test_too_small_to_see_a_sign_in_is_one_line(shape):
    with pytest.raises(InputError, match=f"^{shape[1]} x {shape[0]} pixels; expected at least 8 x 8 to see a sign in$"):
        predictor.prepare_picture(np.zeros((*shape, 3), np.uint8), None, VARIANT)


@pytest.mark.seconds
@pytest.mark.parametrize("variant", ["equalized", "roi_both"])
@pytest.mark.parametrize("box", [None, Box(300, 500, 1399, 1299), Box(200, 300, 239, 344)], ids=["none", "large", "small"])
def test_a_large_picture_is_predicted_as_it_is_preprocessed(params, variant, box):
    """The small sign has its own pixels: what is around it is cut off first, and 512 are enough for what is left."""
    picture = RNG.integers(0, 256, (1500, 2000, 3), dtype=np.uint8)
    variant = params.preprocess[variant]
    ours = predictor.prepare_picture(picture, box, variant)
    assert (ours == preprocess(picture, box or Box(0, 0, 1999, 1499), variant)).all()
    if box == Box(200, 300, 239, 344):
        assert (ours == preprocess(picture[295:350, 195:245], Box(5, 5, 44, 49), variant)).all()


def peak(*command: str, **options) -> float:
    """The resident memory of a command and its workers, of the one that needs most, in MB."""
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    line = [sys.executable, "-c", code, sys.executable, "-m", *command]
    result = subprocess.run(line, capture_output=True, text=True, check=False, **options)
    assert result.returncode == 0, result.stderr
    return int(result.stdout.splitlines()[-1]) / (1e6 if sys.platform == "darwin" else 1e3)


@pytest.mark.seconds
def test_a_photograph_of_12_million_pixels_needs_less_than_500_mb(tmp_path):
    """Before, 4 GB with CLAHE. Here 240 MB to predict, 110 of them for the program itself."""
    wall = Image.fromarray(RNG.integers(0, 256, (30, 40, 3), dtype=np.uint8))
    photo = wall.resize((4000, 3000), Image.Resampling.BICUBIC)
    photo.save(tmp_path / "photo.jpg")
    assert peak("scripts.predict", "--model", predictor.BEST, str(tmp_path / "photo.jpg"), cwd=ROOT) < 500

    rows = pd.DataFrame({"filename": ["photo.jpg"], "class_id": [0], "track": [0], "frame": [0], "width": [4000]})
    rows = rows.assign(height=3000, roi_x1=0, roi_y1=0, roi_x2=3999, roi_y2=2999, image=[tables.encode_ppm(np.asarray(photo))])
    for part in ("train", "test"):
        tables.write(tmp_path / f"data/raw/{part}.parquet", tables.to_canonical_table(rows))
    shutil.copyfile(ROOT / "params.yaml", tmp_path / "params.yaml")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    assert peak("stages.preprocess", "roi_both", cwd=tmp_path, env=environment) < 500


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", ""])
def test_how_many_signs_to_name_is_at_least_one(text, capsys):
    with pytest.raises(SystemExit) as end:
        predict.parser().parse_args([f"--top={text}", "a.png"])
    assert end.value.code == 2
    assert f"argument --top: {text!r}: expected a whole number from 1" in capsys.readouterr().err


@pytest.mark.seconds
def test_more_signs_than_there_are_is_all(model, tmp_path):
    file = saved(tmp_path, "a.png", Image.fromarray(PIXELS))
    result = run("--model", str(model[1]), "--json", "--top", "1000", str(file), text=True)
    assert len(json.loads(result.stdout)["top"]) == len(SIGN_NAMES)


@pytest.mark.parametrize(
    ("key", "content", "reason"),
    [
        ("names", None, "'names'"),
        ("names", '["stop"]', "it names 1 classes and tells 3 apart"),
        ("unsure_below", "often", "could not convert string to float: 'often'"),
        ("variant", VARIANT.model_dump_json().replace('"size"', '"side"'), "validation errors? for Variant"),
        ("variant", VARIANT.model_copy(update={"keep_original": True}).model_dump_json(), "Got invalid dimensions for input"),
        ("variant", VARIANT.model_copy(update={"dtype": "float32"}).model_dump_json(), "Unexpected input data type"),
    ],
)
def test_a_model_of_another_version_is_one_line(tmp_path, key, content, reason):
    path = tmp_path / "old.onnx"
    save_model(path, VARIANT, ["a", "b", "c"])
    assert predictor.load(str(path)).names == ["a", "b", "c"]
    old = onnx.load(path)
    properties = {entry.key: entry.value for entry in old.metadata_props} | {key: content}
    onnx.helper.set_model_props(old, {key: value for key, value in properties.items() if value is not None})
    onnx.save(old, path)
    with pytest.raises(InputError, match=rf"^\S+/old.onnx: a model of another version of this project \(.*{reason}.*again$"):
        predictor.load(str(path))


@pytest.mark.seconds
@pytest.mark.parametrize("text", ["1,2,3", "a,b,c,d", "5,5,4,9", "-1,0,4,4"])
def test_a_broken_box_is_one_line(text):
    result = run("--box=" + text, "a.png", text=True)
    assert result.returncode == 2
    assert f"argument --box: {text!r}: expected" in result.stderr


def test_an_unknown_model_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"^no model at pretrained/nobody.onnx; pretrained has "):
        predictor.load("nobody")


def test_a_file_that_is_no_model_is_one_line(tmp_path):
    (tmp_path / "broken.onnx").write_text("no model")
    with pytest.raises(InputError, match=r"broken.onnx: not a model that ONNX Runtime reads"):
        predictor.load(str(tmp_path / "broken.onnx"))
