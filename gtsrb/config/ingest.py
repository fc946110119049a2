"""The section `ingest` of params.yaml. Units and ranges stand there."""

from typing import Annotated, Literal

from pydantic import Field

from gtsrb.config.base import Count, Section, Seed


class Gtsrb(Section):
    """What the real data set must be."""

    classes: Count
    train_images: Count
    train_tracks: Count
    test_images: Count
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Synthetic(Section):
    """The data set that the project draws itself."""

    tracks_per_class: Annotated[int, Field(ge=2)]
    frames_per_track: Count
    test_images_per_class: Count
    seed: Seed


class Folder(Section):
    """A data set of one's own."""

    test_fraction: Annotated[float, Field(gt=0, le=0.5)] | None = None
    seed: Seed


class Ingest(Section):
    source: Literal["gtsrb", "synthetic", "folder"]
    gtsrb: Gtsrb
    synthetic: Synthetic
    folder: Folder
