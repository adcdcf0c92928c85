"""The sheet on which every figure is drawn: title, legend, panels and footer."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdbench.errors import MissingResultsError
from cdbench.plots.base import Shown
from cdbench.plots.style import QUIET, Look, looks_of
from cdbench.system.printable import printable, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, LEFT, RIGHT = 10.0, 0.65, 0.7
"""Sizes of the sheet and its margins, in inches; a README shows 10 inches at full letter size."""

LEGEND_ROW = 0.205
"""Height of a row of the legend, in inches."""

FOOTER = 180
"""Letters that fit into a footer; the name of the database in it may be longer."""


@dataclass(frozen=True)
class Layout:
    """How a sheet is divided.

    Attributes
    ----------
    rows, columns : int
        Numbers of rows and columns of panels.
    height : float
        Height of the sheet, in inches.
    gaps : (float, float)
        Gaps between rows and between columns, relative to a panel's height and width.
    bottom : float
        Space below the lowest panels' axes, in inches, for what is written there.
    right : float
        Space right of the panels, in inches, for names at the lines' ends.
    """

    rows: int = 1
    columns: int = 2
    height: float = 4.9
    gaps: tuple[float, float] = (0.3, 0.27)
    bottom: float = 0.86
    right: float = RIGHT


ONE_ROW = Layout()


def named_at_ends(runs: Sequence[Shown]) -> Layout:
    """Return two panels side by side, each with room for the names at its lines' ends."""
    right = max(RIGHT, 0.24 + 0.063 * max((len(run.short_label) for run in runs), default=0))
    if right == RIGHT:
        return ONE_ROW
    between = right + 0.4  # the second panel's numbers
    panel = (WIDTH - LEFT - right - between) / 2
    return Layout(gaps=(ONE_ROW.gaps[0], between / panel), right=right)


def new_figure(
    runs: Sequence[Shown], title: str, source: str, layout: Layout = ONE_ROW
) -> tuple["Figure", list["Axes"]]:
    """Return a sheet whose legend names every network once, as ``new_sheet`` does.

    Parameters
    ----------
    runs : sequence of Shown
        The runs or models that the legend names.
    title : str
        What the figure shows.
    source : str
        One line that says where its numbers come from.
    layout : Layout, optional
        How it is divided.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The figure.
    panels : list of matplotlib.axes.Axes
        Its panels.

    Raises
    ------
    MissingResultsError
        If there is no run to draw.
    """
    if not runs:
        raise MissingResultsError("a figure needs at least one completed run, got none")
    looks = dict(zip((run.label for run in runs), looks_of(runs), strict=True))
    counts = Counter(run.label for run in runs)
    legend = {
        label if counts[label] == 1 else f"{label} ({counts[label]} runs)": look
        for label, look in looks.items()
    }
    return new_sheet(legend, title, source, layout)


def new_sheet(
    legend: Mapping[str, Look], title: str, source: str, layout: Layout
) -> tuple["Figure", list["Axes"]]:
    """Return a figure with title, legend and footer, and its empty panels, row by row.

    Parameters
    ----------
    legend : mapping
        Looks by name; shown under the title.
    title : str
        What the figure shows.
    source : str
        One line that says where its numbers come from.
    layout : Layout
        How it is divided.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The figure.
    panels : list of matplotlib.axes.Axes
        Its panels.
    """
    from cdbench.plots.notebook_figure import NotebookFigure

    n_columns = _legend_columns(legend)
    n_rows = -(-len(legend) // n_columns)
    # A legend of several rows takes nothing from the panels.
    height, left = layout.height + LEGEND_ROW * (n_rows - 1), LEFT / WIDTH
    source = shortened(printable(source), FOOTER)
    figure = NotebookFigure(figsize=(WIDTH, height))
    figure.says, figure.source = title, source
    panels = [
        figure.add_subplot(layout.rows, layout.columns, i + 1)
        for i in range(layout.rows * layout.columns)
    ]
    figure.text(left, 1 - 0.27 / height, title, fontsize=13, fontweight="bold", parse_math=False)
    figure.text(left, 0.09 / height, source, fontsize=7.5, color=QUIET, parse_math=False)
    _add_legend(figure, legend, n_columns, 1 - 0.42 / height)
    figure.subplots_adjust(
        left=left, right=1 - layout.right / WIDTH,
        bottom=layout.bottom / height, top=1 - (0.86 + LEGEND_ROW * n_rows) / height,
        hspace=layout.gaps[0], wspace=layout.gaps[1],
    )  # fmt: skip
    return figure, panels


def _legend_columns(legend: Mapping[str, Look]) -> int:
    """Return how many columns of the legend fit side by side: one row if possible."""
    widths = [0.85 + 0.065 * len(name) for name in legend]  # approximate inches
    room = WIDTH - LEFT
    return len(legend) if sum(widths) < room else max(1, int(room / max(widths)))


def _add_legend(figure: "Figure", legend: Mapping[str, Look], n_columns: int, top: float) -> None:
    """Write the legend below ``top``."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=look.color, linestyle=look.dash, marker=look.marker)
        for look in legend.values()
    ]
    drawn = figure.legend(
        handles, list(legend), loc="upper left", bbox_to_anchor=(LEFT / WIDTH, top),
        ncols=n_columns, borderpad=0, borderaxespad=0, handlelength=3.6, columnspacing=2.0,
    )  # fmt: skip
    for text in drawn.get_texts():
        text.set_parse_math(False)
