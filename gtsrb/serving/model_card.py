"""The model card of an exported network: what it is, what it was trained on, how good it is, where it fails.

Every figure but the latency comes from the metrics files, so the card is never out of step with them.
"""

from gtsrb.config.preprocess import Variant
from gtsrb.config.train import Recipe
from gtsrb.serving.export import LATENCY_RUNS

CARD = """# {name}.onnx

Tells {classes} kinds of traffic signs apart: uint8 {size} x {size} x {channels} in, {classes} probabilities out.
How an image has to be prepared, and the names of the classes, stand in the file's metadata;
`python -m scripts.predict --model {name} FILE` reads it.

| | |
| --- | --- |
| network | recipe `{name}`, {network} |
| trained on | {images:,} images ({source}), {moved}, {epochs} epochs |
| test images | {test_images:,}, by this very file |
| accuracy with the box around the sign | {with_boxes} |
| accuracy as files: whole pictures, no box | {as_files} |
| size | {megabytes:.2f} MB, {parameters:,} parameters, weights in {precision} |
| latency | {latency} ms an image on one core, median of {runs} ({device}) |
| against Keras | probabilities differ by at most {difference} ({parity} test images) |
| md5 of the weights it came from | `{weights_md5}` |

Known weaknesses:
- It knows these signs and nothing else: whatever it is shown, it names one of them. Below a probability of {unsure_below:.0%}
  an answer is marked as unsure.
- The picture has to be of one sign that fills it, or come with the box around the sign; the table has what a box is worth.
- Signs most often missed: {missed}.
- Blur, darkness, a covered part: metrics/{name}/robustness.json has what each costs.
- Test images are frames of few physical signs. The interval takes them as independent, and is too narrow.
"""


def text(
    name: str, recipe: Recipe, variant: Variant, *, dataset: dict, training: dict, export: dict, latency_ms: float, device: str
) -> str:
    """The card of recipe `name`, from the contents of metrics/dataset.json, NAME/training.json and NAME/export.json.

    `latency_ms` is what `export.measure_latency` measured on one core of `device`.
    """
    return CARD.format(
        name=name,
        classes=dataset["classes"],
        size=variant.size,
        channels=variant.channels,
        network=f"seed {export['seed']}" + (f", the first of {recipe.members} networks" if recipe.members > 1 else ""),
        images=training["train_images"],
        source={"gtsrb": "GTSRB", "synthetic": "drawn by this project", "folder": "a folder of the user's"}[dataset["source"]],
        moved="augmented" if recipe.augmentation else "as they are",
        epochs=recipe.epochs,
        test_images=dataset["test_images"],
        with_boxes=accuracy(export["with_boxes"]),
        as_files=accuracy(export["as_files"]),
        megabytes=export["onnx_bytes"] / 1e6,
        parameters=training["parameters"],
        precision=export["weights_precision"],
        latency=f"{latency_ms:.2f}",
        runs=LATENCY_RUNS,
        device=device,
        difference=export["max_abs_difference"],
        parity=export["parity_images"],
        weights_md5=export["weights_md5"],
        unsure_below=export["unsure_below"],
        missed=", ".join(f"{sign} ({accuracy:.1%} right)" for sign, accuracy in export["most_often_missed"].items()),
    )


def accuracy(figures: dict) -> str:
    """Those of `metrics.accuracy_figures`, in a table's cell."""
    interval = f"95 % interval {figures['accuracy_low']:.2%} to {figures['accuracy_high']:.2%}"
    return f"**{figures['accuracy']:.2%}**, {figures['errors']} errors, {interval}"
