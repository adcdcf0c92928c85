"""The figure of a study, drawn from the database."""

from collections.abc import Sequence
from shlex import quote
from typing import TYPE_CHECKING

from cdbench.errors import MissingResultsError, UnknownNameError
from cdbench.plots.study_gaps import Gap, Panel, study_gaps
from cdbench.records.comparison import NARROWER, label_of
from cdbench.statistics.measures import MEASURES
from cdbench.store.database import Database
from cdbench.store.study_queries import stored_study

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def study_figure(database: Database, name: str, parts: Sequence[str] = ()) -> "Figure":
    """Return how far a study, or some parts of it, is ahead of the narrower dense network.

    Raises
    ------
    UnknownNameError
        If it has no such part.
    MissingResultsError
        If there is nothing of it to draw.
    """
    found = stored_study(database, name)
    for part in parts:
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
            f"make it: cdbench compare --study {quote(found.name)}"
        )
    title = f"Study {found.name}: how far ahead of the narrower dense network"
    return study_gaps(panels, title, f"study {found.name} of {database.label}")
