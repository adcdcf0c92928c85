"""``cdbench plot --compare``: the figures of a comparison, from the database."""

from cdbench.cli import COMPLETED
from cdbench.cli.figure_output import FigureOutput


def plot_comparison(db: str, names: list[str] | None, put: FigureOutput) -> int:
    """Draw and write the figures of a comparison, or of several; nothing is written until drawn."""
    from cdbench.api.figures.comparison_figures import comparison_figures, standings_figures
    from cdbench.store.database import open_for_reading

    database = open_for_reading(db, "cdbench compare")
    if names and len(names) > 1:
        figures = standings_figures(database, names)
    else:
        figures = comparison_figures(database, names[0] if names else None)
    put.put(figures)
    return COMPLETED
