"""The first tab: pictures in, the most probable signs out, with the network input and its occlusion sensitivity."""

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
from gtsrb.reporting import html_images
from gtsrb.serving import predictor
from gtsrb.serving.predictor import Model

HERE = Path(__file__).parent
EXAMPLES = sorted((HERE / "static").glob("*.png"), key=lambda path: int(path.stem))  # named by class number
FIRST_EXAMPLE = HERE / "static/14.png"
MAX_PICTURES = 50  # per upload
EXTENSIONS = [extension for extensions in picture_files.FORMATS.values() for extension in extensions]
EDGES = ("left", "top", "right", "bottom")

Version = tuple[str, int]  # a model's name, and when its file was written: a new file is read anew

paste = component("paste", js=(HERE / "paste.js").read_text())
crop = component(
    "crop", html=(HERE / "crop.html").read_text(), css=(HERE / "crop.css").read_text(), js=(HERE / "crop.js").read_text()
)

read = st.cache_data(picture_files.read, max_entries=4, show_spinner=False)  # up to 150 MB each
thumbnail = st.cache_data(lambda data: picture_view.thumbnail(read(data)), max_entries=4 * MAX_PICTURES, show_spinner=False)
pictogram = st.cache_data(picture_view.pictogram, max_entries=500, show_spinner=False)


def find_version(name: str) -> Version:
    return name, predictor.find(name).stat().st_mtime_ns


@st.cache_resource(show_spinner=False)
def load(version: Version) -> Model:
    return predictor.load(predictor.find(version[0]).read_bytes())


@st.cache_data(max_entries=4 * MAX_PICTURES, show_spinner=False)
def predict(data: bytes, box: Box | None, version: Version) -> predictor.Prediction:
    return load(version).predict(read(data), box)


@st.cache_data(max_entries=MAX_PICTURES, show_spinner=False)
def occlusion_map(data: bytes, box: Box | None, version: Version) -> np.ndarray:
    best = int(predict(data, box, version).probabilities.argmax())
    return picture_view.occlusion_map(*picture_view.cut_out(read(data), box), load(version), best)


def show() -> None:
    model_name, pictures = select_inputs()
    paste(key="paste")
    st.divider()
    try:
        version = find_version(model_name)
        model = load(version)
    except InputError as error:
        st.error(markup.escape_markdown(str(error)))
        return
    result, table, box_area = st.container(), st.container(), st.container()  # the result, on top, needs what the others return
    with table:
        file = show_table(pictures, version, model) if len(pictures) > 1 else next(iter(pictures))
    data = pictures[file]
    if len(pictures) > 1:
        result.text(file)
    try:
        picture = read(data)
        with box_area:
            box = select_box(picture, data)
        with result:
            show_prediction(data, box, version, model)
    except InputError as error:
        result.error(markup.escape_markdown(str(error)), icon=":material/broken_image:")


def select_inputs() -> tuple[str, dict[str, bytes]]:
    """The name of the model, and the pictures by name: the uploaded files, or the example clicked last."""
    state = st.session_state
    state.setdefault("example", FIRST_EXAMPLE)
    state.setdefault("uploads", 0)  # counts the uploaders; a new one is empty
    left, right = st.columns([3, 1], gap="medium")
    with left:
        uploads = st.file_uploader(
            "Drop, paste or select a picture that shows one sign and little else, or several pictures for a table",
            EXTENSIONS,
            accept_multiple_files=True,
            key=f"uploads{state.uploads}",
        )
    with right:
        names = sorted((path.stem for path in predictor.MODELS.glob("*.onnx")), key=lambda name: (name != predictor.BEST, name))
        model_name = st.selectbox("Network", names or [predictor.BEST], help="docs/published.md has the accuracy of each.")

    def select_example(path: Path) -> None:
        state.example = path
        state.uploads += 1

    st.caption("Or click on one of these synthetic examples:")
    with st.container(horizontal=True, key="examples", gap="small"):
        for path in EXAMPLES:
            sign = SIGN_NAMES[int(path.stem)]
            picture = f"![{sign}](app/static/{path.name})"
            kind = "primary" if not uploads and path == state.example else "secondary"
            st.button(picture, key=f"example{path.stem}", help=sign, type=kind, on_click=select_example, args=[path])
    if len(uploads) > MAX_PICTURES:
        st.warning(f"{len(uploads)} pictures uploaded; only the first {MAX_PICTURES} are shown.")
    pictures = {f"{number}. {upload.name}": upload.getvalue() for number, upload in enumerate(uploads[:MAX_PICTURES], 1)}
    return model_name, pictures or {SIGN_NAMES[int(state.example.stem)]: state.example.read_bytes()}


def show_table(pictures: dict[str, bytes], version: Version, model: Model) -> str:
    """A table of all pictures; returns the name of the one whose row was clicked, or of the first."""
    rows = []
    with st.spinner(f"Predicting {len(pictures)} pictures ..."):
        for file, data in pictures.items():
            try:
                prediction = predictor.describe_prediction(predict(data, None, version).probabilities, model, 1)
                sign, note = prediction["name"], predictor.name_mark(prediction)
                rows.append((thumbnail(data), file, pictogram(sign), sign, prediction["probability"], note))
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
    st.caption("Predictions for the whole pictures. Click on a row to show its picture above, where a crop box applies.")
    row = selection[0][0] if selection else 0
    return list(pictures)[row if row < len(pictures) else 0]


def select_box(picture: np.ndarray, data: bytes) -> Box | None:
    """The box drawn on the picture or entered in numbers; None for the whole picture."""
    state, (height, width) = st.session_state, picture.shape[:2]
    whole = (0, 0, width - 1, height - 1)

    def set_box(box: tuple[int, ...]) -> None:
        state.update(zip(EDGES, box, strict=True))

    if state.get("box_picture") != hash(data):  # another picture
        state.box_picture = hash(data)
        set_box(whole)
    state.update({edge: state[edge] for edge in EDGES})  # Streamlit drops the values of widgets not shown in the last run
    x1, y1, x2, y2 = (state[edge] for edge in EDGES)
    box = Box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))

    st.subheader("Crop box", anchor=False)
    st.caption(
        f"If the picture shows more than the sign, draw a box around the sign, or enter its edges ({width} x {height} pixels)."
    )
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
            on_drawn_change=lambda: set_box(state.crop.drawn),
        )
    with right:
        with st.container(horizontal=True):
            for edge, side in zip(EDGES, (width, height) * 2, strict=True):
                st.number_input(edge.capitalize(), 0, side - 1, key=edge, width=130)
        st.button("Whole picture", on_click=set_box, args=[whole], disabled=box == whole, width="stretch")
    return None if box == whole else box


def show_prediction(data: bytes, box: Box | None, version: Version, model: Model) -> None:
    """The five most probable signs, the network input, and its occlusion map, which takes about a second."""
    probabilities, network_input = predict(data, box, version)
    prediction = predictor.describe_prediction(probabilities, model, 5)
    left, right = st.columns(2, gap="large")
    mark = predictor.describe_marks(model).get(predictor.name_mark(prediction), "")
    left.html(markup.top_classes(prediction, mark, pictogram))
    left_image = (
        html_images.to_uint8(network_input),
        f"Network input: {network_input.shape[1]} x {network_input.shape[0]} pixels.",
    )
    images = right.empty()
    crop, _ = picture_view.cut_out(read(data), box)
    grey = html_images.overlay_map(crop, np.zeros(crop.shape[:2], np.float32))
    images.html(markup.images_with_captions(left_image, (grey, "Occlusion sensitivity: being computed ...")))
    overlay = html_images.overlay_map(crop, occlusion_map(data, box, version))
    caption = (
        f"Occlusion sensitivity: covering an orange area makes \u201c{prediction['name']}\u201d less probable, "
        "covering a blue one more probable."
    )
    images.html(markup.images_with_captions(left_image, (overlay, caption)))
