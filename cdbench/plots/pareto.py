"""Accuracy against size: which family reaches most with few parameters, or few multiply-adds."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from cdbench.plots.competitors import Competitor, families_of
from cdbench.plots.lines import share_scale, write_note
from cdbench.plots.sheet import Layout, new_sheet
from cdbench.plots.style import INK, Look, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DEPTH = 0.12
"""How far below the best accuracy the scale goes at most; what is lower is counted in a note."""

ABOVE = 1.2
"""Percent above the best mean that are shown, which its interval may need."""

SIZES: dict[str, Callable[[Competitor], int]] = {
    "parameters": lambda one: one.n_parameters,
    "multiply-adds of a sample": lambda one: one.multiply_adds,
}


def pareto(competitors: Sequence[Competitor], title: str, source: str) -> "Figure":
    """Draw mean test accuracies with intervals, joined over the budgets; best at every size in ink.

    Parameters
    ----------
    competitors : sequence of Competitor
        All budgets of a comparison.
    title, source : str
        What it is of, and where its numbers come from.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels on one scale.
    """
    looks = families_of(competitors)
    best = max(one.accuracy for one in competitors)
    floor = max(min(one.low for one in competitors), best - DEPTH)
    with style():
        figure, panels = new_sheet(looks, title, source, Layout(1, 2, 5.4))
        for axes, (name, size) in zip(panels, SIZES.items(), strict=True):
            for label, look in looks.items():
                own = [one for one in competitors if one.label == label]
                _draw(axes, own, size, look)
            _draw_front(axes, competitors, size)
            axes.set_xscale("log")
            axes.set_xlabel(f"{name} (log scale)")
            axes.xaxis.set_major_formatter("{x:,.0f}")
            _ticks(axes, [size(one) for one in competitors])
            axes.set_ylim(100 * floor - 0.5, min(100.0, 100 * best + ABOVE))
        share_scale(panels)
        panels[0].set_title("Test accuracy (%), with 95 % intervals over seeds")
        panels[1].set_title("grey: the best at each size")
        lost = [one for one in competitors if one.accuracy < floor]
        write_note(panels[0], len(lost), f"below {100 * floor:.0f} % not shown")
    return figure


def _draw(
    axes: "Axes", own: Sequence[Competitor], size: Callable[[Competitor], int], look: Look
) -> None:
    ordered = sorted(own, key=size)
    x, y = [size(one) for one in ordered], [100 * one.accuracy for one in ordered]
    axes.plot(x, y, color=look.color, linestyle=look.dash, marker=look.marker, linewidth=1.2)
    for one in ordered:
        axes.plot(
            [size(one)] * 2, [100 * one.low, 100 * one.high], color=look.color, linewidth=0.9,
            alpha=0.6, marker="",
        )  # fmt: skip


def _draw_front(
    axes: "Axes", competitors: Sequence[Competitor], size: Callable[[Competitor], int]
) -> None:
    """Draw the front: the models that none of the smaller ones reaches."""
    front: list[Competitor] = []
    for one in sorted(competitors, key=lambda own: (size(own), -own.accuracy)):
        if not front or one.accuracy > front[-1].accuracy:
            front.append(one)
    axes.step(
        [size(one) for one in front], [100 * one.accuracy for one in front], where="post",
        color=INK, linewidth=6, alpha=0.1, marker="", zorder=0,
    )  # fmt: skip


def _ticks(axes: "Axes", sizes: Sequence[int]) -> None:
    ticks = [digit * 10**power for power in range(1, 9) for digit in (1, 2, 5)]
    low, high = min(sizes) / 1.15, max(sizes) * 1.15
    axes.set_xlim(low, high)
    axes.set_xticks([tick for tick in ticks if low <= tick <= high])
    axes.set_xticks([], minor=True)
