"""Parts of the page as HTML. What comes from a file, a model or a data set is escaped. No page in here.

`pictogram` gives the URL of a sign's picture by its name, or None.
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


def likeliest(found: dict, unsure_below: float, pictogram: Pictogram) -> str:
    """The signs of `predict.answer` with their pictograms and probabilities."""
    unsure = f'<span class="unsure">unsure: below {unsure_below:.0%}</span>' if found["unsure"] else ""
    rows = []
    for one in found["top"]:
        name, probability = one["name"], one["probability"]
        rows.append(
            f'<div class="sign">{icon(name, pictogram)}<b>{escape(name)}</b><span>{percent(probability)}</span>'
            f'<div class="bar"><div style="width: {probability:.1%}"></div></div></div>'
        )
    return f'<div class="likeliest">{rows[0]}{unsure}{"".join(rows[1:])}</div>'


def percent(share: float) -> str:
    """To a tenth; what is not quite none or all is not rounded to it."""
    return "&lt; 0.1%" if 0 < share < 0.0005 else "&gt; 99.9%" if 0.9995 <= share < 1 else f"{share:.1%}"


def plain(text: str) -> str:
    """Text as Markdown that shows it as it is: what a file says must not become a picture from elsewhere."""
    return re.sub(r"([!-/:-@[-`{-~])", r"\\\1", text)


def icon(name: str, pictogram: Pictogram) -> str:
    """The sign, beside its name; an empty place where there is no picture of it."""
    url = pictogram(name)
    return f'<img src="{url}" alt="">' if url else "<i></i>"


def figures(*images: tuple[np.ndarray, str]) -> str:
    """Images, uint8, each with its words below."""
    one = '<figure><img src="{}" alt=""><figcaption>{}</figcaption></figure>'
    all_of_them = "".join(one.format(data_url(image), escape(text)) for image, text in images)
    return f'<div class="seen">{all_of_them}</div>'


def mistakes(rows: pd.DataFrame, pictogram: Pictogram) -> str:
    """Rows of `evaluation.mistakes`: each image, what it is, what it was taken for."""
    return f'<div class="mistakes">{"".join(tile(row, pictogram) for row in rows.itertuples())}</div>'


def tile(row: Any, pictogram: Pictogram) -> str:
    image = Image.fromarray(decode_ppm(row.image))
    image.thumbnail((256, 256))
    words = (("is", row.truth), (f"taken for, {percent(row.confidence)} sure", row.prediction))
    lines = "".join(f"<p>{icon(name, pictogram)}<span><small>{word}</small>{escape(name)}</span></p>" for word, name in words)
    return f'<div><img src="{data_url(np.asarray(image))}" alt="test image {escape(row.filename)}">{lines}</div>'


def matrix(pairs: pd.DataFrame, pictogram: Pictogram) -> str:
    """The confusion matrix of the signs that were confused, without its diagonal, which would outshine the rest."""
    counts = pairs.pivot_table("images", "truth", "prediction", "sum", 0)
    most = counts.to_numpy().max()

    def named(name: str) -> str:
        url, name = pictogram(name), escape(name)
        return f'<th><img src="{url}" alt="{name}" title="{name}"></th>' if url else f"<th>{name}</th>"

    def cell(truth: str, prediction: str, images: int) -> str:
        if not images:
            return "<td></td>"
        strength = 0.1 + 0.9 * math.log(images + 1) / math.log(most + 1)
        kind, title = "strong" if strength > 0.5 else "weak", escape(f"{truth}, taken for {prediction}: {images}")
        return f'<td title="{title}" style="--strength: {strength:.0%}" class="{kind}">{images}</td>'

    names = counts.columns.tolist()
    head = "".join(map(named, names))
    rows = "".join(
        f"<tr>{named(truth)}{''.join(map(cell, [truth] * len(names), names, images))}</tr>"
        for truth, images in zip(counts.index, counts.to_numpy().tolist(), strict=True)
    )
    return f'<div class="matrix"><table><tr><th>is \u2193 taken for \u2192</th>{head}</tr>{rows}</table></div>'
