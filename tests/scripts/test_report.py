"""The report on a made-up run: well-formed, self-contained, escaped, and with notes about what is missing."""

import json
from html import unescape
from html.parser import HTMLParser
from string import Template

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT
from small_models import save_model

from gtsrb.config.out_of_fold import OutOfFold
from gtsrb.config.params import load
from gtsrb.errors import InputError
from gtsrb.evaluation.binned_accuracy import accuracy_in_quantiles, reliability
from gtsrb.evaluation.calibration import calibration_metrics
from gtsrb.evaluation.metrics import accuracy_metrics, class_metrics, confusion_counts
from gtsrb.evaluation.out_of_fold import out_of_fold_metrics, sign_metrics
from gtsrb.evaluation.significance import mcnemar
from gtsrb.outputs import write_array, write_csv, write_json
from gtsrb.reporting import panels
from scripts import report

pytestmark = pytest.mark.seconds  # each report has a dozen plots

NAMES = ["<script>1</script>", "NA", 'a "b" & $5$']
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """The tags, ids and URLs of a page, and the tags left open; fails if a tag closes another than the last one opened."""

    def __init__(self, html: str):
        super().__init__()
        self.open, self.ids, self.urls, self.tags = [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.handle_startendtag(tag, attributes)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.ids += [value for key, value in attributes if key == "id"]
        self.urls += [value for key, value in attributes if key in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A directory with this project's params and the outputs of a run of `baseline` on 60 images of three classes."""
    monkeypatch.chdir(tmp_path)
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    content |= {
        "crossvalidate": {"baseline": {"folds": 2, "seed": 0}},
        "export": {"thresholds_from": dict.fromkeys(content["train"], "baseline"), "crops": 2},
    }
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    rng = np.random.default_rng(0)
    labels, probabilities = rng.integers(0, 3, 60), rng.dirichlet(np.ones(3), 60).astype(np.float32)
    predictions = probabilities.argmax(axis=1)
    folder = tmp_path / "metrics"
    calibrated = {"calibration_error": calibration_metrics(labels, probabilities)}
    write_json(folder / "baseline.json", accuracy_metrics(labels, probabilities) | calibrated)
    shares = {"unsure": 0.007, "answered": 0.012}
    of_file = {"errors": 4, "bytes": 1_230_000, "calibration_error": {"error": 0.002}, "without_sign": shares}
    files = dict.fromkeys(("picture.onnx", "picture_int8.onnx"), of_file)
    accuracies = {"with_boxes": {"accuracy": 0.95, "errors": 3}, "as_files": {"accuracy": 0.9, "errors": 6}}
    write_json(folder / "baseline/export.json", accuracies | {"weights_precision": "float16", "files": files})
    tracks = np.arange(60) // 2
    signs = sign_metrics(labels, tracks, probabilities, NAMES)
    thresholds = OutOfFold(unsure=0.2, unknown=0.1)
    write_json(folder / "baseline/out_of_fold.json", out_of_fold_metrics(labels, tracks, probabilities, signs, thresholds))
    write_json(folder / "comparison.json", {"baseline_vs_other": mcnemar(labels, predictions, labels)})
    history = pd.DataFrame(
        {"epoch": [0, 1], "accuracy": [0.5, 0.7], "loss": [1, 0.5], "val_accuracy": np.nan, "val_loss": np.nan}
    )
    corruptions = [("none", 0, 0), ("blur", 1, 1), ("blur", 2, 2)]
    robustness = pd.DataFrame(corruptions, columns=["corruption", "severity", "level"])
    for name, table in {
        "history": history,
        "classes": class_metrics(labels, predictions, NAMES),
        "hard_signs": signs[signs["errors"] > 0],
        "confusion": confusion_counts(labels, predictions, NAMES),
        "calibration": reliability(labels, probabilities),
        "sizes": accuracy_in_quantiles(rng.uniform(15, 90, 60), labels == predictions),
        "brightness": accuracy_in_quantiles(rng.uniform(0, 1, 60), labels == predictions),
        "robustness": robustness.assign(images=10, errors=[1, 2, 4], accuracy=[0.9, 0.8, 0.6]),
    }.items():
        write_csv(folder / f"baseline/{name}.csv", table)
    write_array(tmp_path / "data/predictions/baseline.npy", probabilities)
    for name, array in {"images": rng.integers(0, 256, (60, 48, 48, 3), np.uint8), "labels": labels, "tracks": labels}.items():
        write_array(tmp_path / f"data/processed/equalized/test/{name}.npy", array)
    variant = load(tmp_path / "params.yaml").preprocess["equalized"]
    save_model(tmp_path / "data/export/baseline/prepared.onnx", variant, NAMES, prepared=True)
    return tmp_path


def write_report() -> str:
    report.main()
    return report.REPORT.read_text(encoding="utf-8")


def test_the_report_is_well_formed_and_needs_no_other_file(run):
    html = write_report()
    page = Page(html)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert all(url.startswith(("#", "data:image/png;base64,")) for url in page.urls)
    assert {url[1:] for url in page.urls if url.startswith("#")} <= set(page.ids)
    assert not {"script", "link", "iframe"} & set(page.tags) and "@import" not in html
    assert page.tags.count("svg") == 2 + 1 + 1 + 2 + 1 + 1  # in the order of the page
    assert page.tags.count("img") == 2 * page.tags.count("figcaption") > 0
    assert "of these the exported network predicts another class" in html
    assert not list(run.glob("unfinished.*"))


def test_each_panel_has_its_place_in_the_page(run, monkeypatch):
    """A panel that report.html does not name would be computed and not shown."""
    substituted = []

    class Spy(Template):
        def substitute(self, mapping):
            substituted.append((set(mapping), set(self.get_identifiers())))
            return super().substitute(mapping)

    monkeypatch.setattr(panels, "Template", Spy)
    write_report()
    ((names, places),) = substituted
    assert names == places


def test_class_names_are_escaped(run):
    html = write_report()
    assert "<script" not in html
    assert "&lt;script&gt;1&lt;/script&gt;" in html
    assert unescape(html).count(NAMES[2]) > 3
    assert "$5$" in html  # in the plots, too, where dollar signs would mean math text


def test_results_have_the_metrics_and_the_number_of_images(run):
    html, metrics = write_report(), json.loads((run / "metrics/baseline.json").read_text())
    for value in (metrics["accuracy"], metrics["macro_accuracy"], metrics["calibration_error"]["error"]):
        assert f"<td>{value:.2%}</td>" in html
    assert "<td>60</td>" in html


def test_held_out_signs_have_their_metrics_and_the_hardest_are_listed(run):
    html, metrics = write_report(), json.loads((run / "metrics/baseline/out_of_fold.json").read_text())
    assert f"<td>{metrics['errors']} of 60</td>" in html and f"<td>{metrics['unsure_below']:.3f}</td>" in html
    hardest = pd.read_csv(run / "metrics/baseline/hard_signs.csv", keep_default_na=False).iloc[0]
    listed = [hardest["class_id"], hardest["track"], f"{hardest['errors']} of {hardest['frames']}"]
    assert "\n      ".join(f"<td>{value}</td>" for value in listed) in html
    signs = (run / "metrics/baseline/hard_signs.csv").read_text().splitlines(keepends=True)
    (run / "metrics/baseline/hard_signs.csv").write_text(signs[0])
    assert "None: every training image is classified correctly." in write_report()


def test_robustness_has_the_mean_per_level_and_a_plot_per_corruption(run):
    with (run / "metrics/baseline/robustness.csv").open("a") as file:
        file.write("noise,0.1,1,10,4,0.6\n")
    html = write_report()
    assert "<td>90.00%</td>\n      <td>70.00%</td>\n      <td>60.00%</td>" in html
    assert "blur" in html and "noise" in html
    assert Page(html).tags.count("svg") == 2 + 1 + 1 + 2 + 1 + 2


def test_the_same_files_give_the_same_report(run):
    assert write_report() == write_report()


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
        ("metrics/baseline/out_of_fold.json", "dvc repro out_of_fold@baseline"),
        ("metrics/baseline/hard_signs.csv", "dvc repro out_of_fold@baseline"),
        ("data/predictions/baseline.npy", "dvc repro evaluate@baseline"),
        ("data/processed/equalized/test/images.npy", "dvc repro preprocess@equalized"),
    ],
)
def test_a_missing_file_is_named_with_its_command(run, path, command):
    (run / path).unlink()
    html = write_report()
    assert f"{path} is missing; run <code>{command}</code>." in html
    assert Page(html).open == []


def test_an_exported_network_has_its_accuracy_with_boxes_and_as_files(run):
    html = write_report()
    assert "<td>95.00%</td>\n      <td>3</td>\n      <td>90.00%</td>\n      <td>6</td>" in html
    (run / "metrics/baseline/export.json").unlink()
    assert "metrics/baseline/export.json is missing; run <code>dvc repro export@baseline</code>." in write_report()


def test_recipes_that_are_not_evaluated_are_named(run):
    html = write_report()
    for name in ("augmented", "champion"):
        assert f"metrics/{name}.json is missing; run <code>dvc repro evaluate@{name}</code>." in html


def test_without_a_matching_network_there_are_mistakes_but_no_occlusion_maps(run):
    path = run / "data/export/baseline/prepared.onnx"
    save_model(path, load(run / "params.yaml").preprocess["plain"], NAMES, prepared=True)
    html = write_report()
    assert "No occlusion maps: data/export/baseline/prepared.onnx expects images of another variant" in html
    path.unlink()
    html = write_report()
    assert "No occlusion maps: data/export/baseline/prepared.onnx not found" in html
    assert "run <code>dvc repro export@baseline</code>." in html
    page = Page(html)
    assert page.tags.count("img") == page.tags.count("figcaption") > 0


def test_nothing_to_report_is_one_line_and_writes_no_file(run):
    (run / "metrics/baseline.json").unlink()
    with pytest.raises(InputError, match=r"^nothing to report: .*; run `dvc repro` first$"):
        report.main()
    assert not report.REPORT.exists()


@pytest.mark.parametrize("path", ["metrics/baseline.json", "metrics/baseline/sizes.csv"])
def test_a_broken_file_is_one_line_and_keeps_the_last_report(run, path):
    before = write_report()
    (run / path).write_text("")
    with pytest.raises(
        InputError, match=rf"^{path}: cannot be read \(.*\); run `dvc repro evaluate@baseline` to write it again$"
    ):
        report.main()
    assert report.REPORT.read_text(encoding="utf-8") == before
    assert not list(run.glob("unfinished.*"))


def test_predictions_of_another_test_split_are_one_line(run):
    write_array(run / "data/predictions/baseline.npy", np.full((7, 3), 1 / 3, np.float32))
    with pytest.raises(InputError, match=r"baseline.npy has 7 images, .*/test has 60; run `dvc repro evaluate@baseline`$"):
        report.main()
