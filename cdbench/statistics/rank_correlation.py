"""Spearman's rank correlation of two subjects over the places, with its query and interval."""

import math

import numpy as np

from cdbench.engine.products.base import Array
from cdbench.records.judgement import BOOTSTRAP, LEVEL, Measurement
from cdbench.statistics import bootstrap
from cdbench.statistics.estimates import RESAMPLES, Observations

STATISTIC = "Spearman correlation"

FOLLOWS = 0.7
"""Above it one subject's ranks share about half of their variance, 0.7², with the other's."""


def rank_correlation(data: Observations, quantity: str, subject: str, base: str) -> Measurement:
    """Return Spearman's correlation of subject with base; 0 if either has no spread.

    The interval is the percentile interval of a bootstrap over the places, ranked anew each time.

    Raises
    ------
    ValueError
        If the two have not the same places.
    """
    ours, theirs = data.values(quantity, subject), data.values(quantity, base)
    if list(ours) != list(theirs):
        raise ValueError(f"{quantity}: {subject} and {base} have not the same places")
    pairs = np.array([list(ours.values()), list(theirs.values())]).T
    low, high = bootstrap.interval(pairs, _correlation, RESAMPLES, LEVEL, corrected=False)
    unknown = len(pairs) < 3 or math.isnan(low)
    return Measurement(
        quantity, subject, STATISTIC, float(_correlation(pairs)), len(pairs),
        _sql(data.where(quantity, subject), data.where(quantity, base)), base,
        None if unknown else low, None if unknown else high, None if unknown else BOOTSTRAP,
    )  # fmt: skip


def _correlation(pairs: Array, axis: int = 0) -> Array:
    """Return the correlation of pairs (..., n, 2) along the axis of n."""
    x, y = (_ranks(np.moveaxis(pairs, axis, -1)[..., one, :]) for one in (0, 1))
    both = (x**2).mean(-1) - x.mean(-1) ** 2, (y**2).mean(-1) - y.mean(-1) ** 2
    spread = np.sqrt(both[0] * both[1])
    together = (x * y).mean(-1) - x.mean(-1) * y.mean(-1)
    return np.asarray(np.where(spread > 0, together / np.where(spread > 0, spread, 1), 0))


def _ranks(x: Array) -> Array:
    """Return ranks from 1 along the last axis, equal numbers sharing their mean rank."""
    below = np.count_nonzero(x[..., :, None] > x[..., None, :], axis=-1)
    equal = np.count_nonzero(x[..., :, None] == x[..., None, :], axis=-1)
    return np.asarray(below + (equal + 1) / 2)


def _sql(ours: str, theirs: str) -> str:
    ranks = (
        "SELECT place, CAST(rank() OVER (ORDER BY value) AS double precision) + "
        "(count(*) OVER (PARTITION BY value) - 1) / 2.0 AS r FROM observations WHERE"
    )
    spread = "sqrt((avg(a.r * a.r) - avg(a.r) * avg(a.r)) * (avg(b.r * b.r) - avg(b.r) * avg(b.r)))"
    return (
        f"SELECT coalesce((avg(a.r * b.r) - avg(a.r) * avg(b.r)) / nullif({spread}, 0), 0) "
        f"FROM ({ranks} {ours}) AS a JOIN ({ranks} {theirs}) AS b USING (place)"
    )
