"""Measures the speed of preprocessing and training:  python -m scripts.measure_speed preprocess | epoch | members

preprocess  the stage on all cores against the tutorial's one-core scikit-image loop, and the share of each step
epoch       training steps with augmentation against steps without, in pairs
members     two networks of an ensemble side by side against one after the other, in pairs; needs two cores

Run `dvc repro preprocess` first. Quote the ratios: absolute times vary with the machine and its load.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from skimage import color, exposure, io, transform

from gtsrb import command_line, parallel
from gtsrb.config import params
from gtsrb.config.preprocess import Variant
from gtsrb.config.train import Recipe
from gtsrb.data import arrays, tables
from gtsrb.preprocessing import crop, equalize, resize

RAW = Path("data/raw/train.parquet")
PREPROCESSING_PAIRS, SAMPLE = 3, 2000  # runs of each kind; images of the tutorial's loop
TRAINING_PAIRS, EPOCH_STEPS, MEMBER_STEPS = 7, 150, 30  # runs of each kind; steps of one in `epoch` and in `members`


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.measure_speed", description="How fast is this machine?")
    measurements: dict[str, Callable[[], None]] = {"preprocess": preprocess, "epoch": epoch, "members": members}
    parser.add_argument("what", choices=measurements)
    measurements[parser.parse_args().what]()


def preprocess() -> None:
    """Times per image: the loop's on a random sample, from files on disk as in the tutorial; the stage's on the whole table."""
    from stages.preprocess import write_images

    variant, bins = next((v, v.equalize.bins) for v in params.load().preprocess.values() if v.equalize)
    rows = tables.read(RAW)
    sampled = rows.sample(min(SAMPLE, len(rows)), random_state=0)
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, f"{i}.ppm") for i in range(len(sampled))]
        for file, image in zip(files, sampled["image"], strict=True):
            file.write_bytes(image)
        out = Path(folder, "images.npy")
        for _ in range(PREPROCESSING_PAIRS):
            loop = seconds(lambda: [preprocess_like_tutorial(io.imread(file), variant) for file in files]) / len(files)
            with parallel.open_workers(parallel.count_cores()) as workers:
                stage = seconds(lambda: write_images(RAW, out, variant, workers, label="stage")) / len(rows)
            ratios.append(loop / stage)
            print(f"loop {loop * 1e3:.3f} ms per image, stage {stage * 1e3:.3f} ms: {ratios[-1]:.1f} times as fast")
        write = seconds(lambda: np.save(Path(folder, "again.npy"), np.load(out))) / len(rows)
    print(f"median ratio {statistics.median(ratios):.1f}")

    decoded = [tables.decode_ppm(image) for image in sampled["image"]]
    maps = [equalize.equalization_map(image, bins) for image in decoded]
    cropped = [crop.crop_center_square(image) for image in decoded]
    equalized = [equalize.equalize(image, values) for image, values in zip(cropped, maps, strict=True)]
    steps = {
        "read the table": seconds(lambda: tables.read(RAW, ["image"])) / len(rows) * len(decoded),
        "decode": seconds(lambda: [tables.decode_ppm(image) for image in sampled["image"]]),
        "histogram": seconds(lambda: [equalize.equalization_map(image, bins) for image in decoded]),
        "equalise": seconds(lambda: [equalize.equalize(*pair) for pair in zip(cropped, maps, strict=True)]),
        "resize": seconds(lambda: [resize.resize_image(image, variant) for image in equalized]),
        "round": seconds(lambda: [np.rint(np.zeros((48, 48, 3)) * 255).astype(np.uint8) for _ in decoded]),
        "write": write * len(decoded),
    }
    print(pd.Series(steps).div(len(decoded)).mul(1e3).rename("ms of one core per image").to_frame()
          .assign(share=lambda f: f.iloc[:, 0] / f.iloc[:, 0].sum()).round(3).to_string())  # fmt: skip


def preprocess_like_tutorial(image: np.ndarray, variant: Variant) -> np.ndarray:
    """One (height, width, 3) uint8 image, equalised, cropped and resized by scikit-image as in the tutorial's loop."""
    hsv = color.rgb2hsv(image)
    hsv[..., 2] = exposure.equalize_hist(hsv[..., 2])
    image = crop.crop_center_square(color.hsv2rgb(hsv))
    return transform.resize(image, (variant.size, variant.size), order=1, mode="constant", anti_aliasing=False)


def epoch() -> None:
    """Training steps of the first recipe with augmentation, and of the same recipe without it, in turn, after a warm-up."""
    recipes = params.load().train
    name = next(name for name, recipe in recipes.items() if recipe.augmentation)
    run_steps = build_steps(name, recipes[name].threads)
    without_augmentation = recipes[name].model_copy(update={"augmentation": None})
    run_steps(without_augmentation, EPOCH_STEPS), run_steps(recipes[name], EPOCH_STEPS)
    ratios = []
    for _ in range(TRAINING_PAIRS):
        without = seconds(lambda: run_steps(without_augmentation, EPOCH_STEPS))
        augmented = seconds(lambda: run_steps(recipes[name], EPOCH_STEPS))
        ratios.append(augmented / without)
        print(f"{EPOCH_STEPS} steps: without {without:.2f} s, with augmentation {augmented:.2f} s, ratio {ratios[-1]:.3f}")
    print_ratios(ratios)


def members() -> None:
    """Steps of two networks of the first ensemble, one thread each, side by side, and two threads each, in turn."""
    from scripts import measure_speed  # the workers do not know this program as `__main__`

    name = next(name for name, recipe in params.load().train.items() if recipe.members > 1)
    one_thread, two_threads = (partial(measure_speed.train_steps, name, threads, MEMBER_STEPS) for threads in (1, 2))
    ratios = []
    with parallel.open_workers(2) as workers:
        for pair in range(TRAINING_PAIRS + 1):  # the first is the warm-up
            side_by_side = seconds(lambda: list(workers.run([one_thread] * 2)))
            in_turn = seconds(lambda: [two_threads() for _ in range(2)])
            if pair:
                ratios.append(side_by_side / in_turn)
                times = f"side by side {side_by_side:.2f} s, in turn {in_turn:.2f} s"
                print(f"2 x {MEMBER_STEPS} steps: {times}, ratio {ratios[-1]:.3f}")
    print_ratios(ratios)


def print_ratios(ratios: list[float]) -> None:
    print(f"median ratio {statistics.median(ratios):.3f}, from {min(ratios):.3f} to {max(ratios):.3f}, {len(ratios)} pairs")


def train_steps(name: str, threads: int, steps: int) -> None:
    build_steps(name, threads)(params.load().train[name], steps)


@cache
def build_steps(name: str, threads: int) -> Callable[[Recipe, int], object]:
    """The network of recipe `name` in this process, and what trains it for some steps on the batches of a recipe."""
    from gtsrb.networks.build import build_network, shape_of
    from gtsrb.training import batches, loop
    from gtsrb.training.optimizers import build_optimizer

    recipe = params.load().train[name].model_copy(update={"threads": threads})
    data, synthetic = map(arrays.load, loop.source_dirs(recipe))
    classes = int(data.labels.max()) + 1
    examples = batches.join(batches.Examples(data.images, data.labels, classes), synthetic)
    machine = loop.set_up_device(recipe)
    model = build_network(recipe.network, **shape_of(data.images, classes))
    optimizer = build_optimizer(recipe.optimizer, recipe.schedule, steps_per_epoch=981, epochs=recipe.epochs)
    model.compile(optimizer, loss=recipe.loss, metrics=["accuracy"], jit_compile=machine.jit_compile)

    def run_steps(recipe: Recipe, steps: int) -> object:
        epoch_batches = batches.TrainingBatches(examples, recipe, epoch=0)
        return model.fit(epoch_batches, steps_per_epoch=steps, shuffle=False, verbose=0)

    return run_steps


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    command_line.run(main)
