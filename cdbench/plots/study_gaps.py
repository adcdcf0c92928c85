"""A study at a glance: every family beside the narrower dense network, a panel a part."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from cdbench.errors import MissingResultsError
from cdbench.plots.sheet import WIDTH, Layout, new_sheet
from cdbench.plots.style import BLUE, DENSE_LOOK, ORANGE, QUIET, YELLOW, Look, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3
ROW, PANEL = 0.19, 0.75
"""Heights of a family's row, and of a panel's heading and scale, in inches."""

NAMES, LETTER = 8.0, 0.062
"""Size of the rows' names, and the width of one of their letters, in inches."""

LINEAR = 1.0
"""Differences up to this many points are drawn to scale, larger ones by their logarithms."""

LOOKS = [Look(look.color, "-", "o") for look in (DENSE_LOOK, BLUE, ORANGE, YELLOW)]


class Gap(NamedTuple):
    """A family at a size: its difference to the narrower dense network, and the interval."""

    family: str
    size: float
    difference: float
    low: float
    high: float


class Panel(NamedTuple):
    """A part: its name, the unit of its differences, and these, of which more is better."""

    part: str
    unit: str
    gaps: Sequence[Gap]


def study_gaps(panels: Sequence[Panel], title: str, source: str) -> "Figure":
    """Draw a panel a part and in it a row a family, a mark a size.

    Parameters
    ----------
    panels : sequence of Panel
        The parts. Families have the same rows in all, the best over the parts on top.
    title, source : str
        What it is of, and where its numbers come from.

    Returns
    -------
    matplotlib.figure.Figure
        The panels, three side by side. Their scale is linear up to one point.

    Raises
    ------
    MissingResultsError
        If there is no difference to draw.
    """
    gaps = [gap for panel in panels for gap in panel.gaps]
    if not gaps:
        raise MissingResultsError(f"{title}: no part has a difference to draw")
    sizes = sorted({gap.size for gap in gaps}, reverse=True)
    looks = {size: LOOKS[min(place, len(LOOKS) - 1)] for place, size in enumerate(sizes)}
    families = _ordered(panels)
    columns = min(COLUMNS, len(panels))
    n_rows = -(-len(panels) // columns)
    rows, names = ROW * len(families), 0.25 + LETTER * max(map(len, families))
    layout = Layout(n_rows, columns, 1.6 + n_rows * (PANEL + rows), gaps=(PANEL / rows, 0.12))
    legend = {f"size {size:g}, 95 % interval": look for size, look in looks.items()}
    with style():
        figure, axes = new_sheet(legend, title, source, layout)
        figure.subplots_adjust(left=names / WIDTH)
        for place, (panel, own) in enumerate(zip(panels, axes, strict=False)):
            _draw(own, panel, families, looks)
            own.set_yticks(range(len(families)), families if place % columns == 0 else [])
            own.tick_params(axis="y", labelsize=NAMES)
        for own in axes[len(panels) :]:
            own.remove()
    return figure


def _ordered(panels: Sequence[Panel]) -> list[str]:
    """Return the families by their mean place over the parts and sizes, the best first."""
    places: dict[str, list[float]] = {}
    for panel in panels:
        for size in {gap.size for gap in panel.gaps}:
            at = sorted((g for g in panel.gaps if g.size == size), key=lambda g: -g.difference)
            for place, gap in enumerate(at):
                places.setdefault(gap.family, []).append(place / len(at))
    return sorted(places, key=lambda family: sum(places[family]) / len(places[family]))


def _draw(axes: "Axes", panel: Panel, families: list[str], looks: dict[float, Look]) -> None:
    for gap in panel.gaps:
        place = list(looks).index(gap.size)
        row = families.index(gap.family) + 0.22 * (place - (len(looks) - 1) / 2)
        color = looks[gap.size].color
        axes.plot([gap.low, gap.high], [row, row], color=color, linewidth=1.3, marker="")
        axes.plot([gap.difference], [row], "o", color=color, markersize=3.6)
    axes.axvline(0, color=QUIET, linewidth=0.9)
    axes.set_xscale("symlog", linthresh=LINEAR)
    _mark(axes)
    axes.set_ylim(len(families) - 0.4, -0.6)
    axes.set_title(f"{panel.part} ({panel.unit})", fontsize=9, loc="left")
    axes.tick_params(axis="x", labelsize=7.5)


def _mark(axes: "Axes") -> None:
    """Mark round numbers that are far enough apart to be read."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    left, right = axes.get_xlim()
    near = (-0.4, -0.2, 0.2, 0.4) if right - left < 1 else (-0.5, 0.5)
    round_numbers = (-100, -10, -3, -1, 0, 1, 3, 10, *near)
    marks = [x for x in round_numbers if left <= x <= right]
    axes.xaxis.set_major_locator(FixedLocator(marks))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}".replace("-", "−")))
    axes.xaxis.set_minor_locator(NullLocator())
