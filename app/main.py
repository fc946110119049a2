"""The page:  make app, or python -m streamlit run app/main.py

Two tabs, one file each: predict_tab.py names the sign in a picture, mistakes_tab.py shows a recipe's mistakes on the test set.
"""

from pathlib import Path

import streamlit as st

from app import mistakes_tab, predict_tab

HERE = Path(__file__).parent

st.set_page_config("Traffic signs", page_icon=str(HERE / "static/14.png"), layout="wide")
st.html(HERE / "signs.css")
st.html(HERE / "page.css")
st.title("Which traffic sign is this?", anchor=False)
st.caption("Predicted by a network of this project on this machine; no picture leaves it.")

predict, mistakes = st.tabs(["Predict", "Test mistakes"], on_change="rerun")
with predict:
    predict_tab.show()
if mistakes.open or st.session_state.get(
    "mistakes_opened"
):  # reads 100 MB once opened; drawn from then on, to keep its choices
    st.session_state.mistakes_opened = True
    with mistakes:
        mistakes_tab.show(Path())
