"""What panels of the report are made of: tables, plots, and a part or a note for each recipe."""

from collections.abc import Callable, Iterable
from html import escape
from typing import TypeVar

import pandas as pd
from matplotlib.figure import Figure

from gtsrb.reporting import plots
from gtsrb.reporting.report_inputs import MissingOutput, read_csv

T = TypeVar("T")


def per_recipe(recipes: Iterable[str], make: Callable[..., T], *arguments: object) -> tuple[dict[str, T], str]:
    """`make(recipe, *arguments)` for each recipe that has what it needs, and a note for each of the others."""
    made, notes = {}, ""
    for name in recipes:
        try:
            made[name] = make(name, *arguments)
        except MissingOutput as missing:
            notes += str(missing)
    return made, notes


def or_note(make: Callable[..., str], *arguments: object) -> str:
    """`make(*arguments)`, or a note that names what it lacks."""
    try:
        return make(*arguments)
    except MissingOutput as missing:
        return str(missing)


def under_headings(recipes: Iterable[str], make: Callable[[str], str]) -> str:
    """`make(recipe)` or a note for each recipe, each under its name."""
    return "".join(f"<h3>{escape(name)}</h3>\n{or_note(make, name)}" for name in recipes)


def plot_csv(styles: plots.Styles, file: str, draw: Callable[..., Figure], *arguments: object) -> str:
    """One plot of metrics/RECIPE/FILE.csv of all recipes that have it, and a note for each of the others."""
    tables, notes = per_recipe(styles, read_csv, file)
    return notes + (plots.to_svg(file, draw, tables, styles, *arguments) if tables else "")


def table(rows: Iterable[dict]) -> str:
    """Rows with the same keys as an HTML table; nothing without rows."""
    if not (frame := pd.DataFrame(rows)).size:
        return ""
    with pd.option_context("display.max_colwidth", None, "display.max_rows", None):  # pandas would truncate both
        return f'<div class="scroll">{frame.to_html(index=False, border=0, na_rep="")}</div>\n'
