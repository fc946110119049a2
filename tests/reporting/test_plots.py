"""The report's plots: one style per recipe, and SVG for a page that has other plots and may be light or dark."""

import re

import numpy as np
import pandas as pd
import pytest

from gtsrb.reporting import plots

STYLES = plots.line_styles(["a", "b", "c"])
BINS = pd.DataFrame({"mean": [0.2, 0.9], "accuracy": [0.3, 0.8], "accuracy_low": [0.1, 0.7], "accuracy_high": [0.6, 0.9]})


def test_recipes_have_different_styles():
    styles = plots.line_styles(list("abcdefghijklmnopqrstuvwxy"))
    assert len(set(styles.values())) == 25
    assert len({style.color for style in list(styles.values())[:5]}) == 5


def test_a_recipe_keeps_its_style_where_others_have_no_table():
    element = plots.to_svg("x", plots.reliability, {"b": BINS}, STYLES)
    assert STYLES["b"].color in element
    assert STYLES["a"].color not in element


def test_svg_is_an_element_with_ids_of_its_own_and_the_colour_of_the_text():
    element = plots.to_svg("x", plots.accuracy_in_bins, {"a": BINS}, STYLES, "a < b")
    assert element.startswith("<svg") and element.rstrip().endswith("</svg>")
    assert "a &lt; b" in element
    assert "currentColor" in element and plots.TEXT_COLOR not in element
    ids = set(re.findall(r'\bid="([^"]*)"', element))
    used = set(re.findall(r'(?:href="#|url\(#)([^")]*)', element))
    assert all(name.startswith("x-") for name in ids) and used <= ids


def test_an_image_grid_has_each_image_with_its_title():
    images = [np.zeros((9, 5, 3), np.uint8), np.ones((4, 4, 6), np.float32), np.full((3, 8, 3), 7, np.uint8)]
    figure = plots.image_grid(images, ["$5", "a title that is too long for one line", ""], columns=2)
    *shown, empty = figure.axes
    assert [axes.get_title() for axes in shown] == ["$5", "a title that is\ntoo long for one\nline", ""]
    assert [axes.images[0].get_array().shape for axes in shown] == [(9, 5, 3), (4, 4, 3), (3, 8, 3)]
    assert shown[1].images[0].get_array().max() == 255
    assert not empty.images and not empty.axison


def test_learning_curves_without_validation():
    history = pd.DataFrame(
        {"epoch": [0, 1], "accuracy": [0.1, 0.9], "loss": [2.0, 0.01], "val_accuracy": None, "val_loss": None}
    )
    for metric in ("accuracy", "loss"):
        assert "epoch" in plots.to_svg("x", plots.learning_curves, {"a": history.astype(float)}, STYLES, metric)


def test_the_confusion_matrix_has_each_count_in_its_cell():
    counts = pd.DataFrame({"truth": ["u", "u", "w"], "prediction": ["u", "w", "w"], "images": [700, 3, 20]})
    figure = plots.confusion(counts, ["u", "v", "w"])
    (axes,) = figure.axes
    assert {(text.get_position(), text.get_text()) for text in axes.texts} == {((0, 0), "700"), ((2, 0), "3"), ((2, 2), "20")}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["u", "v", "w"]


@pytest.mark.parametrize("accuracy", [0.0, 1.0])
def test_a_class_without_images_has_an_empty_row(accuracy):
    wrong = 0 if accuracy else 5
    table = pd.DataFrame({"name": ["u", "v"], "images": [5, 0], "errors": [wrong, 0], "accuracy": [accuracy, None]})
    with plots.mpl.rc_context(plots.RC_PARAMS):
        (axes,) = plots.class_accuracy({"a": table}, STYLES).axes
    assert np.isnan(axes.lines[0].get_xdata()).tolist() == [False, True] and len(axes.get_yticklabels()) == 2
