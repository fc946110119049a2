"""Everything measured, on one page:  make report, which runs  python -m scripts.report

Reads   metrics/; for the mistakes data/predictions/, data/processed/VARIANT/test/ and data/export/RECIPE/prepared.onnx
Writes  report.html, which needs no other file; it shows test images, so Git ignores it

Shows what the recipes of params.yaml have; names what is missing and the command that writes it. The panels are in
gtsrb/reporting/panels.py, the text around them in gtsrb/reporting/report.html.
"""

from pathlib import Path

from gtsrb.command_line import run
from gtsrb.config.params import load
from gtsrb.errors import InputError
from gtsrb.outputs import atomic_write
from gtsrb.reporting import panels

REPORT = Path("report.html")


def main() -> None:
    params = load()
    recipes = [name for name in params.evaluate if Path(f"metrics/{name}.json").is_file()]
    if not recipes:
        raise InputError("nothing to report: metrics/ has no RECIPE.json of a recipe of params.yaml; run `dvc repro` first")
    html = panels.render(params, recipes)
    with atomic_write(REPORT) as temporary_path:
        temporary_path.write_text(html, encoding="utf-8")
    print(f"{REPORT}: {', '.join(recipes)}; {len(html) / 1e6:.1f} MB")


if __name__ == "__main__":
    run(main)
