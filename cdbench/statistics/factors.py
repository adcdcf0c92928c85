"""Whether a ratio is 1 up to a factor, and how its interval answers that."""

from cdbench.records.judgement import Measurement
from cdbench.statistics.wording import ends


def within(ratio: Measurement, factor: float) -> bool:
    """Whether the whole interval lies within 1 / factor to factor."""
    low, high = ends(ratio)
    return 1 / factor <= low and high <= factor


def beyond(ratio: Measurement, factor: float) -> bool:
    """Whether the whole interval lies outside 1 / factor to factor, on one side."""
    low, high = ends(ratio)
    return low > factor or high < 1 / factor
