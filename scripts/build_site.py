"""Builds the static page, which answers in the visitor's browser:  make site, which runs  python -m scripts.build_site

Reads   web/, what app/ shares with it, node_modules/onnxruntime-web/, pretrained/champion.onnx, metrics/champion/
Writes  site/, for any host of static files, or  python -m http.server --directory site
"""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from gtsrb import command_line
from gtsrb.data.sign_names import SIGN_NAMES
from gtsrb.errors import InputError
from gtsrb.outputs import write_json
from gtsrb.reporting import plots
from gtsrb.reporting.report_inputs import MissingOutput, read_csv
from gtsrb.serving import predictor
from gtsrb.serving.predictor import BEST
from gtsrb.synthetic.faces import draw_sign

SITE = Path("site")
ONNXRUNTIME = Path("node_modules/onnxruntime-web/dist")
RUNTIME_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
SHARED_FILES = ("signs.css", "crop.css", "crop.js")  # with the page of make app
PICTOGRAM_SIDE = 192  # pixels


def main() -> None:
    if missing := [file for file in RUNTIME_FILES if not (ONNXRUNTIME / file).is_file()]:
        raise InputError(f"{', '.join(missing)} not found in {ONNXRUNTIME}; run `make site`, which needs npm")
    network = predictor.find(BEST)  # not in int8, which saves 1.3 MB of 17 and loses accuracy
    model = predictor.load(network)
    shutil.rmtree(SITE, ignore_errors=True)
    shutil.copytree("web", SITE)
    for file in RUNTIME_FILES:
        shutil.copyfile(ONNXRUNTIME / file, SITE / file)
    for file in SHARED_FILES:
        shutil.copyfile(Path("app") / file, SITE / file)
    shutil.copyfile(network, SITE / "network.onnx")
    write_pictograms(model.names)
    examples = sorted(Path("app/static").glob("*.png"), key=lambda path: int(path.stem))
    shutil.copytree("app/static", SITE / "examples", ignore=shutil.ignore_patterns("[!0-9]*"))
    write_json(
        SITE / "page.json",
        {
            "names": model.names,
            "unsure_below": model.unsure_below,
            "unknown_below": model.unknown_below,
            "marks": predictor.describe_marks(model),
            "examples": [{"sign": int(path.stem), "name": SIGN_NAMES[int(path.stem)]} for path in examples],
            "results": [{"file": file, "caption": caption} for file, caption in write_results(BEST).items()],
        },
    )
    size = sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file())
    print(f"{SITE}/: {size / 1e6:.1f} MB with {network.name}; python -m http.server --directory {SITE}")


def write_pictograms(names: list[str]) -> None:
    (SITE / "pictograms").mkdir()
    for class_id, name in enumerate(names):
        is_drawn = name in SIGN_NAMES
        pixels = draw_sign(SIGN_NAMES.index(name), PICTOGRAM_SIDE) if is_drawn else np.zeros((1, 1, 4), np.uint8)
        Image.fromarray(pixels).quantize(64).save(SITE / f"pictograms/{class_id}.png", optimize=True)


PLOTS: dict[str, tuple[Callable[..., Figure], tuple[str, ...], str]] = {  # of metrics/RECIPE/FILE.csv: plot, options, caption
    "sizes": (
        plots.accuracy_in_bins,
        (plots.QUANTITIES["sizes"],),
        "Accuracy of the whole ensemble on the benchmark's test images by the size of the sign",
    ),
    "brightness": (plots.accuracy_in_bins, (plots.QUANTITIES["brightness"],), "... by its brightness"),
    "export_calibration": (
        plots.reliability,
        (),
        "How often the published network is right at a given probability",
    ),
    "robustness": (plots.robustness, ("blur",), "Its accuracy on blurred test images"),
}


def write_results(recipe: str) -> dict[str, str]:
    """Plots of the test metrics that a recipe has; their captions by file name."""
    styles, captions = plots.line_styles([recipe]), {}
    for file, (draw, options, caption) in PLOTS.items():
        with suppress(MissingOutput), mpl.rc_context({**plots.RC_PARAMS, "savefig.dpi": 200}):
            figure = draw({recipe: read_csv(recipe, file)}, styles, *options)
            plots.write_png(SITE / f"results/{file}.png", figure)
            captions[f"{file}.png"] = caption
    return captions


if __name__ == "__main__":
    command_line.run(main)
