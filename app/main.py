"""The page:  make app, or python -m streamlit run app/main.py

Two tabs, a file each: trial.py names the sign on a picture, mistakes.py browses what the recipes got wrong in the test.
"""

from pathlib import Path

import streamlit as st

from app import mistakes_tab, predict_tab

HERE = Path(__file__).parent

st.set_page_config("Traffic signs", page_icon=str(HERE / "static/14.png"), layout="wide")
st.html(HERE / "page.css")
st.title("Which traffic sign is this?", anchor=False)
st.caption("A network of this project answers, on this machine; no picture leaves it.")

try_it, tested = st.tabs(["Try a picture", "Test mistakes"], on_change="rerun")
with try_it:
    predict_tab.show()
if tested.open or st.session_state.get("opened"):  # 100 MB to read, for who looks; from then on, so that choices are kept
    st.session_state.opened = True
    with tested:
        mistakes_tab.show(Path())
