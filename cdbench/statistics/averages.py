"""Mean, median and deviation that do not overflow: κ may be 1e308, and sums then overflow."""

import math
import statistics
from collections.abc import Iterable, Sequence


def mean(values: Iterable[float]) -> float:
    """Return the arithmetic mean, even if the sum is too large for a float."""
    found = list(values)
    try:
        return statistics.fmean(found)
    except OverflowError:
        return math.fsum(value / len(found) for value in found)


def median(values: Iterable[float]) -> float:
    """Return the median, even if the sum of the two middle values is too large for a float."""
    ordered = sorted(values)
    lower, upper = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    middle = (lower + upper) / 2
    return lower / 2 + upper / 2 if math.isinf(middle) else middle


def deviation(values: Sequence[float]) -> float:
    """Return the standard deviation with ddof 0; NaN if a value is infinite.

    Examples
    --------
    >>> deviation([1e308, 3e307])
    3.5e+307
    """
    if not all(map(math.isfinite, values)):
        return math.nan
    try:
        return statistics.pstdev(values)
    except OverflowError:
        largest = max(map(abs, values))
        return largest * statistics.pstdev([value / largest for value in values])
