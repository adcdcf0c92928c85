"""``cdbench plot --study``: a study at a glance, from the database."""

from pathlib import Path

from cdbench.cli import COMPLETED
from cdbench.cli.echo import echo
from cdbench.errors import OutputError
from cdbench.system.home_folders import expanded


def plot_study(db: str, name: str, parts: list[str] | None, output: Path, form: str | None) -> int:
    """Draw and write the figure of a study, or of some of its parts."""
    from cdbench.api.figures.study_figure import study_figure
    from cdbench.plots import figure_files, save_figure
    from cdbench.store.database import open_for_reading

    figure = study_figure(open_for_reading(db, "cdbench compare --study NAME"), name, parts or ())
    (file,) = figure_files(Path(expanded(output, OutputError)), [f"study-{name}"], form)
    if save_figure(figure, file, form):
        echo(f"wrote {file}")
    return COMPLETED
