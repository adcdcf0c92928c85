"""Validation accuracy against the learning rate: how wide the range is that works."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cdbench.plots.competitors import Competitor, families_of
from cdbench.plots.lines import share_scale, write_note
from cdbench.plots.sheet import Layout, new_sheet
from cdbench.plots.style import Look, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DEPTH = 0.25
"""How far below the best accuracy the scale goes."""


def rate_curves(competitors: Sequence[Competitor], title: str, source: str) -> "Figure":
    """Draw a panel for each budget: a line a family, with a ring where its rate was chosen.

    Parameters
    ----------
    competitors : sequence of Competitor
        All budgets of a comparison; the dense network of full width is in every panel.
    title, source : str
        What it is of, and where its numbers come from.

    Returns
    -------
    matplotlib.figure.Figure
        The panels, on one scale.
    """
    looks = families_of(competitors)
    budgets = list(dict.fromkeys(one.budget for one in competitors if one.budget != 1))
    best = max(a for one in competitors for _, a in one.rates if a is not None)
    n_rows = -(-len(budgets) // 2)
    with style():
        figure, panels = new_sheet(
            looks, title, source, Layout(n_rows, min(2, len(budgets)), 1.9 + 3.5 * n_rows)
        )
        for axes, budget in zip(panels, budgets, strict=False):
            shown = [one for one in competitors if one.budget == budget]
            hidden = sum(_draw(axes, one, looks[one.label], best - DEPTH) for one in shown)
            axes.set_xscale("log")
            axes.set_title(f"budget {budget:g}")
            axes.set_ylim(100 * (best - DEPTH), 100 * best + 1)
            write_note(axes, hidden, f"below {100 * (best - DEPTH):.0f} %, or not completed")
        for axes in panels[len(budgets) :]:
            axes.remove()
        drawn = panels[: len(budgets)]
        share_scale(drawn)
        for axes in drawn[:: min(2, len(budgets))]:
            axes.set_ylabel("validation accuracy (%)")
        for axes in drawn:
            axes.set_xlabel("learning rate η (log scale)")
    return figure


def _draw(axes: "Axes", one: Competitor, look: Look, floor: float) -> int:
    """Draw one family's line; return how many of its points are not shown."""
    points = [(rate, a) for rate, a in one.rates if a is not None]
    axes.plot(
        [rate for rate, _ in points], [100 * a for _, a in points], color=look.color,
        linestyle=look.dash, marker=look.marker, markersize=4.5, linewidth=1.2,
    )  # fmt: skip
    chosen = [(rate, a) for rate, a in points if rate == one.best_rate]
    axes.plot(
        [rate for rate, _ in chosen], [100 * a for _, a in chosen], linestyle="", marker="o",
        markersize=10, markerfacecolor="none", markeredgecolor=look.color, markeredgewidth=1.2,
    )  # fmt: skip
    return len(one.rates) - sum(a >= floor for _, a in points)
