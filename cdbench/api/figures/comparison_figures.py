"""The figures of one comparison, and of several, drawn from the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdbench.api.over_comparisons import over_comparisons
from cdbench.errors import MissingResultsError, UnknownNameError
from cdbench.plots import COMPARISON_FIGURES, Competitor
from cdbench.plots.standings import Row, standings
from cdbench.records.comparison import family_of
from cdbench.statistics.measures import MEASURES, Measure
from cdbench.store.comparison_queries import StoredComparison, rate_curves, stored_comparison
from cdbench.store.database import Database

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class OneComparison:
    """All that the figures of one comparison need.

    Attributes
    ----------
    name, source : str
        Its name, and a line that says where it is from.
    measure : Measure
        What its models are ranked by.
    competitors : sequence of Competitor
        Its models.
    """

    name: str
    source: str
    measure: Measure
    competitors: Sequence[Competitor]

    def figure(self, name: str) -> "Figure":
        """Draw the figure of this name, a key of COMPARISON_FIGURES.

        Raises
        ------
        UnknownNameError
            If there is none.
        MissingResultsError
            If none of the runs that it is of is here, or completed.
        """
        titles = {
            "pareto": f"Test {self.measure.noun} against size · {self.name}",
            "rate-curves": f"How wide is the range of learning rates that works? · {self.name}",
        }
        if name not in COMPARISON_FIGURES:
            raise UnknownNameError("figure", name, COMPARISON_FIGURES)
        tried = [score for one in self.competitors for _, score in one.rates]
        if name == "rate-curves" and all(score is None for score in tried):
            raise MissingResultsError(
                f"comparison {self.name}: none of the runs that its learning rates were chosen by "
                "is here; to see whether they were removed: cdbench runs list --trash"
            )
        return COMPARISON_FIGURES[name](self.competitors, self.measure, titles[name], self.source)


def one_comparison(database: Database, found: StoredComparison) -> OneComparison:
    """Return what the figures of a stored comparison need."""
    measure = MEASURES[found.measure]
    curves = rate_curves(database, found.comparison_id, measure.is_chosen_by_accuracy)
    competitors = [
        Competitor(
            line.layer,
            family_of(line.layer, line.structure).removeprefix(line.layer).strip(),
            line.budget,
            line.n_parameters,
            line.multiply_adds,
            line.score,
            line.low,
            line.high,
            curves.get((line.model, line.hidden), ()),
            line.learning_rate,
        )
        for line in found.lines
        if line.score is not None and line.low is not None and line.high is not None
    ]
    source = (
        f"comparison {found.name} of {database.label} · {found.n_reported:,} runs reported, "
        f"{found.n_tuning:,} to choose the rates"
    )
    return OneComparison(found.name, source, measure, competitors)


def comparison_figures(database: Database, name: str | None = None) -> "dict[str, Figure]":
    """Return the figures of the newest comparison, of this name if one is given, by their names."""
    one = one_comparison(database, stored_comparison(database, name))
    return {own: one.figure(own) for own in COMPARISON_FIGURES}


def standings_figures(database: Database, names: Sequence[str]) -> "dict[str, Figure]":
    """Return the figure of each budget that several comparisons have in common, by its name."""
    measure, over = over_comparisons(database, names)
    return {
        "standings" if len(over) == 1 else f"standings-{budget:g}": standings(
            [
                Row(one.family, one.rank, one.improvement, one.low, one.high)
                for one in found.standings
            ],
            found.critical_difference,
            measure.noun,
            f"Families over {len(names)} data sets, at budget {budget:g}",
            f"comparisons {', '.join(names)} of {database.label} · {found.n_seeds} seeds each",
        )
        for budget, found in over.items()
    }
