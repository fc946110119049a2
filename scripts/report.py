"""All that was measured, on one page:  make report, which runs  python -m scripts.report

Reads   metrics/; for the mistakes data/predictions/, data/processed/VARIANT/test/ and data/export/RECIPE.onnx
Writes  report.html, which needs no other file; it shows test images, so it is kept out of Git

Shows what there is of the recipes of params.yaml, and says what is missing and which command makes it. What is said about
each figure stands in gtsrb/reporting/report.html.
"""

from pathlib import Path
from string import Template

from gtsrb.command_line import run
from gtsrb.config import params
from gtsrb.errors import InputError
from gtsrb.outputs import atomic_write
from gtsrb.reporting import plots
from gtsrb.reporting.panels import (
    comparison,
    confusion,
    exports,
    gallery,
    legend,
    make_or_note,
    plot_together,
    repeat_for_recipes,
    results,
    robustness,
)

REPORT = Path("report.html")


def main() -> None:
    everything = params.load()
    recipes = [name for name in everything.evaluate if Path(f"metrics/{name}.json").is_file()]
    if not recipes:
        raise InputError("nothing to report: metrics/ has no RECIPE.json of a recipe of params.yaml; run `dvc repro` first")
    looks = plots.looks(recipes)
    side, luma = "side of the annotated box, as a square (pixels)", "mean luma in the annotated box (share of white)"
    parts = {
        "results": results(recipes, list(everything.evaluate)),
        "comparison": make_or_note(comparison),
        "exports": exports(recipes),
        "legend": legend(looks),
        "curves": plot_together(looks, "history", (plots.learning_curves, "accuracy"), (plots.learning_curves, "loss")),
        "confusion": repeat_for_recipes(recipes, confusion),
        "classes": plot_together(looks, "classes", (plots.class_accuracy,)),
        "sizes": plot_together(looks, "sizes", (plots.accuracy_in_bins, side)),
        "brightness": plot_together(looks, "brightness", (plots.accuracy_in_bins, luma)),
        "reliability": plot_together(looks, "calibration", (plots.reliability,)),
        "mistakes": repeat_for_recipes(recipes, gallery, everything),
        "robustness": robustness(looks),
    }
    template = Template(Path(plots.__file__).with_name("report.html").read_text(encoding="utf-8"))
    text = template.substitute(parts)
    with atomic_write(REPORT) as beside:
        beside.write_text(text, encoding="utf-8")
    print(f"{REPORT}: {', '.join(recipes)}; {len(text) / 1e6:.1f} MB")


if __name__ == "__main__":
    run(main)
