"""Models ranked on several tasks: whether any differ, and by how much two must, to be told apart.

Demšar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7 (2006).
"""

import math

import numpy as np

from cdbench.engine.products.base import Array
from cdbench.records.judgement import LEVEL


def average_ranks(scores: Array) -> Array:
    """Return each model's rank averaged over the tasks.

    Parameters
    ----------
    scores : (n_tasks, n_models) float
        More is better; only their order within a task counts.

    Returns
    -------
    (n_models,) float
        1 is best everywhere; equal scores share their mean rank.

    Examples
    --------
    >>> average_ranks(np.array([[0.9, 0.8, 0.8], [0.7, 0.9, 0.5]]))
    array([1.5 , 1.75, 2.75])
    """
    from scipy.stats import rankdata  # here, because every sweep imports this room

    return np.asarray(rankdata(-scores, axis=1).mean(axis=0))


def friedman(scores: Array) -> tuple[float, float]:
    """Return Friedman's χ², corrected for ties, and its p: of all models being equally good.

    Parameters
    ----------
    scores : (n_tasks, n_models) float
        Of three models or more; only their order within a task counts.

    Raises
    ------
    ValueError
        If there are fewer than three models.

    Notes
    -----
    p is that of the χ² law of n_models − 1 degrees of freedom, which is only good for many tasks:
    more than ten, with more than five models (Demšar 2006, Sec. 3.2.2).
    """
    from scipy.stats import friedmanchisquare  # here, because every sweep imports this room

    if scores.shape[1] < 3:
        raise ValueError(f"got {scores.shape[1]} models, expected at least 3, or a paired test")
    if all(len(set(task)) == 1 for task in scores.tolist()):
        return 0.0, 1.0  # all tied, where the correction for ties is 0 / 0
    found = friedmanchisquare(*scores.T)
    return float(found.statistic), float(found.pvalue)


def critical_difference(n_models: int, n_tasks: int, level: float = LEVEL) -> float:
    """Return Nemenyi's: by how much two average ranks differ at least, if the models do.

    Parameters
    ----------
    n_models : int
        All that are compared, two or more.
    n_tasks : int
        Over which the ranks are averaged.
    level : float
        One less the probability that any two equal models are told apart.

    Notes
    -----
    q sqrt(n_models (n_models + 1) / (6 n_tasks)), where q is the quantile of the studentised range
    of n_models with infinitely many degrees of freedom, over sqrt(2).

    Examples
    --------
    >>> round(critical_difference(n_models=4, n_tasks=14), 2)
    1.25
    """
    from scipy.stats import studentized_range  # here, because every sweep imports this room

    q = float(studentized_range.ppf(level, n_models, math.inf)) / math.sqrt(2)
    return q * math.sqrt(n_models * (n_models + 1) / (6 * n_tasks))
