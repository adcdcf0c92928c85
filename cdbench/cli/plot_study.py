"""``cdbench plot --study``: a study at a glance, from the database."""

from pathlib import Path

from cdbench.cli import COMPLETED
from cdbench.cli.echo import echo
from cdbench.errors import MissingResultsError, OutputError, UnknownNameError
from cdbench.system.home_folders import expanded


def plot_study(db: str, name: str, parts: list[str] | None, output: Path, form: str | None) -> int:
    """Draw and write the figure of a study, or of some of its parts."""
    from cdbench.comparison.sizes import NARROWER
    from cdbench.plots import figure_files, save_figure
    from cdbench.plots.study_gaps import Gap, Panel, study_gaps
    from cdbench.records.comparison import label_of
    from cdbench.statistics.measures import MEASURES
    from cdbench.store.database import open_for_reading
    from cdbench.store.study_queries import stored_study

    database = open_for_reading(db, "cdbench study NAME")
    found = stored_study(database, name)
    for part in parts or ():
        if part not in found.options:
            raise UnknownNameError(f"part of the study {name}", part, found.options)
    panels = []
    for part in found.options:
        if part not in found.parts or (parts and part not in parts):
            continue
        measure = MEASURES[found.parts[part].measure]
        scale = measure.sign * measure.scale
        gaps = []
        for line in found.parts[part].lines:
            for own in line.differences:
                if own.against == NARROWER:
                    label = label_of(line.role, line.layer, line.structure)
                    low, high = sorted((scale * own.low, scale * own.high))
                    gaps.append(Gap(label, line.budget, scale * own.difference, low, high))
        fewer = "" if measure.sign > 0 else ", fewer"
        panels.append(Panel(part, f"{measure.gap_unit}{fewer}", gaps))
    if not panels:
        raise MissingResultsError(
            f"{database.name}: of the study {found.name} nothing to draw has come to its end; to "
            f"make it: cdbench study {found.name}"
        )
    title = f"Study {found.name}: how far ahead of the narrower dense network"
    figure = study_gaps(panels, title, f"study {found.name} of {database.label}")
    (file,) = figure_files(Path(expanded(output, OutputError)), [f"study-{found.name}"], form)
    if save_figure(figure, file, form):
        echo(f"wrote {file}")
    return COMPLETED
