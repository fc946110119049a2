"""The schema of `render`, one section per set of synthetic training images; params.yaml gives units and ranges."""

from pydantic import NonNegativeInt, model_validator

from gtsrb.config.base import Count, Section, Seed


class SyntheticSet(Section):
    images: str
    tracks_per_class: NonNegativeInt
    without_sign: NonNegativeInt
    frames_per_track: Count
    seed: Seed

    @model_validator(mode="after")
    def is_not_empty(self) -> "SyntheticSet":
        if not self.tracks_per_class and not self.without_sign:
            raise ValueError("tracks_per_class and without_sign are both 0; set one of them, since a set has at least an image")
        return self
