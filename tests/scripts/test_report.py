"""The report on a made-up run: whole, self-contained, escaped, and honest about what is not there."""

import json
import shutil
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from small_models import save_model

from gtsrb.config.params import load
from gtsrb.errors import InputError
from gtsrb.evaluation import binned_accuracy
from gtsrb.evaluation.metrics import accuracy_metrics, class_metrics, confusion_counts
from gtsrb.evaluation.significance import mcnemar
from gtsrb.outputs import write_array, write_csv, write_json
from scripts import report

pytestmark = pytest.mark.seconds  # each report has a dozen figures

NAMES = ["<script>1</script>", "NA", 'a "b" & $5$']
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Tags that are open, ids, addresses and text; a tag that closes another than the last one fails."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.ids, self.addresses, self.tags = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.handle_startendtag(tag, attributes)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.ids += [value for key, value in attributes if key == "id"]
        self.addresses += [value for key, value in attributes if key in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A folder with the params of this project and what a run of `baseline` leaves, on 60 images of three classes."""
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(ROOT / "params.yaml", "params.yaml")
    rng = np.random.default_rng(0)
    labels, probabilities = rng.integers(0, 3, 60), rng.dirichlet(np.ones(3), 60).astype(np.float32)
    answers = probabilities.argmax(axis=1)
    metrics = tmp_path / "metrics"
    calibration = binned_accuracy.reliability(labels, probabilities)
    figures = accuracy_metrics(labels, probabilities) | {"calibration_error": binned_accuracy.calibration_error(calibration)}
    write_json(metrics / "baseline.json", figures)
    ways = {"with_boxes": {"accuracy": 0.95, "errors": 3}, "as_files": {"accuracy": 0.9, "errors": 6}}
    write_json(metrics / "baseline/export.json", ways | {"weights_precision": "float16", "onnx_bytes": 1_230_000})
    write_json(metrics / "comparison.json", {"baseline_vs_other": mcnemar(labels, answers, labels)})
    history = pd.DataFrame(
        {"epoch": [0, 1], "accuracy": [0.5, 0.7], "loss": [1, 0.5], "val_accuracy": np.nan, "val_loss": np.nan}
    )
    kinds = [("none", 0, 0), ("blur", 1, 1), ("blur", 2, 2)]
    robustness = pd.DataFrame(kinds, columns=["corruption", "severity", "level"])
    for name, table in {
        "history": history,
        "classes": class_metrics(labels, answers, NAMES),
        "confusion": confusion_counts(labels, answers, NAMES),
        "calibration": calibration,
        "sizes": binned_accuracy.accuracy_in_quantiles(rng.uniform(15, 90, 60), labels == answers),
        "brightness": binned_accuracy.accuracy_in_quantiles(rng.uniform(0, 1, 60), labels == answers),
        "robustness": robustness.assign(images=10, errors=[1, 2, 4], accuracy=[0.9, 0.8, 0.6]),
    }.items():
        write_csv(metrics / f"baseline/{name}.csv", table)
    write_array(tmp_path / "data/predictions/baseline.npy", probabilities)
    for name, array in {"images": rng.integers(0, 256, (60, 16, 16, 3), np.uint8), "labels": labels, "tracks": labels}.items():
        write_array(tmp_path / f"data/processed/equalized/test/{name}.npy", array)
    save_model(tmp_path / "data/export/baseline.onnx", load(tmp_path / "params.yaml").preprocess["equalized"], NAMES)
    return tmp_path


def written() -> str:
    report.main()
    return report.REPORT.read_text(encoding="utf-8")


def test_it_is_whole_and_needs_no_other_file(run):
    text = written()
    page = Page(text)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert all(address.startswith(("#", "data:image/png;base64,")) for address in page.addresses)
    assert {address[1:] for address in page.addresses if address.startswith("#")} <= set(page.ids)
    assert not {"script", "link", "iframe"} & set(page.tags) and "@import" not in text
    assert page.tags.count("svg") == 2 + 1 + 1 + 2 + 1 + 1  # in the order of the page
    assert page.tags.count("img") == 2 * page.tags.count("figcaption") > 0
    assert "The exported model answers otherwise on" in text
    assert not list(run.glob("unfinished.*"))


def test_names_are_text(run):
    text = written()
    assert "<script" not in text
    assert "&lt;script&gt;1&lt;/script&gt;" in text
    assert unescape(text).count(NAMES[2]) > 3
    assert "$5$" in text  # in the figures, too, where dollars would be mathematics


def test_it_says_the_figures(run):
    text, figures = written(), json.loads((run / "metrics/baseline.json").read_text())
    for key in ("accuracy", "macro_accuracy", "calibration_error"):
        assert f"<td>{figures[key]:.2%}</td>" in text
    assert "<td>60</td>" in text


def test_robustness_is_the_mean_of_each_level_and_a_figure_for_each_kind(run):
    with (run / "metrics/baseline/robustness.csv").open("a") as file:
        file.write("noise,0.1,1,10,4,0.6\n")
    text = written()
    assert "<td>90.00%</td>\n      <td>70.00%</td>\n      <td>60.00%</td>" in text
    assert "blur" in text and "noise" in text
    assert Page(text).tags.count("svg") == 2 + 1 + 1 + 2 + 1 + 2


def test_the_same_files_give_the_same_report(run):
    assert written() == written()


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("metrics/baseline/history.csv", "dvc repro train@baseline"),
        ("metrics/baseline/confusion.csv", "dvc repro evaluate@baseline"),
        ("metrics/baseline/classes.csv", "dvc repro evaluate@baseline"),
        ("metrics/baseline/sizes.csv", "dvc repro evaluate@baseline"),
        ("metrics/baseline/calibration.csv", "dvc repro evaluate@baseline"),
        ("metrics/comparison.json", "dvc repro compare"),
        ("metrics/baseline/robustness.csv", "dvc repro robustness@baseline"),
        ("data/predictions/baseline.npy", "dvc repro evaluate@baseline"),
        ("data/processed/equalized/test/images.npy", "dvc repro preprocess@equalized"),
    ],
)
def test_what_is_missing_is_named_with_its_command(run, path, command):
    (run / path).unlink()
    text = written()
    assert f"{path} is missing: <code>{command}</code> makes it." in text
    assert Page(text).open == []


def test_the_exported_file_with_boxes_and_as_files(run):
    text = written()
    assert "<td>95.00%</td>\n      <td>3</td>\n      <td>90.00%</td>\n      <td>6</td>" in text
    older = json.loads((run / "metrics/baseline/export.json").read_text())
    write_json(run / "metrics/baseline/export.json", {key: value for key, value in older.items() if key != "as_files"})
    assert "metrics/baseline/export.json is missing: <code>dvc repro export@baseline</code> makes it." in written()


def test_recipes_that_are_not_evaluated_are_named(run):
    text = written()
    for name in ("augmented", "champion"):
        assert f"recipe {name} is missing: <code>dvc repro evaluate@{name}</code> makes it." in text


def test_without_a_fitting_model_there_are_mistakes_but_no_maps(run):
    save_model(run / "data/export/baseline.onnx", load(run / "params.yaml").preprocess["plain"], NAMES)
    text = written()
    assert "No maps: data/export/baseline.onnx takes images other than those of this recipe" in text
    (run / "data/export/baseline.onnx").unlink()
    text = written()
    assert "No maps: no model at data/export/baseline.onnx" in text
    assert "<code>dvc repro export@baseline</code> exports it." in text
    page = Page(text)
    assert page.tags.count("img") == page.tags.count("figcaption") > 0


def test_nothing_to_report_is_one_line_and_no_file(run):
    (run / "metrics/baseline.json").unlink()
    with pytest.raises(InputError, match=r"^nothing to report: .*; run `dvc repro` first$"):
        report.main()
    assert not report.REPORT.exists()


@pytest.mark.parametrize("path", ["metrics/baseline.json", "metrics/baseline/sizes.csv"])
def test_a_broken_file_is_one_line_and_leaves_the_last_report(run, path):
    before = written()
    (run / path).write_text("")
    with pytest.raises(InputError, match=rf"^{path}: cannot be read \(.*\); `dvc repro evaluate@baseline` writes it anew$"):
        report.main()
    assert report.REPORT.read_text(encoding="utf-8") == before
    assert not list(run.glob("unfinished.*"))


def test_predictions_of_other_images_are_one_line(run):
    write_array(run / "data/predictions/baseline.npy", np.full((7, 3), 1 / 3, np.float32))
    with pytest.raises(InputError, match=r"baseline.npy is of 7 images, .*/test has 60; run `dvc repro evaluate@baseline`$"):
        report.main()
