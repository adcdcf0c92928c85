"""The plan of a study: what would be trained, how long it takes, how small an effect it finds."""

from collections.abc import Sequence
from dataclasses import dataclass

from cdbench.comparison.planning import Planned
from cdbench.reports.formats import Report
from cdbench.reports.statistics import format_count
from cdbench.statistics.power import POWER, smallest_effect


@dataclass(frozen=True)
class PlannedPart:
    """A part of a study before it is made.

    Attributes
    ----------
    name : str
        Its name.
    planned : Planned
        The comparison that it is.
    n_runs : int
        Runs without extended grids of rates.
    seconds : float
        Their processor time.
    deviation : float or None
        Typical standard deviation over seeds of a difference to the narrower dense network, from
        comparisons on this data set that are stored; in the measure's own unit, None without any.
    """

    name: str
    planned: Planned
    n_runs: int
    seconds: float
    deviation: float | None


def study_plan(name: str, parts: Sequence[PlannedPart]) -> Report:
    """Return the table of a study's parts before they are made."""
    return Report(
        title=f"Study {name}: what would be compared",
        columns=["Part", "Sizes", "Models", "Seeds", "Runs", "Hours", "Finds"],
        rows=[_cells(part) for part in parts],
        notes=[
            "Hours of one core, from a few timed steps of each model. Finds: the smallest mean "
            "difference to the narrower dense network that is found with a power of "
            f"{100 * POWER:.0f} % over seeds at 5 %, without Holm's correction; in standard "
            "deviations of a difference (sd), or where comparisons on the set are stored in "
            "points, or in the measure's unit.",
        ],
        records=[
            {
                "part": part.name,
                "dataset": part.planned.plan.base.dataset,
                "budgets": list(part.planned.plan.budgets),
                "n_models": len(part.planned.candidates),
                "n_seeds": len(part.planned.plan.seeds),
                "n_runs": part.n_runs,
                "seconds": part.seconds,
                "smallest_effect_sd": _effect(part),
                "deviation": part.deviation,
            }
            for part in parts
        ],
        text_columns=2,
    )


def _effect(part: PlannedPart) -> float:
    return smallest_effect(len(part.planned.plan.seeds))


def _cells(part: PlannedPart) -> list[str]:
    plan = part.planned.plan
    found = f"{_effect(part):.2f} sd"
    if part.deviation is not None:
        found = plan.measure.format_gap(_effect(part) * part.deviation).lstrip("+")
    return [
        part.name,
        " ".join(f"{budget:g}" for budget in plan.budgets),
        str(len(part.planned.candidates)),
        str(len(plan.seeds)),
        format_count(part.n_runs),
        f"{part.seconds / 3600:.2f}",
        found,
    ]
