"""Scores of any runs after their last epoch, by model, with the intervals of their means."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cdbench.errors import ConfigurationError, MissingResultsError
from cdbench.plots.base import PlottedRun
from cdbench.plots.traces import Trace, traces
from cdbench.records.run import EpochMetrics
from cdbench.statistics.averages import mean
from cdbench.statistics.bootstrap import interval
from cdbench.statistics.measures import BITS_PER_CHARACTER, OF_TASK, Measure

RESAMPLES, LEVEL, FEWEST = 2_000, 0.95, 3
"""Of a bootstrap interval: for a picture, so many are enough; of fewer seeds there is none."""


@dataclass(frozen=True)
class Scores:
    """The scores of one model.

    Attributes
    ----------
    trace : Trace
        Its runs and its name.
    values : tuple of float
        One a seed: accuracies from 0 to 1, R², or bits per character.
    interval : (float, float) or None
        95 % bootstrap interval of the mean (BCa), of three seeds or more.
    """

    trace: Trace
    values: tuple[float, ...]
    interval: tuple[float, float] | None

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return mean(self.values)

    @property
    def n_parameters(self) -> int:
        """Weights and biases."""
        return self.trace.runs[0].n_parameters


def scores_of(runs: Sequence[PlottedRun]) -> tuple[list[Scores], str, Measure]:
    """Return the scores by model, what the models have in common, and the measure.

    Raises
    ------
    MissingResultsError
        If a run has no epoch.
    ConfigurationError
        If they learn different tasks or data.
    """
    for run in runs:
        if not run.epochs:
            raise MissingResultsError(f"run {run.run_id} has no score: no epoch of it was kept")
    for what, found in (
        ("tasks", {r.task for r in runs}),
        ("data sets", {r.dataset for r in runs}),
    ):
        if len(found) > 1:
            names = ", ".join(sorted(found)[:3]) + ", …" * (len(found) > 3)
            raise ConfigurationError(
                f"the runs are of {len(found)} {what} ({names}), whose scores cannot be compared; "
                "expected one, as in --where 'dataset = digits'"
            )
    measure = OF_TASK[runs[0].task] if runs else OF_TASK["classification"]
    drawn, common = traces(runs, many=1, most=None)
    return [_scores(trace, measure) for trace in drawn], common, measure


def score(metrics: EpochMetrics, measure: Measure) -> float:
    """Return the score of an epoch: accuracy from 0 to 1, R², or bits per character."""
    if measure is BITS_PER_CHARACTER:
        return metrics.test_loss / math.log(2)
    return metrics.score


def _scores(trace: Trace, measure: Measure) -> Scores:
    values = tuple(score(run.epochs[-1], measure) for run in trace.runs)
    if len(values) < FEWEST or not all(map(math.isfinite, values)):
        return Scores(trace, values, None)
    if len(set(values)) == 1:
        return Scores(trace, values, (values[0], values[0]))
    low, high = interval(np.array(values), np.mean, RESAMPLES, LEVEL, corrected=True)
    return Scores(trace, values, None if math.isnan(low) else (low, high))
