"""Score against size: which family reaches most with few parameters, or few multiply-adds."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from cdbench.plots.competitors import Competitor, families_of
from cdbench.plots.lines import share_scale, write_note
from cdbench.plots.sheet import Layout, new_sheet
from cdbench.plots.style import INK, Look, style
from cdbench.statistics.measures import Measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DEPTHS = {"accuracy": 0.12, "r2": 0.3, "bits_per_character": 0.5}
"""How much worse than the best the scale shows at most; what is worse still a note counts."""

AHEAD, BEHIND = 1 / 10, 1 / 24
"""Shares of that by which it goes beyond the best mean, and beyond its interval and the worst."""

SIZES: dict[str, Callable[[Competitor], int]] = {
    "parameters": lambda one: one.n_parameters,
    "multiply-adds of a sample": lambda one: one.multiply_adds,
}


def pareto(
    competitors: Sequence[Competitor], measure: Measure, title: str, source: str
) -> "Figure":
    """Draw mean test scores with intervals, joined over the budgets; best at every size in ink.

    Parameters
    ----------
    competitors : sequence of Competitor
        All budgets of a comparison.
    measure : Measure
        What it ranks by.
    title, source : str
        What it is of, and where its numbers come from.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels on one scale.
    """
    looks = families_of(competitors)
    first = max(competitors, key=lambda one: measure.merit(one.score))
    best, depth = measure.merit(first.score), DEPTHS[measure.name]
    worst = min(measure.merit(end) for one in competitors for end in (one.low, one.high))
    floor = max(worst, best - depth)
    tops = [measure.merit(end) + BEHIND * depth for end in (first.low, first.high)]
    top = max(best + AHEAD * depth, *tops)
    less = "; less is better" if measure.sign < 0 else ""
    with style():
        figure, panels = new_sheet(looks, title, source, Layout(1, 2, 5.4))
        for axes, (name, size) in zip(panels, SIZES.items(), strict=True):
            for label, look in looks.items():
                own = [one for one in competitors if one.label == label]
                _draw(axes, own, size, look, measure.scale)
            _draw_front(axes, competitors, size, measure)
            axes.set_xscale("log")
            axes.set_xlabel(f"{name} (log scale)")
            axes.xaxis.set_major_formatter("{x:,.0f}")
            _ticks(axes, [size(one) for one in competitors])
            axes.set_ylim(_limits(top, floor, measure))
        share_scale(panels)
        panels[0].set_title(f"Test {measure.label}, with 95 % intervals over seeds")
        panels[1].set_title(f"grey: the best at each size{less}")
        lost = [one for one in competitors if measure.merit(one.score) < floor]
        end = f"{measure.beyond} {measure.format_roughly(measure.merit(floor))}"
        write_note(panels[0], len(lost), f"{end} not shown")
    return figure


def _limits(top: float, floor: float, measure: Measure) -> tuple[float, float]:
    """Return the ends of the scale, from the highest and the lowest merit shown."""
    ends = [floor - BEHIND * DEPTHS[measure.name], top]
    if measure.sign > 0:
        ends[1] = min(1.0, ends[1])
    low, high = sorted(measure.scale * measure.merit(end) for end in ends)
    return low, high


def _draw(
    axes: "Axes",
    own: Sequence[Competitor],
    size: Callable[[Competitor], int],
    look: Look,
    scale: float,
) -> None:
    ordered = sorted(own, key=size)
    x, y = [size(one) for one in ordered], [scale * one.score for one in ordered]
    axes.plot(x, y, color=look.color, linestyle=look.dash, marker=look.marker, linewidth=1.2)
    for one in ordered:
        axes.plot(
            [size(one)] * 2, [scale * one.low, scale * one.high], color=look.color, linewidth=0.9,
            alpha=0.6, marker="",
        )  # fmt: skip


def _draw_front(
    axes: "Axes",
    competitors: Sequence[Competitor],
    size: Callable[[Competitor], int],
    measure: Measure,
) -> None:
    """Draw the front: the models that none of the smaller ones reaches."""
    front: list[Competitor] = []
    for one in sorted(competitors, key=lambda own: (size(own), -measure.merit(own.score))):
        if not front or measure.merit(one.score) > measure.merit(front[-1].score):
            front.append(one)
    axes.step(
        [size(one) for one in front], [measure.scale * one.score for one in front], where="post",
        color=INK, linewidth=6, alpha=0.1, marker="", zorder=0,
    )  # fmt: skip


def _ticks(axes: "Axes", sizes: Sequence[int]) -> None:
    ticks = [digit * 10**power for power in range(1, 9) for digit in (1, 2, 5)]
    low, high = min(sizes) / 1.15, max(sizes) * 1.15
    axes.set_xlim(low, high)
    axes.set_xticks([tick for tick in ticks if low <= tick <= high])
    axes.set_xticks([], minor=True)
