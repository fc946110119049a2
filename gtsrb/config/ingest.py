"""The schema of `ingest`; params.yaml gives units and ranges."""

from typing import Annotated, Literal

from pydantic import Field

from gtsrb.config.base import Count, Section, Seed


class Gtsrb(Section):
    """What the benchmark must contain: counts, and a hash of its content."""

    classes: Count
    train_images: Count
    train_tracks: Count
    test_images: Count
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Synthetic(Section):
    """The data set of synthetic signs."""

    tracks_per_class: Annotated[int, Field(ge=2)]
    frames_per_track: Count
    test_images_per_class: Count
    seed: Seed


class OwnData(Section):
    """The user's own images in data/own/."""

    test_fraction: Annotated[float, Field(gt=0, le=0.5)] | None = None
    seed: Seed


class Ingest(Section):
    source: Literal["gtsrb", "synthetic", "own"]
    gtsrb: Gtsrb
    synthetic: Synthetic
    own: OwnData
