"""The schema of `export`; params.yaml gives units and ranges."""

from gtsrb.config.base import Count, Section


class Export(Section):
    thresholds_from: dict[str, str]
    crops: Count
