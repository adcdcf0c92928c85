"""From stored runs to the lines of a comparison: means, intervals, paired differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from cdbench.comparison.sizes import Candidate
from cdbench.comparison.trials import Tuned
from cdbench.comparison.words import widths_of
from cdbench.records.comparison import DENSE, NARROWER, ComparedModel, Difference
from cdbench.statistics.averages import mean, median
from cdbench.statistics.holm import holm
from cdbench.statistics.improvement import paired_improvement
from cdbench.statistics.measures import Measure
from cdbench.statistics.resampled import ResampledT, resampled_t
from cdbench.store.comparison_queries import ReportedRun


@dataclass(frozen=True)
class Competitor:
    """A candidate with all that was found about it.

    Attributes
    ----------
    candidate : Candidate
        The model.
    tuned : Tuned
        Its rates.
    n_trials : int
        How many runs chose the rate.
    runs : mapping of int to ReportedRun
        The completed runs, by seed.
    prediction_us : float or None
        Microseconds to predict a sample.
    """

    candidate: Candidate
    tuned: Tuned
    n_trials: int
    runs: Mapping[int, ReportedRun]
    prediction_us: float | None


def lines(
    competitors: Sequence[Competitor], overlap: float | None, measure: Measure
) -> list[ComparedModel]:
    """Return the lines of a comparison, budget by budget, the best first.

    Parameters
    ----------
    competitors : sequence of Competitor
        The dense network of full width is the first.
    overlap : float or None
        n_test / n_train of the seeds' splits; None if all have the data set's own test split.
    measure : Measure
        What makes a model the best.
    """
    whole = competitors[0]
    assert whole.candidate.role == DENSE
    found = [_line(whole, overlap, measure)]
    for budget in dict.fromkeys(one.candidate.budget for one in competitors[1:]):
        own = [one for one in competitors[1:] if one.candidate.budget == budget]
        narrower = next(one for one in own if one.candidate.role == NARROWER)
        differences: dict[int, list[Difference]] = {}
        for against, base in ((DENSE, whole), (NARROWER, narrower)):
            others = {i: one for i, one in enumerate(own) if one is not base}
            for i, difference in _differences(others, base, against, overlap, measure).items():
                differences.setdefault(i, []).append(difference)
        of_budget = [
            replace(_line(one, overlap, measure), differences=tuple(differences.get(i, ())))
            for i, one in enumerate(own)
        ]
        found += sorted(
            of_budget, key=lambda line: inf if line.score is None else -measure.merit(line.score)
        )
    return found


def _line(one: Competitor, overlap: float | None, measure: Measure) -> ComparedModel:
    config, tuned, runs = one.candidate.config, one.tuned, list(one.runs.values())
    low, high = tuned.usable or (None, None)
    line = ComparedModel(
        budget=one.candidate.budget,
        role=one.candidate.role,
        model=config.model,
        layer=config.layer,
        structure=config.structure,
        B=config.B,
        hidden=widths_of(config),
        n_parameters=one.candidate.n_parameters,
        multiply_adds=one.candidate.multiply_adds,
        learning_rate=tuned.rate,
        usable_low=low,
        usable_high=high,
        is_at_edge=tuned.is_at_edge,
        n_trials=one.n_trials,
        n_seeds=len(runs),
    )
    if len(runs) < 2:
        return line
    scores = np.array([measure.of(run) for run in runs])
    plain = resampled_t(scores, 0.0)
    wide = None if overlap is None else resampled_t(scores, overlap)
    of_weights = [run.weight_kappa for run in runs if run.weight_kappa is not None]
    of_hessians = [run.hessian_kappa for run in runs if run.hessian_kappa is not None]
    return replace(
        line,
        score=plain.mean,
        low=plain.low,
        high=plain.high,
        wide_low=None if wide is None else wide.low,
        wide_high=None if wide is None else wide.high,
        seconds_per_epoch=mean(run.seconds_per_epoch for run in runs),
        prediction_us=one.prediction_us,
        weight_kappa=median(of_weights) if of_weights else None,
        hessian_kappa=median(of_hessians) if of_hessians else None,
    )


def _p(found: ResampledT) -> float:
    """Return its p; 1 where all differences are equal, which tells nothing about their spread."""
    return 1.0 if found.low == found.high else found.p


def _differences(
    others: Mapping[int, Competitor],
    base: Competitor,
    against: str,
    overlap: float | None,
    measure: Measure,
) -> dict[int, Difference]:
    """Return each model's difference to the base over common seeds, by its place."""
    plain, wide, improved = {}, {}, {}
    for i, one in others.items():
        seeds = [seed for seed in one.runs if seed in base.runs]
        if len(seeds) < 2:
            continue
        ours, theirs = (
            np.array([measure.of(own.runs[seed]) for seed in seeds]) for own in (one, base)
        )
        plain[i] = resampled_t(ours - theirs, 0.0)
        wide[i] = None if overlap is None else resampled_t(ours - theirs, overlap)
        improved[i] = float(
            paired_improvement(measure.sign * ours[None], measure.sign * theirs[None])
        )
    adjusted = holm({str(i): _p(found) for i, found in plain.items()})
    widely = holm({str(i): _p(found) for i, found in wide.items() if found is not None})
    return {
        i: Difference(
            against,
            found.mean,
            found.low,
            found.high,
            None if (own := wide[i]) is None else own.low,
            None if own is None else own.high,
            adjusted[str(i)],
            widely.get(str(i)),
            improved[i],
        )
        for i, found in plain.items()
    }
