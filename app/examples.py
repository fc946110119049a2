"""Renders the example pictures of the page:  python -m app.examples

Writes  app/static/CLASS.png, synthetic images (gtsrb/synthetic/scenes.py); no image of the benchmark
"""

from pathlib import Path

from PIL import Image

from gtsrb.config.ingest import Synthetic
from gtsrb.data.tables import decode_ppm, to_frame
from gtsrb.synthetic.scenes import render

STATIC = Path("app/static")
TRACKS = {4: 0, 9: 3, 12: 1, 14: 3, 28: 2, 30: 0, 35: 1, 40: 0}  # class: track, chosen by eye: each kind, different light
PARAMS = Synthetic(tracks_per_class=4, frames_per_track=4, test_images_per_class=1, seed=7)


def main() -> None:
    images = to_frame(render(PARAMS)[0]).set_index(["class_id", "track", "frame"])["image"]
    for class_id, track in TRACKS.items():
        largest = images[class_id, track, PARAMS.frames_per_track - 1]
        Image.fromarray(decode_ppm(largest)).save(STATIC / f"{class_id}.png", optimize=True)


if __name__ == "__main__":
    main()
