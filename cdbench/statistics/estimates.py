"""Statistics of observations, each with the query that derives it from the database by hand.

Intervals are 95 % bootstrap intervals (``scipy.stats.bootstrap``, 9,999 resamples, fixed seed):
BCa for means, percentile for medians, whose jackknife BCa cannot use.
"""

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from cdbench.engine.products.base import Array
from cdbench.records.judgement import BOOTSTRAP, LEVEL, QUARTILES, Measurement, Observation
from cdbench.statistics import bootstrap

RESAMPLES = 9_999
INTERVALS = (
    f"scipy.stats.bootstrap over the rows, {RESAMPLES:,} resamples, rng=default_rng(0); BCa for "
    "means, else percentile"
)
"""How the intervals are made, for readers."""


class Observations:
    """A claim's observations, found by quantity and subject.

    Parameters
    ----------
    claim : str
        The claim's name.
    observations : iterable of Observation
        Each (quantity, subject, place) once.

    Attributes
    ----------
    of_runs : set of str
        Quantities that come from runs, of which some may be derived from several.
    """

    def __init__(self, claim: str, observations: Iterable[Observation]) -> None:
        self.claim = claim
        self.all = tuple(observations)
        self._by_key: dict[tuple[str, str], dict[float, float]] = {}
        for found in self.all:
            self._by_key.setdefault((found.quantity, found.subject), {})[found.place] = found.value
        self.of_runs = {found.quantity for found in self.all if found.run_id is not None}

    def __iter__(self) -> Iterator[Observation]:
        """Iterate over all of them."""
        return iter(self.all)

    def values(self, quantity: str, subject: str) -> dict[float, float]:
        """Return the values by place, in the order of the places."""
        return dict(sorted(self._by_key[quantity, subject].items()))

    def subjects(self, quantity: str) -> list[str]:
        """Return the subjects of a quantity, in the order in which they came."""
        return [subject for found, subject in self._by_key if found == quantity]

    def where(self, quantity: str, subject: str) -> str:
        """Return the SQL condition that selects these observations."""
        return " AND ".join(
            f"{column} = {_quote(value)}"
            for column, value in (
                ("claim", self.claim),
                ("quantity", quantity),
                ("subject", subject),
            )
        )


def mean(data: Observations, quantity: str, subject: str) -> Measurement:
    """Return the mean with its bootstrap interval."""
    sql = f"SELECT avg(value) FROM observations WHERE {data.where(quantity, subject)}"
    values = np.array(list(data.values(quantity, subject).values()))
    return _measurement(quantity, subject, "mean", np.mean, values, sql)


def median(data: Observations, quantity: str, subject: str) -> Measurement:
    """Return the median with its quartiles, for heavy-tailed quantities."""
    values = np.array(list(data.values(quantity, subject).values()))
    # Values that were observed, so that an infinite one does not become NaN.
    low, high = np.quantile(values, [0.25, 0.75], method="inverted_cdf")
    rows = f"SELECT value AS x FROM observations WHERE {data.where(quantity, subject)}"
    middle = float(_median(values))
    return Measurement(
        quantity, subject, "median", middle, values.size, _median_of(rows),
        low=float(low), high=float(high), interval=QUARTILES,
    )  # fmt: skip


def largest(data: Observations, quantity: str, subject: str) -> Measurement:
    """Return the largest value."""
    return _extreme(data, quantity, subject, "max", max)


def smallest(data: Observations, quantity: str, subject: str) -> Measurement:
    """Return the smallest value."""
    return _extreme(data, quantity, subject, "min", min)


def mean_difference(data: Observations, quantity: str, subject: str, base: str) -> Measurement:
    """Return the mean of subject − base, paired place by place, with its bootstrap interval."""
    ours, theirs, pairs = _paired(data, quantity, subject, base)
    sql = f"SELECT avg(a.value - b.value) {pairs}"
    return _measurement(
        quantity, subject, "mean paired difference", np.mean, ours - theirs, sql, base
    )


def median_ratio(data: Observations, quantity: str, subject: str, base: str) -> Measurement:
    """Return the median of subject / base, paired place by place, with its bootstrap interval."""
    ours, theirs, pairs = _paired(data, quantity, subject, base)
    sql = _median_of(f"SELECT a.value / b.value AS x {pairs}")
    return _measurement(quantity, subject, "median paired ratio", _median, ours / theirs, sql, base)


def mean_ratio(data: Observations, quantity: str, subject: str, base: str) -> Measurement:
    """Return mean of subject / mean of base, as the paper forms its ratios, with its interval."""
    ours, theirs, pairs = _paired(data, quantity, subject, base)
    sql = f"SELECT avg(a.value) / avg(b.value) {pairs}"
    pair = np.stack([ours, theirs], axis=-1)

    def ratio(x: Array, axis: int = 0) -> Array:
        sums = x.mean(axis=axis)
        return np.asarray(sums[..., 0] / sums[..., 1])

    low, high = _interval(pair, ratio)
    return Measurement(
        quantity, subject, "ratio of means", float(ratio(pair)), len(pair), sql, base,
        low, high, BOOTSTRAP if low is not None else None,
    )  # fmt: skip


def deviation(data: Observations, quantity: str, subject: str) -> Measurement:
    """Return the standard deviation with ddof 0, as the paper prints it."""
    where = f"WHERE {data.where(quantity, subject)}"
    middle = f"(SELECT avg(value) AS m FROM observations {where}) AS middle"
    sql = f"SELECT sqrt(avg((value - m) * (value - m))) FROM observations, {middle} {where}"
    values = np.array(list(data.values(quantity, subject).values()))
    return Measurement(quantity, subject, "deviation", float(values.std()), values.size, sql)


def glass_delta(data: Observations, quantity: str, subject: str, base: str) -> Measurement:
    """Return Glass's Δ, mean of subject − base over base's deviation (ddof 1), with interval."""
    ours, theirs, pairs = _paired(data, quantity, subject, base)
    variance = "(avg(b.value * b.value) - avg(b.value) * avg(b.value)) * count(*) / (count(*) - 1)"
    sql = f"SELECT avg(a.value - b.value) / sqrt({variance}) {pairs}"

    def delta(pair: Array, axis: int = 0) -> Array:
        gap = (pair[..., 0] - pair[..., 1]).mean(axis=axis)
        with np.errstate(divide="ignore", invalid="ignore"):  # a resample may have no deviation
            return np.asarray(gap / pair[..., 1].std(axis=axis, ddof=1))

    pair = np.stack([ours, theirs], axis=-1)
    return _measurement(quantity, subject, "Glass's Δ", delta, pair, sql, base)


def _paired(data: Observations, quantity: str, subject: str, base: str) -> tuple[Array, Array, str]:
    """Return both subjects' values at the places that both have, and the SQL of the pairs."""
    ours, theirs = data.values(quantity, subject), data.values(quantity, base)
    places = [place for place in ours if place in theirs]
    sql = (
        "FROM observations AS a JOIN observations AS b USING (claim, quantity, place) "
        f"WHERE claim = {_quote(data.claim)} AND quantity = {_quote(quantity)} "
        f"AND a.subject = {_quote(subject)} AND b.subject = {_quote(base)}"
    )
    return np.array([ours[p] for p in places]), np.array([theirs[p] for p in places]), sql


def _extreme(
    data: Observations, quantity: str, subject: str, name: str, extreme: Callable[..., float]
) -> Measurement:
    values = data.values(quantity, subject).values()
    sql = f"SELECT {name}(value) FROM observations WHERE {data.where(quantity, subject)}"
    word = {"max": "largest", "min": "smallest"}[name]
    return Measurement(quantity, subject, word, extreme(values), len(values), sql)


def _measurement(
    quantity: str,
    subject: str,
    statistic: str,
    function: Callable[..., Array],
    values: Array,
    sql: str,
    baseline: str | None = None,
) -> Measurement:
    low, high = _interval(values, function)
    return Measurement(
        quantity, subject, statistic, float(function(values)), len(values), sql, baseline,
        low, high, BOOTSTRAP if low is not None else None,
    )  # fmt: skip


def _interval(values: Array, function: Callable[..., Array]) -> tuple[float | None, float | None]:
    """Return the bootstrap interval, or Nones where values are too few or not finite.

    ``values`` has one row a unit of resampling; what is one number to the whole has no spread.
    """
    if len(values) < 3 or not np.all(np.isfinite(values)):
        return None, None
    if np.all(values == values[0]):
        middle = float(function(values))
        return middle, middle
    # A resample may have no spread to divide by; its NaN then makes the interval a None.
    with np.errstate(all="ignore"):
        low, high = bootstrap.interval(
            values, function, RESAMPLES, LEVEL, corrected=function is np.mean
        )
    return (None, None) if math.isnan(low) or math.isnan(high) else (low, high)


def _median(values: Array, axis: int = 0) -> Array:
    """Return the median; of two infinite middle values infinity, not NaN."""
    ordered = np.sort(values, axis=axis)
    n = values.shape[axis]
    lower, upper = ordered.take((n - 1) // 2, axis), ordered.take(n // 2, axis)
    return np.asarray(np.where(lower == upper, lower, lower / 2 + upper / 2))


def _median_of(rows: str) -> str:
    return (
        "SELECT avg(x) FROM (SELECT x, row_number() OVER (ORDER BY x) AS i, count(*) OVER () AS n "
        f"FROM ({rows}) AS found) AS ranked WHERE 2 * i IN (n, n + 1, n + 2)"
    )


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
