"""95 % confidence intervals: Wilson's for a share, and the bootstrap over tracks."""

from collections.abc import Iterable

import numpy as np
from scipy.stats import binomtest, bootstrap


def track_bootstrap(values: np.ndarray) -> tuple[float, float]:
    """(tracks,) values, at least two -> 95 % interval of their sum, by the percentile bootstrap over tracks (Efron 1979)."""
    result = bootstrap((values.astype(np.float64),), np.sum, n_resamples=10_000, batch=1000, method="percentile", rng=0)
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def wilson_interval(right: Iterable[int], images: Iterable[int]) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of right predictions and of images -> low and high ends of Wilson's (1927) 95 % intervals; NaN without images."""
    ends = [
        binomtest(int(k), int(n)).proportion_ci(0.95, method="wilson") if n else (np.nan, np.nan)
        for k, n in zip(right, images, strict=True)
    ]
    low, high = np.array(ends, np.float64).reshape(-1, 2).T
    return low, high
