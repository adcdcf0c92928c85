"""Families over several data sets as a table."""

from dataclasses import asdict
from typing import Any

from cdbench.comparison.over_tasks import OverTasks, Standing
from cdbench.reports.formats import Report
from cdbench.statistics.measures import Measure


def ranked(found: OverTasks, budget: float, measure: Measure) -> Report:
    """Return the table of ranks and probabilities of improvement at one budget."""
    heading, noun = measure.heading, measure.noun
    return Report(
        title=f"Over {len(found.tasks)} data sets at budget {budget:g}: {', '.join(found.tasks)}",
        columns=[
            "Family",
            "Mean rank",
            "Better than narrower dense",
            heading.capitalize(),
        ],
        rows=[_cells(one, measure) for one in found.standings],
        notes=[
            f"Ranks by mean test {noun}; 1 is best everywhere. Two that differ by less than "
            f"{found.critical_difference:.2f} are not told apart (Nemenyi, 5 %); that all are "
            f"equally good has p = {found.p:.2g} (Friedman).",
            "Better than narrower dense: probability of being ahead of the dense network of equal "
            f"size on a split of one of these sets, {found.n_seeds} seeds each, ties half; 95 % "
            f"bootstrap within the sets (Agarwal et al. 2021). {noun.capitalize()}: "
            "interquartile mean.",
        ],
        records=[_record(one, measure) | {"budget": budget} for one in found.standings],
        text_columns=1,
    )


def _record(one: Standing, measure: Measure) -> dict[str, Any]:
    return {measure.name if name == "score" else name: own for name, own in asdict(one).items()}


def _cells(one: Standing, measure: Measure) -> list[str]:
    better = "–"
    if one.improvement is not None and one.low is not None and one.high is not None:
        share, low, high = (f"{100 * x:.0f}" for x in (one.improvement, one.low, one.high))
        better = f"{share} % ({low} … {high})"
    return [one.family, f"{one.rank:.2f}", better, measure.format(one.score)]
