"""The second tab: what a recipe got wrong in the test, image by image and pair by pair."""

from pathlib import Path

import pandas as pd
import streamlit as st

from app import markup, recipe_results
from app.predict_tab import pictogram
from gtsrb.errors import InputError
from gtsrb.serving import predictor

PAGE = 24  # mistakes at a time
ALL = "all signs"


@st.cache_data(max_entries=4, show_spinner="Reading the test images ...")
def load(root: Path, recipe: str, changed: int) -> pd.DataFrame:
    """The mistakes; `changed` is when the predictions were."""
    return recipe_results.mistakes(root, recipe)


def show(root: Path) -> None:
    names = recipe_results.recipes(root)
    if not names:
        st.info("No recipe has been tested yet. `make repro` runs the pipeline; what it gets wrong is here then.")
        return
    left, right = st.columns(2)
    recipe = left.selectbox("Recipe", names, index=names.index(predictor.BEST) if predictor.BEST in names else 0)
    pairs = recipe_results.confusions(root, recipe)
    signs = sorted({*pairs["truth"], *pairs["prediction"]})
    sign = right.selectbox("Sign shown or taken for", [ALL, *signs])
    about = None if sign == ALL else sign
    summary(recipe_results.metrics(root, recipe))
    st.subheader("Mistakes, the most confident first", anchor=False)
    if recipe_results.has_mistakes(root, recipe):
        gallery(root, recipe, about)
    else:
        st.info("The pipeline has not been run here: its images and predictions are missing. `make repro` makes them.")
    st.subheader("Which sign was taken for which", anchor=False)
    if pairs.empty:
        st.success("None was.")
    else:
        found = recipe_results.rows_about(pairs, about)
        st.html(markup.matrix(found, pictogram))
        table(found)


def summary(figures: dict) -> None:
    with st.container(horizontal=True, gap="medium"):
        st.metric("Accuracy", f"{figures['accuracy']:.2%}", width="content")
        st.metric("95% interval", f"{figures['accuracy_low']:.2%} - {figures['accuracy_high']:.2%}", width="content")
        st.metric("Mistakes", figures["errors"], width="content")
        st.metric("Among its first five", f"{figures['top5_accuracy']:.2%}", width="content")


def gallery(root: Path, recipe: str, sign: str | None) -> None:
    try:
        changed = (root / f"data/predictions/{recipe}.npy").stat().st_mtime_ns
        rows = recipe_results.rows_about(load(root, recipe, changed), sign)
    except InputError as error:
        st.error(markup.plain(str(error)))
        return
    pages = max(1, -(-len(rows) // PAGE))
    page = 1
    if pages > 1:
        page = st.number_input(f"Page, of {pages}", 1, pages, key=f"page of {recipe}, {sign}", width=160)
    st.html(markup.mistakes(rows.iloc[(page - 1) * PAGE : page * PAGE], pictogram))


def table(pairs: pd.DataFrame) -> None:
    shown = pairs.assign(is_=pairs["truth"].map(pictogram), taken=pairs["prediction"].map(pictogram))
    st.dataframe(
        shown[["is_", "truth", "taken", "prediction", "images", "share"]],
        column_config={
            "is_": st.column_config.ImageColumn("", width=50),
            "truth": st.column_config.TextColumn("is"),
            "taken": st.column_config.ImageColumn(" ", width=50),
            "prediction": st.column_config.TextColumn("taken for"),
            "images": st.column_config.NumberColumn(width=70),
            "share": st.column_config.NumberColumn("of its images", format="percent", width=100),
        },
        hide_index=True,
        row_height=44,
        height="content" if len(shown) < 10 else 480,
    )
