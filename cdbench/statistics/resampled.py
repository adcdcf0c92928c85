"""A mean difference over splits of one data set, for new data of its kind: Nadeau and Bengio's t.

Splits of the same samples share most of their training samples, so the mean over n splits varies
more from data set to data set than s² / n says.
"""

import math
from dataclasses import dataclass

import numpy as np

from cdbench.engine.products.base import Array
from cdbench.records.judgement import LEVEL


@dataclass(frozen=True)
class ResampledT:
    """A mean difference, the ends of its interval, and the two-sided p against no difference."""

    mean: float
    low: float
    high: float
    p: float


def widening(n: int, overlap: float) -> float:
    """Return by how much wider an interval over n splits is for new data: sqrt(1 + n overlap).

    Examples
    --------
    >>> round(widening(30, 1 / 4), 2)
    2.92
    """
    return math.sqrt(1 + n * overlap)


def resampled_t(differences: Array, overlap: float, level: float = LEVEL) -> ResampledT:
    """Return the corrected resampled t-test and interval (Nadeau and Bengio 2003).

    The variance of the mean of n differences is s² (1/n + n_test / n_train), with t's quantiles of
    n − 1 degrees of freedom. The correction is a heuristic: it takes the correlation of two splits
    to be the share of the test samples.

    Parameters
    ----------
    differences : (n,) float
        One of each split, subject less baseline, in any unit.
    overlap : float
        n_test / n_train; ``estimands.OVERLAP`` for this project's splits. 0 gives the plain t-test.
    level : float
        Confidence of the interval, 0 to 1.

    Returns
    -------
    ResampledT
        In the unit of the differences. Without any spread the interval is a point, and p 0 or 1.

    Raises
    ------
    ValueError
        If there are fewer than two differences, or one is not finite.

    Notes
    -----
    Nadeau and Bengio, "Inference for the generalization error", Machine Learning 52 (2003).

    Examples
    --------
    >>> found = resampled_t(np.array([0.01, 0.02, 0.03, 0.02]), overlap=1 / 4)
    >>> round(found.low, 4), round(found.high, 4), round(found.p, 4)
    (0.0016, 0.0384, 0.0405)
    """
    n = len(differences)
    if n < 2 or not np.isfinite(differences).all():
        raise ValueError(f"got {n} differences, expected at least 2, all of them finite")
    from scipy.stats import t  # here, because every sweep imports this room

    mean = float(np.mean(differences))
    error = float(np.std(differences, ddof=1)) / math.sqrt(n) * widening(n, overlap)
    if error == 0:
        return ResampledT(mean, mean, mean, float(mean == 0))
    half = error * float(t.ppf((1 + level) / 2, n - 1))
    p = 2 * float(t.sf(abs(mean) / error, n - 1))
    return ResampledT(mean, mean - half, mean + half, p)
