"""Intervals of a statistic over several tasks, whose runs are resampled task by task."""

from collections.abc import Callable

import numpy as np

from cdbench.engine.products.base import Array
from cdbench.records.judgement import LEVEL
from cdbench.statistics.estimates import RESAMPLES


def stratified_interval(
    statistic: Callable[[Array], Array],
    sample: Array,
    *,
    n_resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> tuple[float, float]:
    """Return the percentile interval of a bootstrap that is stratified by tasks.

    It is of new runs of these tasks, and of no others: every resample has every task, with as many
    runs as it has.

    Parameters
    ----------
    statistic : callable
        From resamples, (n_resamples, n_tasks, n_runs, ...), to (n_resamples,).
    sample : (n_tasks, n_runs, ...) float
        What is paired run by run lies along a further axis.
    n_resamples : int
        How many; of the same seed always.
    level : float
        Its confidence, 0 to 1.

    Notes
    -----
    Agarwal et al., "Deep reinforcement learning at the edge of the statistical precipice",
    NeurIPS 2021, Sec. 4.1.

    Examples
    --------
    >>> scores = np.array([[0.90, 0.91, 0.92, 0.93], [0.5, 0.5, 0.5, 0.5]])
    >>> low, high = stratified_interval(lambda x: x.mean(axis=(1, 2)), scores)
    >>> round(low, 4), round(high, 4)
    (0.7025, 0.7125)
    """
    n_tasks, n_runs = sample.shape[:2]
    chosen = np.random.default_rng(0).integers(0, n_runs, (n_resamples, n_tasks, n_runs))
    resampled = sample[np.arange(n_tasks)[:, None], chosen]
    low, high = np.quantile(statistic(resampled), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
