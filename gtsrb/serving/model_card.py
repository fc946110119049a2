"""The model card of an exported network: what it is, what it was trained on, how accurate it is, where it fails.

Every number comes from the metrics files, so the card always agrees with them.
"""

from gtsrb.config.preprocess import Variant
from gtsrb.config.train import Recipe
from gtsrb.serving.runtime import LATENCY_RUNS, LATENCY_SIDE

CARD = """# {name}

Classifies {classes} traffic signs. The ONNX files take a picture of any size and prepare it themselves. In: `picture`, RGB,
uint8 (height, width, 3), and `box`, int64 (4), the sign's left, top, right and bottom pixel; 0, 0, -1, -1 is the whole picture.
Out: `probabilities`, float32 (1, {classes}), and `network_input`, the {size} x {size} pixels that the network gets. Their
metadata has this, the class names, the thresholds `unsure_below` and `unknown_below`, and the licence, which is MIT. `python -m
scripts.predict --model {name} FILE` uses the first, and examples/ show how other programs do. The LiteRT file takes prepared
images, {dtype} (n, {size}, {size}, {channels}).

| file | errors with boxes | accuracy | calibration error | size | one answer |
| --- | --- | --- | --- | --- | --- |
{files}

In {test_images:,} test images; on one core, a picture of {side} x {side} pixels, median of {runs} answers ({device}).

| {name}.onnx | |
| --- | --- |
| network | recipe `{name}`, {network}, {parameters:,} parameters, weights in {precision} |
| trained on | {images}, {augmentation} augmentation, {epochs} epochs |
| accuracy with boxes around the signs | {with_boxes} |
| accuracy on whole pictures, without boxes | {as_files} |
| difference from Keras | {difference} at most, in the probabilities of {parity} test images |
| difference from the pipeline's preprocessing | {input_difference:.3g} of 255 levels at most, on the same images |
| md5 of the weights file | `{weights_md5}` |

Limitations:
- It knows only these signs: it predicts one of them for any picture. A prediction is marked as unsure below a probability of
  {unsure_below}%, as unknown below {unknown_below}%. Of the test images {unsure} are marked, {unknown} as unknown. Of crops of
  photographs without a sign {answered} are not marked, {known} not as unknown, and {confident} get a probability of 95% or more
  (metrics/{name}/without_sign.csv).
- {calibration}
- The sign has to fill the picture, or come with a box around it; the table shows what the box is worth.
- Classes with the lowest accuracy: {missed}.
- metrics/{name}/robustness.json has its accuracy under blur, noise, darkening, occlusion and other corruptions.
- The interval assumes independent images; frames of one physical sign are not, so it is too narrow.
"""


TABLE = """# The published files

Written by `python -m scripts.publish` from metrics/RECIPE/export.json. Errors and accuracy are of {test_images:,} test images:
with the boxes around their signs, or, as *without boxes*, of whole pictures. One answer: median of {runs} on one core, of a
picture of {side} x {side} pixels, or of a prepared image ({device}). Marked: test images that are marked as unsure or unknown;
unmarked: crops of photographs without a sign that are not. Levels: how far a file's own preprocessing is from the pipeline's,
of 255.

| file | errors with boxes | accuracy | calibration error | size | one answer | without boxes | marked, unmarked | levels |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
{rows}
"""

PUBLISHED = {"picture.onnx": ".onnx", "picture_int8.onnx": "_int8.onnx", "prepared_int8.tflite": "_int8.tflite"}  # NAME...


def render(name: str, recipe: Recipe, variant: Variant, *, dataset: dict, training: dict, export: dict) -> str:
    """The card of recipe `name` in Markdown, from metrics/dataset.json and metrics/NAME/{training,export}.json."""
    marks = export["files"]["picture.onnx"]["without_sign"]
    return CARD.format(
        name=name,
        classes=dataset["classes"],
        size=variant.size,
        channels=variant.channels,
        dtype=variant.dtype,
        files="\n".join(format_row(file_cells(name, file, export, dataset["test_images"])) for file in sort_files(export)),
        network=f"seed {export['seed']}" + (f", the first of {recipe.members} networks" if recipe.members > 1 else ""),
        images=format_images(recipe, training, dataset["source"]),
        augmentation="with" if recipe.augmentation else "without",
        epochs=recipe.epochs,
        test_images=dataset["test_images"],
        with_boxes=format_accuracy(export["with_boxes"]),
        as_files=format_accuracy(export["as_files"]),
        parameters=training["parameters"],
        precision=export["weights_precision"],
        side=LATENCY_SIDE,
        runs=LATENCY_RUNS,
        device=export["device"],
        difference=export["parity"]["keras_max_abs_difference"],
        input_difference=export["parity"]["input_max_difference"],
        parity=export["parity"]["images"],
        weights_md5=export["weights_md5"],
        unsure=f"{marks['unsure']:.2%}",
        answered=f"{marks['answered']:.2%}",
        confident=f"{marks['confident']:.2%}",
        unsure_below=f"{100 * export['unsure_below']:.4g}",
        unknown_below=f"{100 * export['unknown_below']:.4g}",
        unknown=f"{marks['unknown']:.2%}",
        known=f"{marks['known']:.2%}",
        calibration=format_calibration(export),
        missed=", ".join(f"{sign} ({accuracy:.1%})" for sign, accuracy in export["most_often_missed"].items()),
    )


def render_table(exports: dict[str, dict], dataset: dict) -> str:
    """docs/published.md, from metrics/NAME/export.json of each published recipe and metrics/dataset.json."""
    rows = []
    for name, export in exports.items():
        for file in PUBLISHED:
            of_picture = ["", "", ""]
            if marks := export["files"][file].get("without_sign"):  # a file that takes a picture
                of_picture = [
                    f"{export['files'][file]['errors_as_file']:,}",
                    f"{marks['unsure']:.2%}, {marks['answered']:.2%}",
                    f"{export['parity']['input_max_difference']:.3g}",
                ]
            rows.append(format_row([*file_cells(name, file, export, dataset["test_images"]), *of_picture]))
    devices = ", ".join(dict.fromkeys(export["device"] for export in exports.values()))
    filled = {"rows": "\n".join(rows), "device": devices, "test_images": dataset["test_images"]}
    return TABLE.format(**filled, side=LATENCY_SIDE, runs=LATENCY_RUNS)


def sort_files(export: dict) -> list[str]:
    """The published ones first."""
    return sorted(export["files"], key=lambda file: file not in PUBLISHED)


def format_images(recipe: Recipe, training: dict, source: str) -> str:
    """What the recipe trains on."""
    name = {"gtsrb": "GTSRB", "synthetic": "synthetic", "own": "the user's own"}[source]
    photographs, share = f"{training['train_images']:,} images ({name})", recipe.synthetic.share
    if not share:
        return photographs
    drawn = f"{training['synthetic_images']:,} synthetic images"
    return f"{drawn} alone" if share == 1 else f"{photographs}, {share:.0%} of each epoch from {drawn} instead"


def file_cells(recipe: str, file: str, export: dict, images: int) -> list[str]:
    """Name, errors, accuracy, calibration error, size and latency of a file, for a row of a table."""
    name = f"`{recipe}{PUBLISHED[file]}`" if file in PUBLISHED else f"`{file}`, not published"
    of_file = export["files"][file]
    accuracy, calibration = 1 - of_file["errors"] / images, of_file["calibration_error"]["error"]
    size, latency = of_file["bytes"] / 1e6, of_file["milliseconds"]
    return [name, f"{of_file['errors']:,}", f"{accuracy:.2%}", f"{calibration:.2%}", f"{size:.2f} MB", f"{latency:.2f} ms"]


def format_row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def format_calibration(export: dict) -> str:
    error = export["files"]["picture.onnx"]["calibration_error"]
    interval = f"{error['error']:.2%} (95 % interval {error['low']:.2%} to {error['high']:.2%})"
    if export["temperature"] == 1:
        return f"Its probabilities are not calibrated: their expected calibration error is {interval} on the test images."
    temperature = f"divided by {export['temperature']:.3f}, fitted on out-of-fold predictions"
    return f"The logits are {temperature}: the expected calibration error is {interval} on the test images."


def format_accuracy(metrics: dict) -> str:
    """The result of `accuracy_metrics` as the cell of a table."""
    interval = f"95 % interval {metrics['accuracy_low']:.2%} to {metrics['accuracy_high']:.2%}"
    return f"**{metrics['accuracy']:.2%}**, {metrics['errors']} errors, {interval}"
