"""Families over several comparisons, from the database."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cdbench.comparison.over_tasks import OverTasks, over_tasks
from cdbench.errors import ConfigurationError
from cdbench.records.comparison import label_of
from cdbench.statistics.measures import MEASURES, Measure
from cdbench.store.comparison_queries import StoredComparison, seed_scores, stored_comparison

if TYPE_CHECKING:
    from cdbench.store.database import Database


def over_comparisons(
    database: "Database", names: Sequence[str]
) -> tuple[Measure, dict[float, OverTasks]]:
    """Return how the families fare over these comparisons, at each budget that all have.

    Beside it what they are all ranked by.

    Raises
    ------
    ConfigurationError
        If they have no budget in common, or too few families, or rank by different measures.
    """
    found = {name: stored_comparison(database, name) for name in names}
    measure = _common_measure(found)
    budgets = [{line.budget for line in own.lines if line.budget != 1} for own in found.values()]
    common = sorted(set.intersection(*budgets), reverse=True)
    if not common:
        raise ConfigurationError(
            f"the comparisons {', '.join(names)} have no budget in common; expected those that "
            "were made with the same --budget"
        )
    over = {}
    for budget in common:
        tasks = {}
        for name, own in found.items():
            scores = seed_scores(database, own.comparison_id, budget)
            tasks[name] = {
                label_of(role, layer, structure): reached
                for (role, layer, structure), reached in scores.items()
            }
        over[budget] = over_tasks(tasks, measure)
    return measure, over


def _common_measure(found: Mapping[str, StoredComparison]) -> Measure:
    """Return what all comparisons are ranked by; ranks would mix two otherwise."""
    by_measure: dict[str, list[str]] = {}
    for name, own in found.items():
        by_measure.setdefault(own.measure, []).append(name)
    if len(by_measure) > 1:
        words = " and ".join(
            f"{', '.join(names)} by {MEASURES[measure].noun}"
            for measure, names in by_measure.items()
        )
        raise ConfigurationError(
            f"the comparisons are of different measures, {words}; expected --name of comparisons "
            "of one measure"
        )
    return MEASURES[next(iter(by_measure))]
