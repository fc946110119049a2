"""Parts of the page as HTML; text from a file, a model or a data set is escaped. Imports no Streamlit.

`pictogram` maps the name of a sign to the URL of its picture, or None.
"""

import math
import re
from collections.abc import Callable
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from gtsrb.data.tables import decode_ppm
from gtsrb.reporting.html_images import data_url

Pictogram = Callable[[str], str | None]


def top_classes(prediction: dict, mark: str, pictogram: Pictogram) -> str:
    """The classes of `predictor.describe_prediction` with their pictograms and probabilities, and what its mark means."""
    mark = f'<span class="mark">{escape(mark)}</span>' if mark else ""
    rows = []
    for row in prediction["top"]:
        name, probability = row["name"], row["probability"]
        rows.append(
            f'<div class="sign">{icon(name, pictogram)}<b>{escape(name)}</b><span>{percent(probability)}</span>'
            f'<div class="bar"><div style="width: {probability:.1%}"></div></div></div>'
        )
    return f'<div class="prediction">{rows[0]}{mark}{"".join(rows[1:])}</div>'


def percent(share: float) -> str:
    """To one decimal; a share between 0 and 1 is never rounded to 0 % or 100 %."""
    return "&lt; 0.1%" if 0 < share < 0.0005 else "&gt; 99.9%" if 0.9995 <= share < 1 else f"{share:.1%}"


def escape_markdown(text: str) -> str:
    """Markdown that shows `text` literally: a file's name must not become an image from another site."""
    return re.sub(r"([!-/:-@[-`{-~])", r"\\\1", text)


def icon(name: str, pictogram: Pictogram) -> str:
    """The sign's picture, to stand beside its name; an empty element if there is none."""
    url = pictogram(name)
    return f'<img src="{url}" alt="">' if url else "<i></i>"


def images_with_captions(*images: tuple[np.ndarray, str]) -> str:
    """(height, width, 3) uint8 images side by side, each with its caption."""
    figures = (
        f'<figure><img src="{data_url(image)}" alt=""><figcaption>{escape(caption)}</figcaption></figure>'
        for image, caption in images
    )
    return f'<div class="images">{"".join(figures)}</div>'


def mistakes(rows: pd.DataFrame, pictogram: Pictogram) -> str:
    """Rows of `recipe_results.load_mistakes`: each image with its true and its predicted class."""
    return f'<div class="mistakes">{"".join(tile(row, pictogram) for row in rows.itertuples())}</div>'


def tile(row: Any, pictogram: Pictogram) -> str:
    image = Image.fromarray(decode_ppm(row.image))
    image.thumbnail((256, 256))
    classes = (("truth", row.truth), (f"prediction ({percent(row.confidence)})", row.prediction))
    lines = "".join(
        f"<p>{icon(name, pictogram)}<span><small>{label}</small>{escape(name)}</span></p>" for label, name in classes
    )
    return f'<div><img src="{data_url(np.asarray(image))}" alt="test image {escape(row.filename)}">{lines}</div>'


def confusion_matrix(pairs: pd.DataFrame, pictogram: Pictogram) -> str:
    """The confusion matrix of the confused classes, without its diagonal, whose counts would dwarf the others."""
    counts = pairs.pivot_table("images", "truth", "prediction", "sum", 0)
    highest = counts.to_numpy().max()

    def header(name: str) -> str:
        url, name = pictogram(name), escape(name)
        return f'<th><img src="{url}" alt="{name}" title="{name}"></th>' if url else f"<th>{name}</th>"

    def cell(truth: str, prediction: str, images: int) -> str:
        if not images:
            return "<td></td>"
        strength = 0.1 + 0.9 * math.log(images + 1) / math.log(highest + 1)
        kind, title = "strong" if strength > 0.5 else "weak", escape(f"{truth}, predicted as {prediction}: {images}")
        return f'<td title="{title}" style="--strength: {strength:.0%}" class="{kind}">{images}</td>'

    names = counts.columns.tolist()
    head = "".join(map(header, names))
    rows = "".join(
        f"<tr>{header(truth)}{''.join(map(cell, [truth] * len(names), names, images))}</tr>"
        for truth, images in zip(counts.index, counts.to_numpy().tolist(), strict=True)
    )
    return f'<div class="matrix"><table><tr><th>truth \u2193 prediction \u2192</th>{head}</tr>{rows}</table></div>'
