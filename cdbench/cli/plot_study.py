"""``cdbench plot --study``: a study at a glance, from the database."""

from cdbench.cli import COMPLETED
from cdbench.cli.figure_output import FigureOutput


def plot_study(db: str, name: str, parts: list[str] | None, put: FigureOutput) -> int:
    """Draw and write the figure of a study, or of some of its parts."""
    from cdbench.api.figures.study_figure import study_figure
    from cdbench.store.database import open_for_reading

    figure = study_figure(open_for_reading(db, "cdbench compare --study NAME"), name, parts or ())
    put.put({f"study-{name}": figure})
    return COMPLETED
