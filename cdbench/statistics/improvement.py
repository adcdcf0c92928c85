"""How probably one model is better than another, on a task drawn from several."""

import numpy as np

from cdbench.engine.products.base import Array


def improvement(ours: Array, theirs: Array) -> Array:
    """Return P(ours > theirs) + P(ours = theirs) / 2 of independent runs, averaged over the tasks.

    Of one task it is Mann and Whitney's U over the number of its pairs.

    Parameters
    ----------
    ours : (..., n_tasks, n) float
        Scores, more being better; in any unit, which may differ from task to task.
    theirs : (..., n_tasks, m) float
        The other's, of as many tasks.

    Returns
    -------
    (...) float
        0 to 1; one half where neither is better.

    Notes
    -----
    Agarwal et al., "Deep reinforcement learning at the edge of the statistical precipice",
    NeurIPS 2021, Eq. (2).

    Examples
    --------
    >>> float(improvement(np.array([[2.0, 3.0], [1.0, 1.0]]), np.array([[1.0, 2.0], [1.0, 1.0]])))
    0.6875
    """
    from scipy.stats import rankdata  # here, because every sweep imports this room

    n, m = ours.shape[-1], theirs.shape[-1]
    ranks = rankdata(np.concatenate([ours, theirs], axis=-1), axis=-1)[..., :n]
    won = (ranks.sum(axis=-1) - n * (n + 1) / 2) / (n * m)
    return np.asarray(won.mean(axis=-1))


def paired_improvement(ours: Array, theirs: Array) -> Array:
    """Return the same of paired runs: of each pair, which share a split, which is better.

    Parameters
    ----------
    ours, theirs : (..., n_tasks, n) float
        Scores, more being better, seed by seed.

    Returns
    -------
    (...) float
        0 to 1; one half where neither is better.

    Examples
    --------
    >>> float(paired_improvement(np.array([[2.0, 3.0]]), np.array([[1.0, 3.0]])))
    0.75
    """
    won = (ours > theirs) + (ours == theirs) / 2
    return np.asarray(won.mean(axis=(-2, -1)))
