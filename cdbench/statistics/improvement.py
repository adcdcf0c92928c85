"""How probably one model is better than another, on a task drawn from several."""

import numpy as np

from cdbench.engine.products.base import Array


def paired_improvement(ours: Array, theirs: Array) -> Array:
    """Return P(ours > theirs) + P(ours = theirs) / 2 of pairs of runs, averaged over the tasks.

    Runs of a pair share a split, so a split that is hard for both hides nothing.

    Parameters
    ----------
    ours, theirs : (..., n_tasks, n) float
        Scores, more being better, seed by seed.

    Returns
    -------
    (...) float
        0 to 1; one half where neither is better.

    Notes
    -----
    After Eq. (2), of independent runs, in Agarwal et al., "Deep reinforcement learning at the edge
    of the statistical precipice", NeurIPS 2021.

    Examples
    --------
    >>> float(paired_improvement(np.array([[2.0, 3.0]]), np.array([[1.0, 3.0]])))
    0.75
    """
    won = (ours > theirs) + (ours == theirs) / 2
    return np.asarray(won.mean(axis=(-2, -1)))
