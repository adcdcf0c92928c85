"""The sheet that every figure is drawn on: title, legend, panels and footer."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cdbench.errors import MissingResultsError
from cdbench.plots.base import Shown
from cdbench.plots.style import QUIET, Look, looks_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, LEFT, RIGHT = 10.0, 0.65, 0.7
"""Of the sheet and its margins, in inches; at 10 inches a README shows letters as they are."""


def new_figure(
    runs: Sequence[Shown],
    title: str,
    source: str,
    grid: tuple[int, int] = (1, 2),
    height: float = 4.9,
    gaps: tuple[float, float] = (0.3, 0.27),
) -> tuple["Figure", list["Axes"]]:
    """Return a sheet whose legend names every network once; the rest is as in ``new_sheet``.

    Parameters
    ----------
    runs : sequence of Shown
        The runs or models that the legend names.
    title, source, grid, height, gaps
        As in ``new_sheet``.

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
    counts = {label: sum(run.label == label for run in runs) for label in looks}
    legend = {
        label if counts[label] == 1 else f"{label} ({counts[label]} runs)": look
        for label, look in looks.items()
    }
    return new_sheet(legend, title, source, grid, height, gaps)


def new_sheet(
    legend: Mapping[str, Look],
    title: str,
    source: str,
    grid: tuple[int, int] = (1, 2),
    height: float = 4.9,
    gaps: tuple[float, float] = (0.3, 0.27),
) -> tuple["Figure", list["Axes"]]:
    """Return a figure with title, legend and footer, and its empty panels, row by row.

    Parameters
    ----------
    legend : mapping
        Looks by their names; under the title.
    title : str
        What the figure shows.
    source : str
        One line that says where its numbers are from.
    grid : (int, int), optional
        Rows and columns of panels.
    height : float, optional
        Of the sheet, in inches.
    gaps : (float, float), optional
        Between rows and between columns, as shares of a panel's height and width.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The figure.
    panels : list of matplotlib.axes.Axes
        Its panels.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height))
    panels = [figure.add_subplot(*grid, i + 1) for i in range(grid[0] * grid[1])]
    left = LEFT / WIDTH
    figure.text(left, 1 - 0.27 / height, title, fontsize=13, fontweight="bold", parse_math=False)
    figure.text(left, 0.09 / height, source, fontsize=7.5, color=QUIET, parse_math=False)
    n_rows = _add_legend(figure, legend, 1 - 0.42 / height)
    figure.subplots_adjust(
        left=left, right=1 - RIGHT / WIDTH,
        bottom=0.86 / height, top=1 - (0.86 + 0.205 * n_rows) / height,
        hspace=gaps[0], wspace=gaps[1],
    )  # fmt: skip
    return figure, panels


def _add_legend(figure: "Figure", legend: Mapping[str, Look], top: float) -> int:
    """Write the legend below ``top``; return the rows it takes."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=look.color, linestyle=look.dash, marker=look.marker)
        for look in legend.values()
    ]
    widths = [0.85 + 0.065 * len(name) for name in legend]  # inches, about
    room = WIDTH - LEFT
    n_columns = len(legend) if sum(widths) < room else max(1, int(room / max(widths)))
    figure.legend(
        handles, list(legend), loc="upper left", bbox_to_anchor=(LEFT / WIDTH, top),
        ncols=n_columns, borderpad=0, borderaxespad=0, handlelength=3.6, columnspacing=2.0,
    )  # fmt: skip
    return -(-len(legend) // n_columns)
