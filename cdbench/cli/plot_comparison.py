"""``cdbench plot --compare``: the figures of a comparison, from the database."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cdbench.cli import COMPLETED
from cdbench.cli.echo import echo
from cdbench.errors import OutputError
from cdbench.records.comparison import family_of
from cdbench.system.home_folders import expanded

if TYPE_CHECKING:
    from cdbench.store.database import Database


def plot_comparison(db: str, names: list[str] | None, output: Path, form: str | None) -> int:
    """Draw and write the figures of a comparison, or of several; nothing is written until drawn."""
    from cdbench.plots import figure_files, save_figure
    from cdbench.store.database import open_for_reading

    database = open_for_reading(db, "cdbench compare")
    if names and len(names) > 1:
        figures = _of_several(database, names)
    else:
        figures = _of_one(database, names[0] if names else None)
    files = figure_files(Path(expanded(output, OutputError)), list(figures), form)
    for figure, path in zip(figures.values(), files, strict=True):
        if save_figure(figure, path, form):
            echo(f"wrote {path}")
    return COMPLETED


def _of_several(database: "Database", names: list[str]) -> dict[str, Any]:
    from cdbench.cli.over_tasks import over_comparisons
    from cdbench.plots.standings import Row, standings

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


def _of_one(database: "Database", name: str | None) -> dict[str, Any]:
    from cdbench.plots import COMPARISON_FIGURES, Competitor
    from cdbench.statistics.measures import MEASURES
    from cdbench.store.comparison_queries import rate_curves, stored_comparison

    found = stored_comparison(database, name)
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
    titles = {
        "pareto": f"Test {measure.noun} against size · {found.name}",
        "rate-curves": f"How wide is the range of learning rates that works? · {found.name}",
    }
    return {
        own: draw(competitors, measure, titles[own], source)
        for own, draw in COMPARISON_FIGURES.items()
    }
