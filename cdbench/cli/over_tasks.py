"""Families over several comparisons, for ``report`` and ``plot --compare --name A B ...``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cdbench.comparison.over_tasks import OverTasks, over_tasks
from cdbench.comparison.sizes import NARROWER
from cdbench.comparison.words import family_of
from cdbench.errors import ConfigurationError
from cdbench.store.comparison_queries import seed_accuracies, stored_comparison

if TYPE_CHECKING:
    from cdbench.store.database import Database


def over_comparisons(database: "Database", names: Sequence[str]) -> dict[float, OverTasks]:
    """Return how the families fare over these comparisons, at each budget that all have.

    Raises
    ------
    ConfigurationError
        If they have no budget in common, or too few families.
    """
    found = {name: stored_comparison(database, name) for name in names}
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
            scores = seed_accuracies(database, own.comparison_id, budget)
            tasks[name] = {
                NARROWER if role == NARROWER else family_of(layer, structure): accuracies
                for (role, layer, structure), accuracies in scores.items()
            }
        over[budget] = over_tasks(tasks)
    return over
