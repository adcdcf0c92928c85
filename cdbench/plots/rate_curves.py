"""Validation accuracy or loss against the learning rate: how wide the range is that works."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from cdbench.plots.competitors import Competitor, families_of
from cdbench.plots.lines import share_scale, write_note
from cdbench.plots.sheet import Layout, new_sheet
from cdbench.plots.style import Look, style
from cdbench.statistics.measures import Measure
from cdbench.statistics.numerals import format_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DEPTH = 0.25
"""How far below the best accuracy the scale goes; above the lowest loss by as much again."""

AHEAD = 1 / 25
"""Share of that by which it goes beyond the best."""


class _Scale(NamedTuple):
    """A scale of accuracies in percent, or of losses."""

    label: str
    factor: float
    low: float
    high: float
    beyond: str


def _scale_of(competitors: Sequence[Competitor], measure: Measure) -> _Scale:
    drawn = [own for one in competitors for _, own in one.rates if own is not None]
    if measure.is_chosen_by_accuracy:
        best, floor = max(drawn), max(drawn) - DEPTH
        high = 100 * (best + AHEAD * DEPTH)
        label = "validation accuracy (%)"
        return _Scale(label, 100.0, 100 * floor, high, f"below {100 * floor:.0f} %")
    best = min(drawn)
    low = (1 - AHEAD) * best
    return _Scale("validation loss", 1.0, low, 2 * best, f"above {format_number(2 * best)}")


def rate_curves(
    competitors: Sequence[Competitor], measure: Measure, title: str, source: str
) -> "Figure":
    """Draw a panel for each budget: a line a family, with a ring where its rate was chosen.

    Parameters
    ----------
    competitors : sequence of Competitor
        All budgets of a comparison; the dense network of full width is in every panel.
    measure : Measure
        What it ranks by, which tells what its rates are chosen by.
    title, source : str
        What it is of, and where its numbers come from.

    Returns
    -------
    matplotlib.figure.Figure
        The panels, on one scale.
    """
    looks = families_of(competitors)
    budgets = list(dict.fromkeys(one.budget for one in competitors if one.budget != 1))
    scale = _scale_of(competitors, measure)
    n_rows = -(-len(budgets) // 2)
    with style():
        figure, panels = new_sheet(
            looks, title, source, Layout(n_rows, min(2, len(budgets)), 1.9 + 3.5 * n_rows)
        )
        for axes, budget in zip(panels, budgets, strict=False):
            shown = [one for one in competitors if one.budget == budget]
            hidden = sum(_draw(axes, one, looks[one.label], scale) for one in shown)
            axes.set_xscale("log")
            axes.set_title(f"budget {budget:g}")
            axes.set_ylim(scale.low, scale.high)
            write_note(axes, hidden, f"{scale.beyond}, or not completed")
        for axes in panels[len(budgets) :]:
            axes.remove()
        drawn = panels[: len(budgets)]
        share_scale(drawn)
        for axes in drawn[:: min(2, len(budgets))]:
            axes.set_ylabel(scale.label)
        for axes in drawn:
            axes.set_xlabel("learning rate η (log scale)")
    return figure


def _draw(axes: "Axes", one: Competitor, look: Look, scale: _Scale) -> int:
    """Draw one family's line; return how many of its points are not shown."""
    points = [(rate, scale.factor * own) for rate, own in one.rates if own is not None]
    axes.plot(
        [rate for rate, _ in points], [y for _, y in points], color=look.color,
        linestyle=look.dash, marker=look.marker, markersize=4.5, linewidth=1.2,
    )  # fmt: skip
    chosen = [(rate, y) for rate, y in points if rate == one.best_rate]
    axes.plot(
        [rate for rate, _ in chosen], [y for _, y in chosen], linestyle="", marker="o",
        markersize=10, markerfacecolor="none", markeredgecolor=look.color, markeredgewidth=1.2,
    )  # fmt: skip
    return len(one.rates) - sum(scale.low <= y <= scale.high for _, y in points)
