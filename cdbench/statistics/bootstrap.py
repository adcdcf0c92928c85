"""Bootstrap intervals, number for number those of ``scipy.stats.bootstrap``.

Importing scipy.stats takes longer than a sweep of nine runs, whose comparison needs these.
"""

from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from cdbench.engine.products.base import Array


def interval(
    values: Array,
    function: Callable[..., Array],
    n_resamples: int,
    level: float,
    *,
    corrected: bool,
) -> tuple[float, float]:
    """Return the ends of a two-sided interval; NaN where a resample has no value.

    Parameters
    ----------
    values : (n, ...) float
        Resampled along the first axis.
    function : callable
        The statistic: takes an array and ``axis``.
    n_resamples : int
        How many; of the same seed always.
    level : float
        Its confidence, 0 to 1.
    corrected : bool
        Whether the percentiles are corrected for bias and skewness (BCa, Efron 1987).
    """
    n = len(values)
    chosen = np.random.default_rng(0).integers(0, n, (n_resamples, n))
    resampled = function(values[chosen], axis=1)
    tails = (1 - level) / 2, 1 - (1 - level) / 2
    if corrected:
        tails = _corrected(values, function, resampled, tails)
    if np.isnan(resampled).any() or np.isnan(tails).any():
        return np.nan, np.nan
    low, high = np.quantile(resampled, tails)
    return float(low), float(high)


def _corrected(
    values: Array, function: Callable[..., Array], resampled: Array, tails: tuple[float, float]
) -> tuple[float, float]:
    """Return the percentiles that stand for the tails where the statistic is biased and skewed."""
    n, normal = len(values), NormalDist()
    found = function(values, axis=0)
    below = float(np.mean(resampled < found) + np.mean(resampled <= found)) / 2
    if not 0 < below < 1:
        return np.nan, np.nan
    bias = normal.inv_cdf(below)
    others = np.stack([np.delete(values, i, axis=0) for i in range(n)])
    jackknife = function(others, axis=1)
    pull = (n - 1) * (jackknife.mean() - jackknife)
    skewness = float((pull**3).sum() / n**3 / ((pull**2).sum() / n**2) ** 1.5 / 6)

    def corrected(tail: float) -> float:
        z = bias + normal.inv_cdf(tail)
        return normal.cdf(bias + z / (1 - skewness * z))

    return corrected(tails[0]), corrected(tails[1])
