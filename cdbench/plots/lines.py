"""Lines in a panel, the names at their ends, and notes on what is not shown."""

import math
from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from cdbench.plots.base import Shown
from cdbench.plots.notes import count_points
from cdbench.plots.style import QUIET, Look, all_looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_line(axes: "Axes", run: Shown, look: Look, x: Sequence[float], y: Sequence[float]) -> None:
    """Draw one run's line with about eight markers, regardless of its number of points.

    Markers of different looks start at different points, so that coinciding lines are both visible.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The panel.
    run : Shown
        Whose line it is.
    look : Look
        Its look.
    x, y : (n,) float
        The points.
    """
    step = max(1, len(x) // 8)
    first = all_looks().index(look) % step
    axes.plot(
        x, y, color=look.color, linestyle=look.dash, marker=look.marker,
        markevery=(first, step), label=run.label,
    )  # fmt: skip


def draw_positive(axes: "Axes", look: Look, x: Sequence[float], y: Sequence[float]) -> int:
    """Draw and mark every point that a log scale can show; return how many it cannot.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The panel.
    look : Look
        Their look.
    x, y : (n,) float
        The points.

    Returns
    -------
    int
        Number of points with ``y`` ≤ 0 or infinite, which are left out.
    """
    shown_x, shown_y = _shown(x, y)
    axes.plot(shown_x, shown_y, color=look.color, linestyle=look.dash, marker=look.marker)
    return len(y) - len(shown_y)


def draw_positive_line(
    axes: "Axes", run: Shown, look: Look, x: Sequence[float], y: Sequence[float]
) -> int:
    """Draw a line through the points that a log scale can show; return how many it cannot.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The panel.
    run : Shown
        Whose line it is.
    look : Look
        Its look.
    x, y : (n,) float
        The points.

    Returns
    -------
    int
        Number of points with ``y`` ≤ 0 or infinite, which are left out.
    """
    shown_x, shown_y = _shown(x, y)
    draw_line(axes, run, look, shown_x, shown_y)
    return len(y) - len(shown_y)


def _shown(x: Sequence[float], y: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return the points that a log scale can show."""
    shown = [point for point in zip(x, y, strict=True) if 0 < point[1] < math.inf]
    return [point[0] for point in shown], [point[1] for point in shown]


def draw_band(
    axes: "Axes",
    look: Look,
    x: Sequence[float],
    ends: Sequence[tuple[float, float]],
    *,
    is_log: bool = True,
) -> None:
    """Shade the area between two ends, such as quartiles, except where one of them is infinite.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The panel.
    look : Look
        The look of the line that the band goes with.
    x : (n,) float
        The positions.
    ends : (n,) of (float, float)
        Lower and upper end at each position.
    is_log : bool, optional
        Whether the scale cannot show what is not above 0.
    """
    low, high = np.array(ends, dtype=float).reshape(-1, 2).T
    shown = np.isfinite(high) & ((low > 0) | (not is_log and np.isfinite(low)))
    axes.fill_between(x, low, high, where=shown, color=look.color, alpha=0.16, linewidth=0)


def share_scale(panels: Sequence["Axes"]) -> None:
    """Give finished panels a common vertical scale that shows all that each of them shows."""
    limits = [end for panel in panels for end in panel.get_ylim()]
    for panel in panels:
        panel.set_ylim(min(limits), max(limits))


def write_note(axes: "Axes", n: int, what: str) -> None:
    """Say under a panel how many points it does not show; write nothing if it shows all.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The panel.
    n : int
        How many points.
    what : str
        What happened to them, as a continuation of "3 points".
    """
    if n:
        axes.annotate(
            count_points(n, what), (1, 0), (0, -44), "axes fraction", "offset points",
            ha="right", fontsize=8, color=QUIET,
        )  # fmt: skip


def label_ends(axes: "Axes", runs: Sequence[Shown], gap: float = 0.06) -> None:
    """Name every line of a panel next to its end; names that would touch are moved apart.

    The name of a line that ends below or above the scale is at the panel's edge.

    Nothing is written if several runs share a name, because that would only repeat the legend.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        A panel whose lines are drawn and whose scales are set.
    runs : sequence of Shown
        One per line, in drawing order.
    gap : float, optional
        Smallest distance between two names, as a fraction of the panel's height.
    """
    labels = [run.short_label for run in runs]
    gap = min(gap, 1 / max(1, len(labels) - 1))
    axes.get_xlim(), axes.get_ylim()  # makes matplotlib compute the limits that the transform needs
    to_axes = axes.transData + axes.transAxes.inverted()
    ends = []
    for line, label in zip(axes.lines, labels, strict=True):
        points = np.asarray(line.get_xydata())
        if len(points):
            x, y = to_axes.transform(points[-1])
            ends.append((x, float(np.clip(y, 0.0, 1.0)), label, line.get_color()))
    if not ends or len(set(labels)) < len(labels):
        return
    ends.sort(key=lambda end: end[1])
    # Least squares with each name at least a gap above the one below, inside the panel.
    steps = [gap * i for i in range(len(ends))]
    wanted = [end[1] - step for end, step in zip(ends, steps, strict=True)]
    fitted = np.clip(rising(wanted), 0.0, max(0.0, 1.0 - steps[-1]))
    for (x, y, label, color), height in zip(ends, fitted + steps, strict=True):
        axes.annotate(
            label, (x, y), (1.03, height), "axes fraction", "axes fraction",
            va="center", fontsize=8.5, annotation_clip=False, parse_math=False,
            arrowprops={
                "arrowstyle": "-", "color": color, "lw": 0.8, "shrinkB": 4, "relpos": (0, 0.5),
            },
        )  # fmt: skip


def apart(wanted: Sequence[float], widths: Sequence[float]) -> list[float]:
    """Return the nearest places from 0 to 1 for the middles of names, none touching the next.

    Parameters
    ----------
    wanted : (n,) float
        Where each would be by itself, in rising order.
    widths : (n,) float
        Their widths.
    """
    if not wanted:
        return []
    total = sum(widths)
    shrunk = [width / max(1.0, total) for width in widths]
    starts = [sum(shrunk[:i]) + width / 2 for i, width in enumerate(shrunk)]
    fitted = rising([place - start for place, start in zip(wanted, starts, strict=True)])
    room = max(0.0, 1.0 - sum(shrunk))
    return [min(max(f, 0.0), room) + s for f, s in zip(fitted, starts, strict=True)]


def rising(heights: Sequence[float]) -> list[float]:
    """Return the nearest heights, by least squares, of which none is lower than its predecessor.

    Examples
    --------
    >>> rising([1.0, 3.0, 2.0, 0.0, 5.0])
    [1.0, 1.6666666666666667, 1.6666666666666667, 1.6666666666666667, 5.0]
    """
    pools: list[list[float]] = []
    for height in heights:
        pools.append([height])
        # A pool that is not above its predecessor is merged with it.
        while len(pools) > 1 and fmean(pools[-2]) >= fmean(pools[-1]):
            last = pools.pop()
            pools[-1] += last
    return [fmean(pool) for pool in pools for _ in pool]
