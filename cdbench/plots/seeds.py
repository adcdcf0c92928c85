"""How far seeds are apart: every run's score, and each model's mean with its interval."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cdbench.errors import MissingResultsError
from cdbench.plots.base import PlottedRun
from cdbench.plots.notes import write_under
from cdbench.plots.scored import Scores, scores_of
from cdbench.plots.sheet import WIDTH, Layout, new_sheet
from cdbench.plots.style import INK, Look, looks_of, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_MODELS = 40
"""Rows of a figure; the best are shown."""

ROW, LETTER, NAMES = 0.36, 0.07, 8.5
"""Height of a row and width of a letter of its name, in inches, and the size of these letters."""

SPREAD = 0.26
"""How far a row's points are from its middle at most, in rows."""


def seeds(runs: Sequence[PlottedRun], source: str) -> "Figure":
    """Draw a row a model, the best on top: a point a seed, the mean, and its 95 % interval.

    Parameters
    ----------
    runs : sequence of PlottedRun
        Of one task.
    source : str
        One line that says which runs these are; the footer.

    Returns
    -------
    matplotlib.figure.Figure
        One panel. The interval is a bootstrap interval, of models with three seeds or more.

    Raises
    ------
    MissingResultsError
        If there is no run, or one of them has no score.
    ConfigurationError
        If they learn different tasks, or different data.
    """
    found, common, measure = scores_of(runs)
    if not found:
        raise MissingResultsError("a figure of seeds needs at least one completed run, got none")
    ranked = sorted(found, key=lambda one: -measure.merit(one.mean))
    found, n_lost = ranked[:MOST_MODELS], len(ranked[MOST_MODELS:])
    lines = [one.trace.line for one in found]
    names = 0.35 + LETTER * max(len(line.label) for line in lines)
    more = "" if measure.sign > 0 else "; less is better"
    title = "Spread over seeds" + (f" · {common}" if common else "")
    with style():
        legend = {"one seed": Look("#9a9a9a", "", "o"), "mean, and its 95 % interval": MEAN}
        layout = Layout(1, 1, 1.95 + ROW * len(found))
        figure, (axes,) = new_sheet(legend, title, source, layout)
        figure.subplots_adjust(left=min(0.6, names / WIDTH))
        for row, (one, look) in enumerate(zip(found, looks_of(lines), strict=True)):
            _draw(axes, one, row, look, measure.scale)
        axes.set_ylim(len(found) - 0.4, -0.6)
        axes.set_yticks(range(len(found)), [line.label for line in lines])
        for name in axes.get_yticklabels():
            name.set_parse_math(False)
        axes.tick_params(axis="y", labelsize=NAMES)
        axes.grid(visible=False, axis="y")
        axes.set_title(f"Test {measure.label} after the last epoch{more}")
        if n_lost:
            write_under(axes, [f"the best {MOST_MODELS} of {len(ranked):,} models"], below=24)
    return figure


MEAN = Look(INK, "-", "D")


def _draw(axes: "Axes", one: Scores, row: int, look: Look, scale: float) -> None:
    """Draw the points of a row above and below its middle, so that equal ones are all seen."""
    values = scale * np.sort(np.array(one.values))
    # The same pattern every time: neighbours in value are far apart in height.
    heights = row + SPREAD * (2 * ((np.arange(len(values)) * 0.618034) % 1) - 1)
    if len(values) == 1:
        heights = np.array([float(row)])
    axes.plot(values, heights, "o", color=look.color, alpha=0.45, markersize=4.6, markeredgewidth=0)
    if one.interval is not None:
        ends = [scale * end for end in one.interval]
        axes.plot(ends, [row] * 2, color=INK, linewidth=1.8, marker="|", markersize=8,
                  markeredgecolor=INK, markeredgewidth=1.4)  # fmt: skip
    axes.plot([scale * one.mean], [row], color=INK, marker=MEAN.marker, markersize=5.8)
