"""Families over several data sets as a table."""

from dataclasses import asdict

from cdbench.comparison.over_tasks import OverTasks, Standing
from cdbench.reports.formats import Report


def ranked(found: OverTasks, budget: float) -> Report:
    """Return the table of ranks and probabilities of improvement at one budget."""
    return Report(
        title=f"Over {len(found.tasks)} data sets at budget {budget:g}: {', '.join(found.tasks)}",
        columns=["Family", "Mean rank", "Better than narrower dense", "Accuracy, %"],
        rows=[_cells(one) for one in found.standings],
        notes=[
            f"Ranks by mean test accuracy; 1 is best everywhere. Two that differ by less than "
            f"{found.critical_difference:.2f} are not told apart (Nemenyi, 5 %); that all are "
            f"equally good has p = {found.p:.2g} (Friedman).",
            "Better than narrower dense: probability of being ahead of the dense network of equal "
            f"size on a split of one of these sets, {found.n_seeds} seeds each, ties half; 95 % "
            "bootstrap within the sets (Agarwal et al. 2021). Accuracy: interquartile mean.",
        ],
        records=[asdict(one) | {"budget": budget} for one in found.standings],
        text_columns=1,
    )


def _cells(one: Standing) -> list[str]:
    better = "–"
    if one.improvement is not None and one.low is not None and one.high is not None:
        share, low, high = (f"{100 * x:.0f}" for x in (one.improvement, one.low, one.high))
        better = f"{share} % ({low} … {high})"
    return [one.family, f"{one.rank:.2f}", better, f"{100 * one.accuracy:.2f}"]
