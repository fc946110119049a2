"""The schema of `export`; params.yaml gives units and ranges."""

from gtsrb.config.base import Section


class Export(Section):
    threshold_from: str
