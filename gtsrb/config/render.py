"""The schema of `render`, one section per set of synthetic training images; params.yaml gives units and ranges."""

from gtsrb.config.base import Count, Section, Seed


class SyntheticSet(Section):
    images: str
    tracks_per_class: Count
    frames_per_track: Count
    seed: Seed
