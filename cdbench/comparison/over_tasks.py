"""Families over several data sets: ranks, and how probably each is better than a dense network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cdbench.engine.products.base import Array
from cdbench.errors import ConfigurationError
from cdbench.records.comparison import NARROWER
from cdbench.statistics.improvement import paired_improvement
from cdbench.statistics.interquartile import interquartile_mean
from cdbench.statistics.measures import Measure
from cdbench.statistics.ranks import average_ranks, critical_difference, friedman
from cdbench.statistics.stratified_bootstrap import stratified_interval

FEWEST_TASKS, FEWEST_FAMILIES = 2, 3

Scores = Mapping[str, Sequence[float]]
"""What each family reached, seed by seed; families by the name that tells them apart."""


@dataclass(frozen=True)
class Standing:
    """How one family fares over the tasks.

    Attributes
    ----------
    family : str
        Its name; NARROWER for the dense network of its size.
    rank : float
        By its mean, averaged over the tasks; 1 is best everywhere.
    improvement, low, high : float or None
        Probability that it is better than the narrower dense network on a split of one of the
        tasks, with its 95 % interval, bootstrapped within the tasks; None for that network itself.
    score : float
        Interquartile mean of all that it reached.
    """

    family: str
    rank: float
    improvement: float | None
    low: float | None
    high: float | None
    score: float


@dataclass(frozen=True)
class OverTasks:
    """All families over all tasks.

    Attributes
    ----------
    tasks : tuple of str
        Their names.
    standings : tuple of Standing
        The best rank first.
    p : float
        Friedman's, of all families being equally good.
    critical_difference : float
        Nemenyi's: ranks that differ by less are not told apart, at 5 %.
    n_seeds : int
        Seeds of each task that every family has.
    """

    tasks: tuple[str, ...]
    standings: tuple[Standing, ...]
    p: float
    critical_difference: float
    n_seeds: int


def over_tasks(tasks: Mapping[str, Scores], measure: Measure) -> OverTasks:
    """Return how the families fare that all tasks, of one measure, have with every seed.

    Raises
    ------
    ConfigurationError
        If there are fewer than two tasks, or than three families common to them.
    """
    # A family that lost seeds by divergence would be ranked by those that were left.
    whole = {
        name: {
            family: reached
            for family, reached in scores.items()
            if len(reached) == max(map(len, scores.values()))
        }
        for name, scores in tasks.items()
    }
    common = [
        family
        for family in next(iter(whole.values()), {})
        if all(family in scores for scores in whole.values())
    ]
    if len(tasks) < FEWEST_TASKS or len(common) < FEWEST_FAMILIES or NARROWER not in common:
        raise ConfigurationError(
            f"{len(tasks)} comparisons have {len(common)} families in common; expected at least "
            f"{FEWEST_TASKS} comparisons and {FEWEST_FAMILIES} families with every seed, the "
            "narrower dense network among them"
        )
    n_seeds = min(len(scores[family]) for scores in tasks.values() for family in common)
    runs = {
        family: np.array([list(scores[family])[:n_seeds] for scores in tasks.values()])
        for family in common
    }
    means = measure.sign * np.stack([runs[family].mean(axis=1) for family in common], axis=1)
    ranks = dict(zip(common, average_ranks(means).tolist(), strict=True))
    _, p = friedman(means)
    standings = [_standing(family, ranks[family], runs, measure.sign) for family in common]
    return OverTasks(
        tuple(tasks),
        tuple(sorted(standings, key=lambda one: one.rank)),
        p,
        critical_difference(len(common), len(tasks)),
        n_seeds,
    )


def _standing(family: str, rank: float, runs: Mapping[str, Array], sign: int) -> Standing:
    score = float(interquartile_mean(runs[family]))
    if family == NARROWER:
        return Standing(family, rank, None, None, None, score)
    pairs = sign * np.stack([runs[family], runs[NARROWER]], axis=-1)

    def probability(resampled: Array) -> Array:
        return paired_improvement(resampled[..., 0], resampled[..., 1])

    low, high = stratified_interval(probability, pairs)
    return Standing(family, rank, float(probability(pairs)), low, high, score)
