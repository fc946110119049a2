"""Predicting on the command line: what is read, what is printed, what an unreadable file does."""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import ROOT
from PIL import Image
from raw_tables import write_table

from gtsrb.config.params import load
from gtsrb.data import tables
from gtsrb.data.sign_names import SIGN_NAMES
from gtsrb.networks import inference
from gtsrb.networks.build import build_network
from gtsrb.preprocessing.crop import Box
from gtsrb.preprocessing.preprocess import preprocess
from gtsrb.serving import export, predictor
from scripts import predict

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8)
MANY = predict.BATCH_SIZE + 8  # files: more than one call, so that processes prepare them
TWO_AT_A_TIME = os.environ | {"GTSRB_JOBS": "2"}
VARIANT = load(ROOT / "params.yaml").preprocess["equalized"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small Keras network, and the path of its ONNX file."""
    params = load(ROOT / "params.yaml")
    network = params.train["baseline"].network.model_copy(update={"filters": [4, 4], "dense_units": [8]})
    keras.utils.set_random_seed(0)
    built = build_network(network, size=48, channels=3, dtype="uint8", classes=43)
    path, variant = tmp_path_factory.mktemp("pretrained") / "small.onnx", params.preprocess["equalized"]
    properties = {
        "names": json.dumps(SIGN_NAMES),
        "variant": variant.model_dump_json(),
        "unsure_below": "0.9",
        "unknown_below": "0.01",
    }
    export.save_onnx(path, export.add_preprocessing(export.build_onnx(built), variant), properties)
    return built, path


def run(*arguments: str, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "scripts.predict", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False, **options)


def save(path: Path, pixels: np.ndarray = PIXELS) -> Path:
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.seconds
def test_the_prediction_is_that_of_the_keras_network(model, params, tmp_path):
    built, path = model
    file = save(tmp_path / "a.png")
    image = preprocess(PIXELS, Box(0, 0, 49, 39), params.preprocess["equalized"])
    expected = inference.predict(built, image[None])[0]
    result = run("--model", str(path), "--json", "--top", "3", str(file))
    assert result.returncode == 0, result.stderr
    prediction = json.loads(result.stdout)
    assert prediction["file"] == str(file)
    assert prediction["class_id"] == expected.argmax()
    assert prediction["name"] == SIGN_NAMES[expected.argmax()]
    assert prediction["probability"] == pytest.approx(expected.max(), abs=1e-3)
    assert (prediction["unsure"], prediction["unknown"]) == (expected.max() < 0.9, False)
    assert [row["class_id"] for row in prediction["top"]] == expected.argsort()[::-1][:3].tolist()


@pytest.mark.seconds
def test_neither_tensorflow_nor_keras_is_imported():
    code = "import sys, scripts.predict; sys.exit(any(name.split('.')[0] in ('tensorflow', 'keras') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.seconds
def test_unreadable_files_are_one_line_each_and_the_others_are_predicted(model, tmp_path):
    bad, good = tmp_path / "bad.png", save(tmp_path / "good.png")
    bad.write_text("no image")
    truncated = tmp_path / "truncated.png"
    truncated.write_bytes(good.read_bytes()[:900])
    long = tmp_path / f"{'a' * 300}.png"  # longer than file systems take
    pictures = map(str, (bad, tmp_path / "absent.png", truncated, long, good))
    result = run("--model", str(model[1]), *pictures, text=True)
    assert result.returncode == 1
    errors = result.stderr.splitlines()
    assert errors[0].startswith(f"error: {bad}: not a picture in a supported format; expected one of PNG, JPEG, ")
    assert errors[1].startswith(f"error: {tmp_path}/absent.png: cannot be read: ")
    assert errors[2].startswith(f"error: {truncated}: cannot be read: ")
    assert errors[3].startswith(f"error: {long}: cannot be read: ")
    assert len(errors) == 4
    assert result.stdout.startswith(f"{good}: ")


@pytest.mark.seconds
def test_a_folder_and_standard_input(model, tmp_path):
    for i in range(MANY):
        save(tmp_path / f"{i:02d}.png", np.roll(PIXELS, i, axis=1))
    (tmp_path / ".hidden").write_text("")
    result = run("--model", str(model[1]), "--json", str(tmp_path), env=TWO_AT_A_TIME)
    assert [json.loads(line)["file"] for line in result.stdout.splitlines()] == [f"{tmp_path}/{i:02d}.png" for i in range(MANY)]
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "png")
    piped = run("--model", str(model[1]), "--json", "-", input=stream.getvalue())
    from_file, from_stdin = (json.loads(output.splitlines()[0]) for output in (result.stdout, piped.stdout))
    assert from_file["top"] == from_stdin["top"]


@pytest.mark.seconds
def test_standard_input_among_many_files_is_read_once(model, tmp_path):
    """With more files than one process prepares, since another process has another standard input."""
    files = [str(save(tmp_path / f"{i:02d}.png", np.roll(PIXELS, i, axis=1))) for i in range(MANY)]
    piped = (tmp_path / "03.png").read_bytes()
    result = run("--model", str(model[1]), "--json", *files[:5], "-", *files[5:], input=piped, env=TWO_AT_A_TIME)
    assert result.returncode == 0, result.stderr
    tops = {line["file"]: line["top"] for line in map(json.loads, result.stdout.splitlines())}
    assert list(tops) == [*files[:5], "-", *files[5:]]
    assert tops["-"] == tops[files[3]]
    twice = run("--model", str(model[1]), "-", "-", input=piped)
    assert (twice.returncode, twice.stderr) == (1, b"error: standard input (-) is given 2 times; it can be read only once\n")


@pytest.mark.slow
def test_a_cluster_that_sees_no_file_answers_the_same(model, tmp_path, tmp_path_factory):
    pytest.importorskip("gtsrb.cluster", reason="Dask is not installed: make .venv/cluster.installed")
    from dask_cluster import start_cluster

    files = [save(tmp_path / f"{i:02d}.png", np.roll(PIXELS, i, axis=1)).relative_to(tmp_path) for i in range(MANY)]
    (tmp_path / "07.png").write_text("no picture")
    arguments = [sys.executable, "-m", "scripts.predict", "--model", str(model[1]), *map(str, files)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with start_cluster(tmp_path_factory.mktemp("cluster")) as (address, _):  # its workers start elsewhere
        on_cluster = subprocess.run(
            arguments, cwd=tmp_path, env=environment | {"GTSRB_SCHEDULER": address}, capture_output=True, text=True, check=False
        )
    here = subprocess.run(arguments, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert on_cluster.stdout == here.stdout and here.stdout.count("07.png") == 0 and here.stdout.count(".png: ") == MANY - 1
    assert "error: 07.png: not a picture in a supported format" in on_cluster.stderr
    assert on_cluster.returncode == here.returncode == 1


@pytest.mark.seconds
def test_a_folder_without_files_is_one_line(model, tmp_path):
    """Rather than nothing, as if all its pictures had been predicted."""
    (tmp_path / "empty/deeper").mkdir(parents=True)
    (tmp_path / "empty/.hidden.png").write_text("")
    result = run("--model", str(model[1]), str(save(tmp_path / "a.png")), str(tmp_path / "empty"), text=True)
    expected = f"error: {tmp_path}/empty: a folder without files, but for hidden ones; expected one with pictures\n"
    assert (result.returncode, result.stdout, result.stderr) == (1, "", expected)


def test_a_file_named_dash_is_not_standard_input():
    assert list(predict.find_files(["./-"])) == [("./-", Path("-"))]


def peak_memory(*command: str, **options) -> float:
    """Runs a Python module; returns the peak resident memory, in MB, of its largest process."""
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
    """Preprocessed at full size, CLAHE alone would take 4 GB. Predicting takes 240 MB, 110 of them for the program itself."""
    wall = Image.fromarray(RNG.integers(0, 256, (30, 40, 3), dtype=np.uint8))
    photo = wall.resize((4000, 3000), Image.Resampling.BICUBIC)
    photo.save(tmp_path / "photo.jpg")
    assert peak_memory("scripts.predict", "--model", predictor.BEST, str(tmp_path / "photo.jpg"), cwd=ROOT) < 500

    row = ("photo.jpg", 0, 0, 0, 4000, 3000, 0, 0, 3999, 2999, tables.encode_ppm(np.asarray(photo)))
    for split in ("train", "test"):
        write_table(tmp_path / f"data/raw/{split}.parquet", [row])
    shutil.copyfile(ROOT / "params.yaml", tmp_path / "params.yaml")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    assert peak_memory("stages.preprocess", "roi_both", cwd=tmp_path, env=environment) < 500


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", ""])
def test_top_has_to_be_at_least_one(text, capsys):
    with pytest.raises(SystemExit) as exit:
        predict.build_parser().parse_args([f"--top={text}", "a.png"])
    assert exit.value.code == 2
    assert f"argument --top: {text!r}: expected a whole number of at least 1" in capsys.readouterr().err


@pytest.mark.seconds
def test_top_beyond_the_number_of_classes_lists_all(model, tmp_path):
    file = save(tmp_path / "a.png")
    result = run("--model", str(model[1]), "--json", "--top", "1000", str(file), text=True)
    assert len(json.loads(result.stdout)["top"]) == len(SIGN_NAMES)


@pytest.mark.parametrize("text", ["1,2,3", "a,b,c,d", "5,5,4,9", "-1,0,4,4"])
def test_an_invalid_box_is_one_line(text, capsys):
    with pytest.raises(SystemExit) as exit:
        predict.build_parser().parse_args([f"--box={text}", "a.png"])
    assert exit.value.code == 2
    assert f"argument --box: {text!r}: expected" in capsys.readouterr().err
