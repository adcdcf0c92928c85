"""The sheet that every figure is drawn on: title, legend, panels and footer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cdbench.errors import MissingResultsError
from cdbench.plots.base import PlottedRun
from cdbench.plots.style import QUIET, Look, looks_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def new_figure(
    runs: Sequence[PlottedRun], title: str, source: str, n_panels: int = 2
) -> tuple["Figure", list["Axes"]]:
    """Return a figure with title, legend and footer, and its empty panels, left to right.

    Parameters
    ----------
    runs : sequence of PlottedRun
        The runs that the legend names.
    title : str
        What the figure shows.
    source : str
        One line that says which runs these are.
    n_panels : int, optional
        How many panels.

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
    from matplotlib.figure import Figure

    if not runs:
        raise MissingResultsError("a figure needs at least one completed run, got none")
    looks = looks_of(runs)
    figure = Figure(figsize=(10, 4.9))
    panels = [figure.add_subplot(1, n_panels, i + 1) for i in range(n_panels)]
    figure.text(0.065, 0.945, title, fontsize=13, fontweight="bold", parse_math=False)
    figure.text(0.065, 0.018, source, fontsize=7.5, color=QUIET, parse_math=False)
    n_rows = _add_legend(figure, runs, looks)
    figure.subplots_adjust(
        left=0.065, right=0.93, bottom=0.175, top=0.825 - 0.042 * n_rows, wspace=0.27
    )
    return figure, panels


def _add_legend(figure: "Figure", runs: Sequence[PlottedRun], looks: Sequence[Look]) -> int:
    """Name every network once, with its parameters, under the title; return the rows it takes."""
    from matplotlib.lines import Line2D

    entries: dict[str, Look] = dict(zip((run.label for run in runs), looks, strict=True))
    counts = [sum(run.label == label for run in runs) for label in entries]
    handles = [
        Line2D([], [], color=look.color, linestyle=look.dash, marker=look.marker)
        for look in entries.values()
    ]
    labels = [
        label if n == 1 else f"{label} ({n} runs)" for label, n in zip(entries, counts, strict=True)
    ]
    n_columns = min(len(labels), 3)
    figure.legend(
        handles, labels, loc="upper left", bbox_to_anchor=(0.065, 0.915), ncols=n_columns,
        borderpad=0, borderaxespad=0, handlelength=3.6, columnspacing=2.0,
    )  # fmt: skip
    return -(-len(labels) // n_columns)
