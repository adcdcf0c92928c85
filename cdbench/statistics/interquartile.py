"""The interquartile mean: what is typical over runs and tasks, whatever a few of them do."""

import numpy as np

from cdbench.engine.products.base import Array


def interquartile_mean(scores: Array) -> Array:
    """Return the mean of the middle half of all runs of all tasks.

    Parameters
    ----------
    scores : (..., n_tasks, n_runs) float
        On one scale for all tasks.

    Returns
    -------
    (...) float
        Without the lowest and highest quarter, each rounded down to whole runs.

    Notes
    -----
    Agarwal et al., "Deep reinforcement learning at the edge of the statistical precipice",
    NeurIPS 2021, Sec. 4.3.

    Examples
    --------
    >>> float(interquartile_mean(np.array([[1.0, 2.0, 3.0, 100.0], [4.0, 5.0, 6.0, -100.0]])))
    3.5
    """
    from scipy.stats import trim_mean  # here, because every sweep imports this room

    together = scores.reshape(*scores.shape[:-2], -1)
    return np.asarray(trim_mean(together, proportiontocut=0.25, axis=-1))
