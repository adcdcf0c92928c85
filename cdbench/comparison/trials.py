"""The learning rate of each model's own: the same grid for all, extended where its end is best."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import fmean

from cdbench.comparison.plan import Plan
from cdbench.comparison.sizes import Candidate, largest_matrix
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.records.comparison import MOST_WEIGHTS

MOST_EXTENSIONS = 3
"""How often a grid is extended at most, at one end or the other."""

OF_TRIALS = Diagnostics(spectra=False, values=False, history=False)
OF_REPORTED = OF_TRIALS
OF_FIRST = Diagnostics(values=False, kinds=("weight", "layer_hessian"), history=False)
OF_FIRST_LARGE = Diagnostics(values=False, kinds=("weight",), history=False)
"""What is measured of runs that choose a rate, of those that are reported, and of the first of
these: the exact Hessian of a factored layer takes longer than a training on the digits."""

N_FIRST = 1
"""So many seeds tell the condition numbers."""


@dataclass(frozen=True)
class Score:
    """What one trial gave on the samples for validation.

    Attributes
    ----------
    merit : float
        What rates are chosen by, of which more is better: accuracy, 0 to 1, or the loss with a
        minus sign.
    loss : float
        In nats, or of a regression in the target's unit squared.
    """

    merit: float
    loss: float


Scores = Mapping[RunConfig, Score | None]
"""By trial; None for one that ended without completing, such as by divergence."""


@dataclass(frozen=True)
class Tuned:
    """The rates that were tried for a model, and what came of it.

    Attributes
    ----------
    rate : float or None
        The best; None if no trial of any rate completed.
    usable : tuple of float
        Lowest and highest rate about the best that are nearly as good (``Measure.usable``); empty
        without a best.
    merits : mapping of float to (float or None)
        Mean merit of the trials by rate; None where one did not complete.
    is_at_edge : bool
        Whether the best is the lowest or highest that was tried.
    """

    rate: float | None
    usable: tuple[float, ...]
    merits: Mapping[float, float | None]
    is_at_edge: bool


def trials(plan: Plan, candidate: Candidate, rates: Iterable[float]) -> dict[RunConfig, float]:
    """Return the runs that try these rates for a model, each with its rate."""
    return {
        replace(candidate.config, learning_rate=rate, validation=plan.validation, seed=seed): rate
        for rate in rates
        for seed in plan.tuning_seeds
    }


def reported(plan: Plan, candidate: Candidate, rate: float) -> dict[RunConfig, Diagnostics]:
    """Return a model's runs with its own rate, on the whole training split."""
    tuned = replace(candidate.config, learning_rate=rate)
    first = OF_FIRST if largest_matrix(plan) <= MOST_WEIGHTS else OF_FIRST_LARGE
    return {
        tuned.with_seed(seed): first if place < N_FIRST else OF_REPORTED
        for place, seed in enumerate(plan.seeds)
    }


def search(plan: Plan, candidate: Candidate, scores: Scores) -> tuple[list[RunConfig], Tuned]:
    """Return the trials that are still to be made, and what those made so far tell.

    The grid first; then one rate more at a time while the best is at an end. What was tried is
    found by walking again: the same scores always give the same rates, so that a comparison that
    was interrupted goes on where it was.
    """
    rates = list(plan.rates)
    while True:
        missing = [one for one in trials(plan, candidate, rates) if one not in scores]
        found = tuned(plan, candidate, rates, scores)
        enough = len(rates) == len(plan.rates) + MOST_EXTENSIONS
        if missing or not found.is_at_edge or enough:
            return missing, found
        if found.rate == rates[-1]:
            rates.append(rates[-1] * plan.factor)
        else:  # of none that trains, all may have been too high
            rates.insert(0, rates[0] / plan.factor)


def tuned(plan: Plan, candidate: Candidate, rates: Iterable[float], scores: Scores) -> Tuned:
    """Return what the trials of these rates tell: the highest mean merit, then the lowest loss.

    A rate of which a trial did not complete, or was not made yet, is no choice.
    """
    ordered = sorted(rates)
    means: dict[float, Score | None] = {}
    for rate in ordered:
        found = [scores.get(one) for one in trials(plan, candidate, [rate])]
        complete = [score for score in found if score is not None]
        means[rate] = None
        if len(complete) == len(found):
            means[rate] = Score(
                fmean(one.merit for one in complete), fmean(one.loss for one in complete)
            )
    merits = {rate: None if own is None else own.merit for rate, own in means.items()}
    able = [(own.merit, -own.loss, rate) for rate, own in means.items() if own is not None]
    if not able:
        return Tuned(None, (), merits, is_at_edge=True)
    merit, _, best = max(able)
    usable = _usable(ordered, best, merits, plan.measure.usable_from(merit))
    return Tuned(best, usable, merits, best in (ordered[0], ordered[-1]))


def _usable(
    ordered: list[float], best: float, merits: Mapping[float, float | None], level: float
) -> tuple[float, float]:
    """Return the ends of the unbroken stretch of usable rates about the best."""

    def end(rates: Iterable[float]) -> float:
        last = best
        for rate in rates:
            own = merits[rate]
            if own is None or own < level:
                break
            last = rate
        return last

    place = ordered.index(best)
    return end(reversed(ordered[:place])), end(ordered[place:])
