"""Families over several data sets: mean ranks, and how probably each is better."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from cdbench.errors import MissingResultsError
from cdbench.plots.sheet import Layout, new_sheet
from cdbench.plots.style import INK, QUIET, Look, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOT = Look("#0072b2", "", "o")
ROW = 0.26
"""Height of a family's row, in inches."""


class Row(NamedTuple):
    """A family: mean rank, and probability of being better with its interval, if it has one."""

    family: str
    rank: float
    improvement: float | None
    low: float | None
    high: float | None


def standings(
    rows: Sequence[Row], critical_difference: float, noun: str, title: str, source: str
) -> "Figure":
    """Draw a row a family, the best rank on top.

    Parameters
    ----------
    rows : sequence of Row
        The best rank first.
    critical_difference : float
        Ranks that differ by less are not told apart.
    noun : str
        What the ranks are by.
    title, source : str
        What it is of, and where its numbers come from.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels with common rows.
    """
    if not rows:
        raise MissingResultsError("a figure of standings needs at least one family, got none")
    with style():
        layout = Layout(1, 2, 1.9 + ROW * len(rows), gaps=(0.3, 0.08))
        legend = {"mean, and 95 % interval": DOT}
        figure, (ranks, better) = new_sheet(legend, title, source, layout)
        figure.subplots_adjust(left=0.24)
        places = list(range(len(rows)))
        for axes in (ranks, better):
            axes.set_ylim(len(rows) - 0.4, -1.5)
            axes.grid(visible=False, axis="y")
        ranks.set_yticks(places, [row.family for row in rows])
        better.set_yticks(places, [""] * len(rows))
        ranks.plot([row.rank for row in rows], places, "o", color=DOT.color)
        _draw_difference(ranks, rows[0].rank, critical_difference)
        ranks.set_title(f"mean rank by test {noun}; 1 is best")
        _draw_better(better, rows)
        better.set_title("how probably better than narrower dense (%)")
    return figure


def _draw_difference(axes: "Axes", best: float, difference: float) -> None:
    """Draw the critical difference as a bar from the best rank on."""
    axes.plot([best, best + difference], [-0.6, -0.6], color=INK, linewidth=2.5, marker="")
    axes.annotate(
        "not told apart from the best", (best, -0.6), (0, 5), "data", "offset points",
        va="bottom", fontsize=8, color=QUIET,
    )  # fmt: skip


def _draw_better(axes: "Axes", rows: Sequence[Row]) -> None:
    for place, row in enumerate(rows):
        if row.improvement is None or row.low is None or row.high is None:
            axes.annotate("the measure", (50, place), (6, 0), "data",
                          "offset points", va="center", fontsize=8, color=QUIET)  # fmt: skip
            continue
        axes.plot(
            [100 * row.low, 100 * row.high], [place] * 2, color=DOT.color, linewidth=1.6, marker=""
        )
        axes.plot([100 * row.improvement], [place], "o", color=DOT.color)
    axes.axvline(50, color=QUIET, linewidth=0.9)
    axes.set_xlim(0, 100)
