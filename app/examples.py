"""Renders the example pictures of the page:  python -m app.examples

Writes  app/static/CLASS.png, synthetic images (gtsrb/synthetic/); no image of the benchmark
"""

from pathlib import Path

from PIL import Image

from gtsrb.config.camera import Camera
from gtsrb.config.load import load_section
from gtsrb.data.tables import decode_ppm, to_frame
from gtsrb.parallel import IN_PROCESS
from gtsrb.synthetic.render import render_train

STATIC = Path("app/static")
TRACKS = {4: 0, 9: 9, 12: 2, 14: 8, 28: 8, 30: 3, 35: 4, 40: 8}  # class: track, chosen by eye: each kind, different light
TRACKS_PER_CLASS, FRAMES, SEED = 10, 4, 7


def main() -> None:
    rows = render_train(TRACKS_PER_CLASS, FRAMES, SEED, load_section(Camera, "camera"), IN_PROCESS)
    images = to_frame(rows).set_index(["class_id", "track", "frame"])["image"]
    for class_id, track in TRACKS.items():
        Image.fromarray(decode_ppm(images[class_id, track, FRAMES - 1])).save(STATIC / f"{class_id}.png", optimize=True)


if __name__ == "__main__":
    main()
