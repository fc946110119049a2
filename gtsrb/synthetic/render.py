"""A synthetic data set, without any download: rows of drawn signs, annotated like the benchmark's.

Each physical sign has its own face, condition, light and scenery; its frames simulate a car that approaches it.
"""

from collections.abc import Iterator
from functools import partial
from itertools import product

import numpy as np

from gtsrb.config.camera import Camera
from gtsrb.data.labels import WITHOUT_SIGN
from gtsrb.data.tables import Row, encode_ppm
from gtsrb.parallel import Workers
from gtsrb.progress import Bar
from gtsrb.synthetic.faces import FACES
from gtsrb.synthetic.scenes import render_frame
from gtsrb.synthetic.signs import sample_sides, sample_sign, sample_without_sign

SIGNS_PER_CALL = 16  # of a worker: the way to it and back takes as long as half a drawing
TRAIN, TEST, TEST_ORDER = range(3)  # part of the seeds: each has its own stream of random numbers


def render_train(
    tracks_per_class: int, frames: int, seed: int, camera: Camera, workers: Workers, *, without_sign: int = 0
) -> Iterator[Row]:
    """Rows of a training table in the order of classes and tracks, drawn as they are asked for; the same arguments give the
    same bytes, whatever the number of workers. The last of them are of so many places `without_sign` of the classes.
    """
    signs = [*product(range(len(FACES)), range(tracks_per_class)), *((WITHOUT_SIGN, track) for track in range(without_sign))]
    for rows in _render_signs(seed, TRAIN, signs, frames, camera, workers, "training"):
        yield from rows


def render_test(images_per_class: int, seed: int, camera: Camera, workers: Workers) -> Iterator[Row]:
    """Rows of a test table, in random order: signs that are in no training table, each at a random distance."""
    signs = list(product(range(len(FACES)), range(images_per_class)))
    signs = [signs[index] for index in np.random.default_rng([seed, TEST_ORDER]).permutation(len(signs))]
    for number, rows in enumerate(_render_signs(seed, TEST, signs, 1, camera, workers, "test")):
        ((_, class_id, _, _, *rest),) = rows
        yield f"{number:05d}.ppm", class_id, None, None, *rest


def _render_signs(
    seed: int, split: int, signs: list[tuple[int, int]], frames: int, camera: Camera, workers: Workers, name: str
) -> Iterator[list[Row]]:
    """The rows of each (class, track)."""
    parts = (signs[start : start + SIGNS_PER_CALL] for start in range(0, len(signs), SIGNS_PER_CALL))
    calls = (partial(render_signs, seed, split, part, frames, camera) for part in parts)
    with Bar(desc=f"rendering {name} signs", total=len(signs), unit=" signs") as bar:
        for part_rows in workers.map(calls):
            yield from part_rows
            bar.update(len(part_rows))


def render_signs(seed: int, split: int, signs: list[tuple[int, int]], frames: int, camera: Camera) -> list[list[Row]]:
    return [render_sign(seed, split, class_id, track, frames, camera) for class_id, track in signs]


def render_sign(seed: int, split: int, class_id: int, track: int, frames: int, camera: Camera) -> list[Row]:
    """The rows of one physical sign: in training its frames from far to near, in the test split at random distances."""
    rng = np.random.default_rng([seed, split, class_id % (len(FACES) + 1), track])  # no part of a seed is negative
    sign = sample_without_sign(camera, rng) if class_id == WITHOUT_SIGN else sample_sign(class_id, camera, rng)
    rows = []
    for frame, side in enumerate(sample_sides(frames, split == TRAIN, camera, rng)):
        pixels, box = render_frame(sign, float(side), camera, seed, rng)
        height, width, _ = pixels.shape
        rows.append((f"{track:05d}_{frame:05d}.ppm", class_id, track, frame, width, height, *box, encode_ppm(pixels)))
    return rows
