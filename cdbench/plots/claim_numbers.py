"""The numbers of one claim with their intervals, a panel for each quantity."""

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

from cdbench.errors import MissingResultsError
from cdbench.plots.sheet import RIGHT, WIDTH, Layout, new_sheet
from cdbench.plots.style import QUIET, Look, style
from cdbench.records.judgement import Measurement

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OWN, WIDE = Look("#0072b2", "", "o"), Look("#9ecae1", "-", "")
"""The interval that a number was measured with, and that for new data of the kind."""

COLUMNS, MAX_PANELS = 2, 8
ROW, PANEL = 0.2, 0.85
"""Heights of a number's row, and of a panel's heading and scale, in inches."""

NAMES, LETTER = 8.5, 0.066
"""Size of the rows' names, and the width of one of their letters, in inches."""

FLOOR = ", above "
"""In the names of quantities above a noise floor, which are left out: there are many."""

SHARE = ", share"
"""At the end of the names of quantities that are shown in per cent."""

TEN, HUNDRED = 10, 100

HEADING = 42
"""Letters of a heading on one line."""


def claim_numbers(measurements: Sequence[Measurement], title: str, source: str) -> "Figure":
    """Draw a claim's estimates with their intervals, those that decide first on top.

    Parameters
    ----------
    measurements : sequence of Measurement
        Of one claim, in the order of its report. Those without an interval are left out, and κ
        above noise floors. Of more quantities than eight the first are drawn.
    title, source : str
        What it is of, and where its numbers come from.

    Returns
    -------
    matplotlib.figure.Figure
        A panel a quantity, a row a subject; shares in per cent, ratios on a logarithmic scale.

    Raises
    ------
    MissingResultsError
        If no number has an interval.
    """
    panels: dict[tuple[str, str], list[Measurement]] = {}
    for one in measurements:
        if one.low is not None and one.high is not None and FLOOR not in one.quantity:
            panels.setdefault((one.quantity, one.statistic), []).append(one)
    if not panels:
        raise MissingResultsError(f"{title}: none of its numbers has an interval to draw")
    shown = list(panels.items())[:MAX_PANELS]
    n_rows = -(-len(shown) // COLUMNS)
    most = max(len(own) for _, own in shown)
    rows, names = ROW * most, 0.2 + LETTER * max(len(_row(one)) for _, own in shown for one in own)
    gaps = PANEL / rows, names / ((WIDTH - RIGHT - COLUMNS * names) / COLUMNS)
    layout = Layout(n_rows, COLUMNS, 1.5 + n_rows * (PANEL + rows), gaps=gaps)
    legend = {"estimate, 95 % interval": OWN}
    if any(one.wide_low is not None for _, own in shown for one in own):
        legend["for new data of the kind"] = WIDE
    with style():
        figure, axes = new_sheet(legend, title, source, layout)
        figure.subplots_adjust(left=names / WIDTH)
        for panel, (_, own) in zip(axes, shown, strict=False):
            _draw(panel, own)
        for panel in axes[len(shown) :]:
            panel.remove()
    return figure


def _draw(axes: "Axes", own: Sequence[Measurement]) -> None:
    """Draw one quantity: a row a subject, the first on top."""
    factor = HUNDRED if own[0].quantity.endswith(SHARE) and "ratio" not in own[0].statistic else 1
    for row, one in enumerate(own):
        for ends, look, width in (
            ((one.wide_low, one.wide_high), WIDE, 4.5),
            ((one.low, one.high), OWN, 1.6),
        ):
            if None not in ends:
                known = [factor * end for end in ends if end is not None]
                axes.plot(known, [row, row], color=look.color, linewidth=width, marker="")
        axes.plot([factor * one.estimate], [row], "o", color=OWN.color, markersize=4.5)
    ratio = "ratio" in own[0].statistic
    if ratio or own[0].statistic == "median":
        axes.set_xscale("log")
        _mark_logarithms(axes)
    if ratio or "difference" in own[0].statistic:
        axes.axvline(1 if ratio else 0, color=QUIET, linewidth=0.9)
    axes.set_ylim(len(own) - 0.4, -0.6)
    axes.set_yticks(range(len(own)), [_row(one) for one in own], fontsize=NAMES)
    axes.grid(visible=False, axis="y")
    axes.set_title(_heading(own[0], factor), fontsize=8.5, loc="left")


def _mark_logarithms(axes: "Axes") -> None:
    """Mark whole powers of ten, or plain numbers where there is none between the ends."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, ScalarFormatter

    left, right = axes.get_xlim()
    if right / left > TEN:
        subs = (1.0,) if right / left > HUNDRED else (1.0, 3.0)
        axes.xaxis.set_major_locator(LogLocator(subs=subs, numticks=6))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())


def _row(one: Measurement) -> str:
    between = "/" if "ratio" in one.statistic else "−"
    return one.subject if one.baseline is None else f"{one.subject} {between} {one.baseline}"


def _heading(one: Measurement, factor: float) -> str:
    name = one.quantity.removesuffix(SHARE)
    unit = ", %" if factor == 100 else ""
    return fill(f"{one.statistic}: {name}{unit}", HEADING, break_on_hyphens=False)
