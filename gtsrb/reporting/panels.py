"""The panels of the report, in the order of the page: what was measured, as HTML, or a note with the command that measures it.

A new panel is a function here, its line in `render`, and its heading and text in report.html.
"""

from collections.abc import Iterable
from html import escape
from pathlib import Path
from string import Template

import numpy as np
import pandas as pd

from gtsrb.config.params import Params
from gtsrb.reporting import html_images, plots
from gtsrb.reporting.mistakes import most_confident_mistakes
from gtsrb.reporting.occlusion_sensitivity import log_odds_drop
from gtsrb.reporting.panel_parts import or_note, per_recipe, plot_csv, table, under_headings
from gtsrb.reporting.report_inputs import load_exported, read, read_csv, read_predictions
from gtsrb.serving.runtime import Network

MISTAKES = 12  # kinds shown per recipe
HARD_SIGNS = 20  # shown per recipe
MAP_SIDE = 144  # pixels


def render(params: Params, recipes: list[str]) -> str:
    """The report as HTML: report.html with its panels filled in, for `recipes`, which have been evaluated.

    Raises `InputError` if a file is broken or does not belong to the others.
    """
    styles = plots.line_styles(recipes)
    panels = {
        "results": results(params.evaluate),
        "comparison": or_note(comparison),
        "exports": exports(recipes),
        "out_of_fold": out_of_fold(params.crossvalidate),
        "hard_signs": hard_signs(params.crossvalidate),
        "legend": legend(styles),
        "learning_curves": learning_curves(styles),
        "confusion": confusion(recipes),
        "class_accuracy": plot_csv(styles, "classes", plots.class_accuracy),
        "size_accuracy": plot_csv(styles, "sizes", plots.accuracy_in_bins, plots.QUANTITIES["sizes"]),
        "brightness_accuracy": plot_csv(styles, "brightness", plots.accuracy_in_bins, plots.QUANTITIES["brightness"]),
        "reliability": plot_csv(styles, "calibration", plots.reliability),
        "mistakes": mistakes(recipes, params),
        "robustness": robustness(styles),
    }
    return Template(Path(__file__).with_name("report.html").read_text(encoding="utf-8")).substitute(panels)


def results(recipes: Iterable[str]) -> str:
    """One row per recipe: its test metrics."""

    def row(name: str) -> dict[str, str]:
        metrics = read(f"metrics/{name}.json", f"dvc repro evaluate@{name}")
        return {
            "recipe": name,
            "accuracy": f"{metrics['accuracy']:.2%}",
            "95 % interval": f"{metrics['accuracy_low']:.2%} to {metrics['accuracy_high']:.2%}",
            "errors": f"{metrics['errors']:,}",
            "images": f"{read_csv(name, 'classes')['images'].sum():,}",
            "mean class accuracy": f"{metrics['macro_accuracy']:.2%}",
            "top-5 accuracy": f"{metrics['top5_accuracy']:.2%}",
            "loss (nats)": f"{metrics['loss']:.4f}",
            "calibration error": f"{metrics['calibration_error']['error']:.2%}",
        }

    rows, notes = per_recipe(recipes, row)
    return table(rows.values()) + notes


def comparison() -> str:
    """One row per pair of recipes: McNemar's test."""
    pairs = read("metrics/comparison.json", "dvc repro compare")
    rows = [
        {
            "pair": pair.replace("_vs_", " and "),
            "only the first wrong": counts["only_first_wrong"],
            "only the second wrong": counts["only_second_wrong"],
            "both wrong": counts["both_wrong"],
            "p-value": f"{counts['p_value']:.2g}",
        }
        for pair, counts in pairs.items()
    ]
    return table(rows) if rows else '<p class="note">There is only one recipe, so nothing to compare.</p>\n'


def exports(recipes: list[str]) -> str:
    """One row per recipe: its ONNX file on test images with their boxes, without them, and on pictures without a sign."""

    def row(name: str) -> dict[str, str]:
        metrics = read(f"metrics/{name}/export.json", f"dvc repro export@{name}")
        file, int8 = metrics["files"]["picture.onnx"], metrics["files"]["picture_int8.onnx"]
        return {
            "recipe": name,
            "accuracy with boxes": f"{metrics['with_boxes']['accuracy']:.2%}",
            "errors with boxes": f"{metrics['with_boxes']['errors']:,}",
            "accuracy without boxes": f"{metrics['as_files']['accuracy']:.2%}",
            "errors without boxes": f"{metrics['as_files']['errors']:,}",
            "weights": metrics["weights_precision"],
            "MB": f"{file['bytes'] / 1e6:.2f}",
            "errors in int8": f"{int8['errors']:,}",
            "MB in int8": f"{int8['bytes'] / 1e6:.2f}",
            "calibration error": f"{file['calibration_error']['error']:.2%}",
            "unsure": f"{file['without_sign']['unsure']:.2%}",
            "named without a sign": f"{file['without_sign']['answered']:.2%}",
        }

    rows, notes = per_recipe(recipes, row)
    return table(rows.values()) + notes


def out_of_fold(recipes: Iterable[str]) -> str:
    """One row per cross-validated recipe: the metrics of its out-of-fold predictions, and its threshold."""

    def row(name: str) -> dict[str, str]:
        metrics = read(f"metrics/{name}/out_of_fold.json", f"dvc repro out_of_fold@{name}")
        return {
            "recipe": name,
            "accuracy": f"{metrics['accuracy']:.2%}",
            "95 % interval": f"{metrics['accuracy_low']:.2%} to {metrics['accuracy_high']:.2%}",
            "errors": f"{metrics['errors']:,} of {metrics['images']:,}",
            "signs with errors": f"{metrics['tracks_with_errors']:,} of {metrics['tracks']:,}",
            "loss (nats)": f"{metrics['loss']:.4f}",
            "calibration error": f"{metrics['uncalibrated_error']:.2%}",
            "temperature": f"{metrics['temperature']:.3f}",
            "calibrated": f"{metrics['calibration_error']['error']:.2%}",
            "unsure below": f"{metrics['unsure_below']:.3f}",
            "unknown below": f"{metrics['unknown_below']:.3f}",
            "errors among the unsure": f"{metrics['unsure_errors']:,}",
            "accuracy of the others": f"{metrics['sure_accuracy']:.2%}",
        }

    rows, notes = per_recipe(recipes, row)
    return table(rows.values()) + notes


def hard_signs(recipes: Iterable[str]) -> str:
    """The physical signs with the most errors of each cross-validated recipe."""

    def rows(name: str) -> str:
        signs = read_csv(name, "hard_signs")
        shown = pd.DataFrame(
            {
                "sign": signs["name"],
                "class": signs["class_id"],
                "track": signs["track"],
                "errors": [f"{errors} of {frames}" for errors, frames in zip(signs["errors"], signs["frames"], strict=True)],
                "mean probability of the true class": signs["true_probability"].map("{:.1%}".format),
                "mistaken for": signs["mistaken_for"],
            }
        )
        if shown.empty:
            return "<p>None: every training image is classified correctly.</p>\n"
        return table(shown.head(HARD_SIGNS).to_dict("records"))

    return under_headings(recipes, rows)


def legend(styles: plots.Styles) -> str:
    entries = (
        f'<span><span style="color: {style.color}">{plots.MARKERS[style.marker]}</span> {escape(name)}</span>'
        for name, style in styles.items()
    )
    return f'<p class="legend">{"".join(entries)}</p>\n'


def learning_curves(styles: plots.Styles) -> str:
    histories, notes = per_recipe(styles, read_csv, "history")
    if not histories:
        return notes
    svgs = (plots.to_svg(metric, plots.learning_curves, histories, styles, metric) for metric in ("accuracy", "loss"))
    return notes + "".join(svgs)


def confusion(recipes: list[str]) -> str:
    """The confusion matrix of each recipe."""

    def matrix(name: str) -> str:
        counts, names = read_csv(name, "confusion"), read_csv(name, "classes")["name"].tolist()
        return f'<div class="scroll large">{plots.to_svg(f"confusion-{name}", plots.confusion, counts, names)}</div>\n'

    return under_headings(recipes, matrix)


def mistakes(recipes: list[str], params: Params) -> str:
    """The most confident mistakes of each recipe, with occlusion maps where its exported network is there."""

    def tiles(name: str) -> str:
        variant = params.train[name].images
        probabilities, test = read_predictions(name, variant)
        shown = most_confident_mistakes(test.labels, probabilities, MISTAKES)
        if not shown:
            return "<p>None: every test image is classified correctly.</p>\n"
        names, predictions = read_csv(name, "classes")["name"], probabilities.argmax(axis=1)
        network, note = load_exported(name, params.preprocess[variant])
        if network:
            indices = [i for i, _ in shown]
            n_different = int((network(test.images[indices]).argmax(axis=1) != predictions[indices]).sum())
            if n_different:
                note = f'<p class="note">On {n_different} of these the exported network predicts another class.</p>\n'
        figures = [
            mistake(test.images[i], i, names[test.labels[i]], names, probabilities[i], count, network) for i, count in shown
        ]
        return f'{note}<div class="mistakes">{"".join(figures)}</div>\n'

    return under_headings(recipes, tiles)


def mistake(
    image: np.ndarray, index: int, truth: str, names: pd.Series, probabilities: np.ndarray, count: int, network: Network | None
) -> str:
    """A network input with the occlusion map of its predicted class, if there is a network to compute it, and a caption."""
    best = int(probabilities.argmax())
    truth, prediction, confidence = escape(truth), escape(names[best]), probabilities[best]
    images = [(html_images.to_uint8(image), truth)]
    if network:
        overlay = html_images.overlay_map(image, log_odds_drop(network, image, best), MAP_SIDE)
        images.append((overlay, f"occlusion map for {prediction}"))
    row = " ".join(f'<img src="{html_images.data_url(pixels)}" alt="{alt}">' for pixels, alt in images)
    caption = f"<b>{truth}</b> predicted as <b>{prediction}</b> with {confidence:.1%} confidence; image {index:05d}, "
    caption += f"one of {count} such mistakes" if count > 1 else "the only such mistake"
    return f"<figure>{row}<figcaption>{caption}</figcaption></figure>\n"


def robustness(styles: plots.Styles) -> str:
    """The mean accuracy over all corruptions at each severity level, and a plot for each corruption."""
    tables, notes = per_recipe(styles, read_csv, "robustness")
    if not tables:
        return notes
    rows = []
    for name, frame in tables.items():
        means = frame.groupby("level")["accuracy"].mean()
        rows.append({"recipe": name} | {f"level {i}" if i else "uncorrupted": f"{mean:.2%}" for i, mean in means.items()})
    kinds = dict.fromkeys(kind for frame in tables.values() for kind in frame["corruption"] if kind != "none")
    svgs = (plots.to_svg(f"robustness-{i}", plots.robustness, tables, styles, kind) for i, kind in enumerate(kinds))
    return f'{notes}{table(rows)}<div class="row small">{"".join(svgs)}</div>\n'
