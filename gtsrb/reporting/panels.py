"""The panels of the report, each as HTML: what there is of each recipe, or a note with the command that makes it."""

import json
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gtsrb.config.params import Params
from gtsrb.config.preprocess import Variant
from gtsrb.data import arrays
from gtsrb.errors import InputError
from gtsrb.reporting import html_images, mistakes, plots
from gtsrb.reporting.occlusion_sensitivity import occlusion_sensitivity
from gtsrb.serving import predictor

SHOWN = 12  # kinds of mistakes of each recipe
SIDE = 144  # pixels of a map
TEXT = dict.fromkeys(("name", "truth", "prediction", "corruption"), str)  # columns in which numbers may stand


class Missing(Exception):
    """Something that is not there yet, as a note in HTML with the command that makes it."""

    def __init__(self, what: str, command: str):
        super().__init__(f'<p class="note">{escape(what)} is missing: <code>{escape(command)}</code> makes it.</p>\n')


def read(path: str, command: str) -> Any:
    """A file of metrics/: a table, or a dict. Raises `Missing` and, where it is broken, `InputError`."""
    try:
        if path.endswith(".csv"):  # only an empty field is empty: a class may be called NA
            return pd.read_csv(path, dtype=TEXT, keep_default_na=False, na_values=[""])
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Missing(path, command) from None
    except ValueError as error:
        raise InputError(f"{path}: cannot be read ({' '.join(str(error).split())}); `{command}` writes it anew") from None


def read_recipe_csv(name: str, what: str) -> pd.DataFrame:
    stage = {"history": "train", "robustness": "robustness"}.get(what, "evaluate")
    return read(f"metrics/{name}/{what}.csv", f"dvc repro {stage}@{name}")


def make_or_note(make: Callable[..., str], *arguments: object) -> str:
    """What `make` makes, or the note about what it misses."""
    try:
        return make(*arguments)
    except Missing as missing:
        return str(missing)


def repeat_for_recipes(recipes: list[str], make: Callable[..., str], *arguments: object) -> str:
    """A part for each recipe, under its name."""
    return "".join(f"<h3>{escape(name)}</h3>\n{make_or_note(make, name, *arguments)}" for name in recipes)


def plot_together(looks: plots.Looks, what: str, *drawings: tuple) -> str:
    """A note for each recipe without the file `what`, and each drawing of all others; a drawing is a function and arguments."""
    found, notes = read_for_recipes(looks, what)
    drawn = (plots.svg(f"{what}{i}", draw, found, looks, *more) for i, (draw, *more) in enumerate(drawings) if found)
    return "".join([notes, *drawn])


def read_for_recipes(looks: plots.Looks, what: str) -> tuple[plots.Tables, str]:
    """The file `what` of each recipe that has it, and a note for each of the others."""
    found, notes = {}, []
    for name in looks:
        try:
            found[name] = read_recipe_csv(name, what)
        except Missing as missing:
            notes.append(str(missing))
    return found, "".join(notes)


def table(rows: list[dict]) -> str:
    with pd.option_context("display.max_colwidth", None, "display.max_rows", None):  # pandas would cut both short
        return f'<div class="scroll">{pd.DataFrame(rows).to_html(index=False, border=0, na_rep="")}</div>\n'


def results(recipes: list[str], known: list[str]) -> str:
    """The figures of each recipe, and a note for each that is not evaluated."""
    rows = []
    for name in recipes:
        found = read(f"metrics/{name}.json", f"dvc repro evaluate@{name}")
        row = {
            "recipe": name,
            "accuracy": f"{found['accuracy']:.2%}",
            "95 % interval": f"{found['accuracy_low']:.2%} to {found['accuracy_high']:.2%}",
            "errors": f"{found['errors']:,}",
            "images": images(name),
            "mean over classes": f"{found['macro_accuracy']:.2%}",
            "in the top 5": f"{found['top5_accuracy']:.2%}",
            "loss (nats)": f"{found['loss']:.4f}",
        }
        row["calibration error"] = f"{found['calibration_error']:.2%}" if "calibration_error" in found else "?"
        rows.append(row)
    notes = [str(Missing(f"recipe {name}", f"dvc repro evaluate@{name}")) for name in known if name not in recipes]
    return table(rows) + "".join(notes)


def images(name: str) -> str:
    try:
        return f"{read_recipe_csv(name, 'classes')['images'].sum():,}"
    except Missing:
        return "?"


def comparison() -> str:
    """McNemar's test of each pair of recipes."""
    pairs = read("metrics/comparison.json", "dvc repro compare")
    rows = [
        {
            "pair": pair.replace("_vs_", " and "),
            "only the first wrong": found["only_first_wrong"],
            "only the second wrong": found["only_second_wrong"],
            "both wrong": found["both_wrong"],
            "p-value": f"{found['p_value']:.2g}",
        }
        for pair, found in pairs.items()
    ]
    return table(rows) if rows else '<p class="note">There is one recipe alone, so nothing to compare.</p>\n'


def exports(recipes: list[str]) -> str:
    """What the file of each recipe attains on test images cut out by their boxes, and on the same as people have them."""
    rows, notes = [], []
    for name in recipes:
        path, command = f"metrics/{name}/export.json", f"dvc repro export@{name}"
        try:
            found = read(path, command)
            ways = {"with boxes": found["with_boxes"], "as files": found["as_files"]}
        except (Missing, KeyError):  # or of a run before these were measured
            notes.append(str(Missing(path, command)))
            continue
        row = {"recipe": name}
        for way, measured in ways.items():
            row |= {way: f"{measured['accuracy']:.2%}", f"errors {way}": f"{measured['errors']:,}"}
        rows.append(row | {"weights": found["weights_precision"], "MB": f"{found['onnx_bytes'] / 1e6:.2f}"})
    return (table(rows) if rows else "") + "".join(notes)


def legend(looks: plots.Looks) -> str:
    entries = (
        f'<span><span style="color: {look.color}">{plots.MARKERS[look.marker]}</span> {escape(name)}</span>'
        for name, look in looks.items()
    )
    return f'<p class="legend">{"".join(entries)}</p>\n'


def confusion(name: str) -> str:
    counts, names = read_recipe_csv(name, "confusion"), read_recipe_csv(name, "classes")["name"].tolist()
    return f'<div class="scroll large">{plots.svg(f"confusion-{name}", plots.confusion, counts, names)}</div>\n'


def gallery(name: str, everything: Params) -> str:
    """The most confident mistakes of a recipe, each with its occlusion map where there is an exported model to make it with."""
    variant, command = everything.train[name].images, f"dvc repro evaluate@{name}"
    path, folder = Path(f"data/predictions/{name}.npy"), Path(f"data/processed/{variant}/test")
    try:
        probabilities, data = np.load(path), arrays.load(folder)
    except FileNotFoundError as error:
        raise Missing(str(error.filename), command) from None
    except InputError:
        raise Missing(f"{folder}/images.npy", f"dvc repro preprocess@{variant}") from None
    if len(probabilities) != len(data.labels):
        raise InputError(f"{path} is of {len(probabilities)} images, {folder} has {len(data.labels)}; run `{command}`")
    chosen = mistakes.most_confident_mistakes(data.labels, probabilities, SHOWN)
    if not chosen:
        return "<p>None: each test image is right.</p>\n"
    names, answers = read_recipe_csv(name, "classes")["name"], probabilities.argmax(axis=1)
    model, note = load_exported(name, everything.preprocess[variant])
    if model:
        shown = [i for i, _ in chosen]
        others = int((model.probabilities(data.images[shown]).argmax(axis=1) != answers[shown]).sum())
        note = f'<p class="note">The exported model answers otherwise on {others} of these.</p>\n' if others else ""
    tiles = []
    for i, count in chosen:
        truth, answer = escape(names[data.labels[i]]), escape(names[answers[i]])
        pictures = [(html_images.to_uint8(data.images[i]), truth)]
        words = f"<b>{truth}</b> taken for <b>{answer}</b>, {probabilities[i].max():.1%} sure; image {i:05d}, "
        words += f"one of {count} such" if count > 1 else "the only such"
        if model:
            lost = occlusion_sensitivity(model.probabilities, data.images[i])
            pictures.append((html_images.overlay_map(data.images[i], lost, SIDE), f"what speaks for {answer}"))
        row = " ".join(f'<img src="{html_images.data_url(image)}" alt="{alt}">' for image, alt in pictures)
        tiles.append(f"<figure>{row}<figcaption>{words}</figcaption></figure>\n")
    return f'{note}<div class="mistakes">{"".join(tiles)}</div>\n'


def load_exported(name: str, variant: Variant) -> tuple[predictor.Model | None, str]:
    """The recipe's network as this run exported it, or why there is none that takes its images."""
    path = f"data/export/{name}.onnx"
    try:
        model = predictor.load(path)
        if model.variant == variant:
            return model, ""
        reason = f"{path} takes images other than those of this recipe"
    except InputError as error:
        reason = str(error)
    return None, f'<p class="note">No maps: {escape(reason)}; <code>dvc repro export@{escape(name)}</code> exports it.</p>\n'


def robustness(looks: plots.Looks) -> str:
    """The mean over all corruptions of each level, and a figure for each corruption."""
    found, notes = read_for_recipes(looks, "robustness")
    if not found:
        return notes
    lines = [
        {"recipe": name} | {f"level {level}" if level else "as they are": f"{mean:.2%}" for level, mean in means.items()}
        for name, means in ((name, rows.groupby("level")["accuracy"].mean()) for name, rows in found.items())
    ]
    kinds = dict.fromkeys(kind for rows in found.values() for kind in rows["corruption"] if kind != "none")
    drawn = (plots.svg(f"robustness-{i}", plots.robustness, found, looks, kind) for i, kind in enumerate(kinds))
    return f'{notes}{table(lines)}<div class="row small">{"".join(drawn)}</div>\n'
