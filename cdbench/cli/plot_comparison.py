"""``cdbench plot --compare``: the figures of a comparison, from the database."""

from pathlib import Path

from cdbench.cli import COMPLETED
from cdbench.cli.echo import echo
from cdbench.errors import OutputError
from cdbench.system.home_folders import expanded


def plot_comparison(db: str, names: list[str] | None, output: Path, form: str | None) -> int:
    """Draw and write the figures of a comparison, or of several; nothing is written until drawn."""
    from cdbench.api.figures.comparison_figures import comparison_figures, standings_figures
    from cdbench.plots import figure_files, save_figure
    from cdbench.store.database import open_for_reading

    database = open_for_reading(db, "cdbench compare")
    if names and len(names) > 1:
        figures = standings_figures(database, names)
    else:
        figures = comparison_figures(database, names[0] if names else None)
    files = figure_files(Path(expanded(output, OutputError)), list(figures), form)
    for figure, path in zip(figures.values(), files, strict=True):
        if save_figure(figure, path, form):
            echo(f"wrote {path}")
    return COMPLETED
