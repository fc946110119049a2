"""The first tab: pictures in, the likeliest signs out, with what the network saw of them."""

from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.components.v2 import component

from app import markup, picture_view
from gtsrb.data import picture_files
from gtsrb.data.sign_names import SIGN_NAMES
from gtsrb.errors import InputError
from gtsrb.preprocessing.crop import Box
from gtsrb.reporting import html_images, occlusion_sensitivity
from gtsrb.serving import predictor
from gtsrb.serving.predictor import Model

HERE = Path(__file__).parent
EXAMPLES = sorted((HERE / "static").glob("*.png"), key=lambda path: int(path.stem))  # named by their classes
FIRST = HERE / "static/14.png"
MANY = 50  # pictures at once
ENDINGS = [ending for endings in picture_files.FORMATS.values() for ending in endings]  # of files that the page takes
EDGES = ("left", "top", "right", "bottom")

paste = component("paste", js=(HERE / "paste.js").read_text())
crop = component("crop", html=(HERE / "crop.html").read_text(), js=(HERE / "crop.js").read_text())

load = st.cache_resource(predictor.load, show_spinner=False)
read = st.cache_data(picture_files.read, max_entries=4, show_spinner=False)  # 150 MB each, at most
thumbnail = st.cache_data(lambda data: picture_view.thumbnail(read(data)), max_entries=4 * MANY, show_spinner=False)
pictogram = st.cache_data(picture_view.pictogram, max_entries=500, show_spinner=False)


@st.cache_data(max_entries=4 * MANY, show_spinner=False)
def look(data: bytes, box: Box | None, name: str) -> picture_view.PictureView:
    return picture_view.look_at(read(data), box, load(name))


@st.cache_data(max_entries=MANY, show_spinner=False)
def attention(data: bytes, box: Box | None, name: str) -> np.ndarray:
    return occlusion_sensitivity.log_odds_drop(load(name).predict, look(data, box, name).image)


def show() -> None:
    name, pictures = chosen()
    paste(key="paste")
    st.divider()
    try:
        model = load(name)
    except InputError as error:
        st.error(markup.plain(str(error)))
        return
    result, table, box_area = st.container(), st.container(), st.container()  # filled from the last: results need the box
    with table:
        file = picked(pictures, name, model) if len(pictures) > 1 else next(iter(pictures))
    data = pictures[file]
    if len(pictures) > 1:
        result.text(file)
    try:
        picture = read(data)
        with box_area:
            box = box_of(picture, data)
        with result:
            answer(data, box, name, model)
    except InputError as error:
        result.error(markup.plain(str(error)), icon=":material/broken_image:")


def chosen() -> tuple[str, dict[str, bytes]]:
    """The network and the pictures, by file name: uploaded ones, or the example clicked last."""
    state = st.session_state
    state.setdefault("example", FIRST)
    state.setdefault("uploads", 0)  # a new number is a new, empty uploader
    left, right = st.columns([3, 1], gap="medium")
    with left:
        uploads = st.file_uploader(
            "Drop, paste or pick a picture that shows one sign and little else; several make a table",
            ENDINGS,
            accept_multiple_files=True,
            key=f"uploads{state.uploads}",
        )
    with right:
        models = sorted(
            (path.stem for path in predictor.MODELS.glob("*.onnx")), key=lambda stem: (stem != predictor.BEST, stem)
        )
        name = st.selectbox("Network", models or [predictor.BEST], help="README.md says what each attains.")

    def take(example: Path) -> None:
        state.example = example
        state.uploads += 1

    st.caption("Or click on one of these, drawn by this project:")
    with st.container(horizontal=True, key="examples", gap="small"):
        for path in EXAMPLES:
            sign = SIGN_NAMES[int(path.stem)]
            picture = f"![{sign}](app/static/{path.name})"
            shown = not uploads and path == state.example
            kind = "primary" if shown else "secondary"
            st.button(picture, key=f"example{path.stem}", help=sign, type=kind, on_click=take, args=[path])
    if len(uploads) > MANY:
        st.warning(f"{len(uploads)} pictures; these are the first {MANY}.")
    pictures = {f"{number}. {upload.name}": upload.getvalue() for number, upload in enumerate(uploads[:MANY], 1)}
    return name, pictures or {SIGN_NAMES[int(state.example.stem)]: state.example.read_bytes()}


def picked(pictures: dict[str, bytes], name: str, model: Model) -> str:
    """The table of all pictures, and the name of the one whose row is clicked: the first, before any click."""
    rows = []
    with st.spinner(f"Looking at {len(pictures)} pictures ..."):
        for file, data in pictures.items():
            try:
                found = predictor.answer(look(data, None, name).probabilities, model, 1)
                note = "unsure" if found["unsure"] else ""
                rows.append((thumbnail(data), file, pictogram(found["name"]), found["name"], found["probability"], note))
            except InputError as error:
                rows.append(("", file, "", "", None, str(error)))
    st.subheader("All pictures", anchor=False)
    selection = st.dataframe(
        pd.DataFrame(rows, columns=["picture", "file", " ", "sign", "probability", "note"]),
        column_config={
            "picture": st.column_config.ImageColumn(width=70),
            " ": st.column_config.ImageColumn(width=60),
            "sign": st.column_config.TextColumn(width="medium"),
            "probability": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1, width=140),
            "note": st.column_config.TextColumn(width="large"),
        },
        hide_index=True,
        row_height=52,
        height="content" if len(rows) <= 12 else 600,
        on_select="rerun",
        selection_mode="single-cell",
        key="table",
    ).selection.cells
    st.caption("Click on a row to see that picture above. Each is taken whole; the box below is of the one above.")
    row = selection[0][0] if selection else 0
    return list(pictures)[row if row < len(pictures) else 0]


def box_of(picture: np.ndarray, data: bytes) -> Box | None:
    """The box that is drawn on the picture or given in numbers; None for the whole picture."""
    state, (height, width) = st.session_state, picture.shape[:2]
    whole = (0, 0, width - 1, height - 1)

    def put(box: tuple[int, ...]) -> None:
        state.update(zip(EDGES, box, strict=True))

    if state.get("boxed") != hash(data):  # another picture
        state.boxed = hash(data)
        put(whole)
    state.update({edge: state[edge] for edge in EDGES})  # or Streamlit forgets what no widget of the last run showed
    x1, y1, x2, y2 = (state[edge] for edge in EDGES)
    box = Box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))

    st.subheader("Crop box", anchor=False)
    st.caption(f"Draw a box around the sign if the picture shows more than that. Pixels, of {width} x {height}.")
    left, right = st.columns([2, 1], gap="large")
    with left:
        crop(
            key="crop",
            data={
                "url": picture_view.thumbnail(picture, 800, "jpeg"),
                "width": width,
                "height": height,
                "box": box if box != whole else None,
            },
            on_drawn_change=lambda: put(state.crop.drawn),
        )
    with right:
        with st.container(horizontal=True):
            for edge, side in zip(EDGES, (width, height) * 2, strict=True):
                st.number_input(edge.capitalize(), 0, side - 1, key=edge, width=130)
        st.button("Whole picture", on_click=put, args=[whole], disabled=box == whole, width="stretch")
    return None if box == whole else box


def answer(data: bytes, box: Box | None, name: str, model: Model) -> None:
    """The likeliest signs, the network's image, and the map of what it looked at."""
    seen = look(data, box, name)
    found = predictor.answer(seen.probabilities, model, 5)
    left, right = st.columns(2, gap="large")
    left.html(markup.likeliest(found, model.unsure_below, pictogram))
    picture = (html_images.to_uint8(seen.image), f"As the network sees it: {made(model, seen, box)}.")
    place = right.empty()
    grey = html_images.overlay_map(seen.image, np.zeros(seen.image.shape[:2], np.float32))
    wait = "What it looks at: a second, while the image is covered, patch by patch."
    place.html(markup.figures(picture, (grey, wait)))  # as large as what comes, so that nothing moves then
    colours = html_images.overlay_map(seen.image, attention(data, box, name))
    text = f"What it looks at: covered, the orange parts make \u201c{found['name']}\u201d less likely, the blue ones more."
    place.html(markup.figures(picture, (colours, text)))


def made(model: Model, seen: picture_view.PictureView, box: Box | None) -> str:
    """How the network's image is made of a picture, in words."""
    crop = "cut to a square" if model.variant.crop == "center_square" else "cut to the box" if box else None
    contrast = "equalised" if model.variant.equalize else "equalised in tiles" if model.variant.clahe else None
    beside = "and beside it, not shown, as it was" if model.variant.keep_original else None
    height, width = seen.image.shape[:2]
    return ", ".join(filter(None, [crop, contrast, beside, f"{width} x {height} pixels"]))
