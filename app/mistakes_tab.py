"""The second tab: the mistakes of a recipe on the test split, by image and by pair of classes."""

from pathlib import Path

import pandas as pd
import streamlit as st

from app import markup, recipe_results
from app.predict_tab import pictogram
from gtsrb.errors import InputError
from gtsrb.serving import predictor

PAGE_SIZE = 24  # mistakes
ALL = "all signs"


@st.cache_data(max_entries=4, show_spinner="Reading the test images ...")
def load_mistakes(root: Path, recipe: str, modified: int) -> pd.DataFrame:
    """The mistakes; `modified`, the time of the predictions, invalidates the cache."""
    return recipe_results.load_mistakes(root, recipe)


def show(root: Path) -> None:
    names = recipe_results.evaluated_recipes(root)
    if not names:
        st.info("No recipe has been evaluated yet: run `make repro`. Its mistakes are shown here then.")
        return
    left, right = st.columns(2)
    recipe = left.selectbox("Recipe", names, index=names.index(predictor.BEST) if predictor.BEST in names else 0)
    try:
        pairs, metrics = recipe_results.load_confusions(root, recipe), recipe_results.load_metrics(root, recipe)
    except InputError as error:
        st.error(markup.escape_markdown(str(error)))
        return
    choice = right.selectbox("True or predicted sign", [ALL, *sorted({*pairs["truth"], *pairs["prediction"]})])
    sign = None if choice == ALL else choice
    show_metrics(metrics)
    st.subheader("Mistakes, most confident first", anchor=False)
    if recipe_results.has_predictions(root, recipe):
        show_mistakes(root, recipe, sign)
    else:
        st.info("The pipeline has not been run here, so the test images and predictions are missing: run `make repro`.")
    st.subheader("Confused signs", anchor=False)
    if pairs.empty:
        st.success("None: every test image is classified correctly.")
    else:
        selected = recipe_results.filter_by_class(pairs, sign)
        st.html(markup.confusion_matrix(selected, pictogram))
        show_table(selected)


def show_metrics(metrics: dict) -> None:
    with st.container(horizontal=True, gap="medium"):
        st.metric("Accuracy", f"{metrics['accuracy']:.2%}", width="content")
        st.metric("95% interval", f"{metrics['accuracy_low']:.2%} - {metrics['accuracy_high']:.2%}", width="content")
        st.metric("Mistakes", metrics["errors"], width="content")
        st.metric("Top-5 accuracy", f"{metrics['top5_accuracy']:.2%}", width="content")


def show_mistakes(root: Path, recipe: str, sign: str | None) -> None:
    try:
        modified = (root / f"data/predictions/{recipe}.npy").stat().st_mtime_ns
        mistakes = recipe_results.filter_by_class(load_mistakes(root, recipe, modified), sign)
    except InputError as error:
        st.error(markup.escape_markdown(str(error)))
        return
    n_pages = max(1, -(-len(mistakes) // PAGE_SIZE))
    page = 1
    if n_pages > 1:
        page = st.number_input(f"Page (of {n_pages})", 1, n_pages, key=f"page of {recipe}, {sign}", width=160)
    st.html(markup.mistakes(mistakes.iloc[(page - 1) * PAGE_SIZE : page * PAGE_SIZE], pictogram))


def show_table(pairs: pd.DataFrame) -> None:
    """The pairs of `load_confusions`, with the pictograms of both signs."""
    table = pairs.assign(truth_icon=pairs["truth"].map(pictogram), prediction_icon=pairs["prediction"].map(pictogram))
    st.dataframe(
        table[["truth_icon", "truth", "prediction_icon", "prediction", "images", "share"]],
        column_config={
            "truth_icon": st.column_config.ImageColumn("", width=50),
            "prediction_icon": st.column_config.ImageColumn(" ", width=50),
            "images": st.column_config.NumberColumn(width=70),
            "share": st.column_config.NumberColumn("share of true sign", format="percent", width=120),
        },
        hide_index=True,
        row_height=44,
        height="content" if len(table) < 10 else 480,
    )
