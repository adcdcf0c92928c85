"""How small a mean difference an experiment can find, before it is made."""

import math

from cdbench.records.judgement import LEVEL

POWER = 0.8
"""With which the smallest effect is found."""


def smallest_effect(n: int) -> float:
    """Return the mean difference that n pairs find with a power of 80 %, by a t-test at 5 %.

    Parameters
    ----------
    n : int
        Seeds, each of which gives one difference; at least 2.

    Returns
    -------
    float
        In standard deviations of a difference: (t_0.975 + t_0.8) / sqrt(n), with n - 1 degrees
        of freedom.

    Examples
    --------
    >>> round(smallest_effect(10), 2)
    0.99
    """
    from scipy.stats import t  # here, because every sweep imports this room

    quantiles = t.ppf([(1 + LEVEL) / 2, POWER], n - 1)
    return float(quantiles.sum()) / math.sqrt(n)


def deviation_of(low: float, high: float, n: int) -> float:
    """Return the standard deviation of n differences from the ends of their 95 % t-interval.

    Examples
    --------
    >>> round(deviation_of(-1.59, 1.59, 4), 2)
    1.0
    """
    from scipy.stats import t  # here, because every sweep imports this room

    return (high - low) / 2 * math.sqrt(n) / float(t.ppf((1 + LEVEL) / 2, n - 1))
