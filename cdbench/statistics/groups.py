"""What is said of a group of numbers: mean, deviation, median, quartiles; and of pairs of groups.

Pairs are formed by the caller. Where a seed has several, as from several configurations, their
differences are averaged first: pairs of one seed share a split, so it is seeds that are resampled.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdbench.records.judgement import Measurement, Observation
from cdbench.statistics.averages import deviation, mean, median

if TYPE_CHECKING:
    from cdbench.statistics.estimates import Observations

MOST_SEEDS = 1000
"""With more, a difference has no interval: a bootstrap takes 240 kB of memory per seed, or more."""


@dataclass(frozen=True)
class Summary:
    """A group's numbers: how many, their mean with deviation (ddof 0), median and quartiles."""

    n: int
    mean: float
    deviation: float
    median: float
    lower: float
    upper: float


def summary(values: Sequence[float]) -> Summary:
    """Return the summary of at least one number; infinite ones are counted like others.

    Quartiles are numbers that were observed, as in ``estimates.median``.

    Examples
    --------
    >>> summary([1.0, 2.0, 3.0, 6.0])
    Summary(n=4, mean=3.0, deviation=1.8708286933869707, median=2.5, lower=1.0, upper=3.0)
    """
    ordered = sorted(values)
    low, high = (ordered[max(math.ceil(share * len(ordered)) - 1, 0)] for share in (0.25, 0.75))
    middle = median(ordered)
    return Summary(len(ordered), mean(values), deviation(values), middle, low, high)


def paired(pairs: Iterable[tuple[int, float, float]], *, ratio: bool) -> Measurement | None:
    """Return a group beside its baseline: own less baseline, or the median of baseline / own.

    Parameters
    ----------
    pairs : iterable of (seed, own, baseline)
        One for each two runs that differ in nothing else.
    ratio : bool
        Whether numbers are compared by ratios, as condition numbers are.

    Returns
    -------
    Measurement or None
        Its n is the number of seeds; None if there is no pair.
    """
    from cdbench.statistics.estimands import SPLITS, placed
    from cdbench.statistics.estimates import Observations, mean_difference, median_ratio

    by_seed: dict[int, list[tuple[float, float]]] = {}
    for seed, own, base in pairs:
        by_seed.setdefault(seed, []).append((own, base))
    if not by_seed:
        return None
    data = Observations(
        "",
        [
            Observation("value", subject, seed, value)
            for seed, found in by_seed.items()
            for subject, value in zip(("own", "baseline"), _of_seed(found, ratio), strict=True)
        ],
    )
    if len(by_seed) > MOST_SEEDS:
        return _without_interval(data, ratio)
    if ratio:
        return placed(median_ratio(data, "value", "baseline", "own"), data, SPLITS)
    return placed(mean_difference(data, "value", "own", "baseline"), data, SPLITS)


def _of_seed(found: Sequence[tuple[float, float]], ratio: bool) -> tuple[float, float]:
    """Return one pair that stands for those of a seed."""
    if len(found) == 1:
        return found[0]
    if ratio:
        return 1.0, median(base / own for own, base in found)
    return mean([own for own, _ in found]), mean([base for _, base in found])


def _without_interval(data: "Observations", ratio: bool) -> Measurement:
    own, base = (list(data.values("value", one).values()) for one in ("own", "baseline"))
    pairs = list(zip(own, base, strict=True))
    estimate = median(b / a for a, b in pairs) if ratio else mean(a - b for a, b in pairs)
    return Measurement("value", "own", "", estimate, len(own), "", "baseline")
