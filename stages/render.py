"""Draws a set of synthetic training images:  python -m stages.render SET

Writes  data/synthetic/SET/train.parquet  in the schema of data/raw/train.parquet (gtsrb/data/tables.py)
        metrics/render/SET.json           the number of images, signs and places, and the sha256 of annotations and pixels
"""

import hashlib
from pathlib import Path

from gtsrb import parallel
from gtsrb.command_line import argument, run_stage
from gtsrb.config.camera import Camera
from gtsrb.config.load import load_section, section_names
from gtsrb.config.render import SyntheticSet
from gtsrb.data import tables
from gtsrb.data.sign_names import SIGN_NAMES
from gtsrb.outputs import write_json
from gtsrb.synthetic.render import render_train


def main() -> str:
    name = argument("set", section_names("render"))
    params, camera = load_section(SyntheticSet, "render", name), load_section(Camera, "camera")
    signs, places, digest = len(SIGN_NAMES) * params.tracks_per_class, params.without_sign, hashlib.sha256()
    with parallel.open_workers(signs + places) as workers:
        rows = render_train(
            params.tracks_per_class, params.frames_per_track, params.seed, camera, workers, without_sign=params.without_sign
        )
        with tables.writing(Path(f"data/synthetic/{name}/train.parquet"), tables.hashing(rows, digest)):
            pass
    images = (signs + places) * params.frames_per_track
    counts = {"images": images, "signs": signs, "places": places}
    write_json(Path(f"metrics/render/{name}.json"), counts | {"sha256": digest.hexdigest()})
    return f"{images:,} images of {signs:,} drawn signs and {places:,} places without one"


if __name__ == "__main__":
    run_stage(main)
