"""Time of a layer against its width: dense and every product, one panel per block size."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cdbench.errors import MissingResultsError
from cdbench.plots.lines import draw_band, share_scale
from cdbench.plots.notes import write_under
from cdbench.plots.sheet import Layout, new_sheet
from cdbench.plots.style import BLUE, DENSE_LOOK, INK, ORANGE, QUIET, YELLOW, Look, style
from cdbench.records.benchmark import DENSE, Timing, by_size, crossover

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 4
"""Most panels side by side."""

LABELS = 16
"""How many widths a row of panels has room to name."""

PRODUCT_LOOKS: dict[str, Look] = {
    DENSE: DENSE_LOOK,
    "gather": YELLOW,
    "polygon": BLUE,
    "fft": ORANGE,
}

NOTE = (
    "ringed: what auto picks for such a layer alone; shaded: quartiles; dotted line: from here on "
    "a product beats dense in three of four rounds"
)

Row = dict[str, Timing]
"""Timings of one size, by product."""


def draw_crossover(timings: Sequence[Timing], source: str) -> "Figure":
    """Draw the time of a pass against n: medians with quartiles.

    Parameters
    ----------
    timings : sequence of Timing
        Timings of one benchmark.
    source : str
        One line that says where they come from; the footer.

    Returns
    -------
    matplotlib.figure.Figure
        Rows of panels for each dtype and N, one panel for each B, all on one scale.

    Raises
    ------
    MissingResultsError
        If there are no timings.
    """
    if not timings:
        raise MissingResultsError("a figure needs at least one time, got none")
    groups: dict[tuple[str, int], dict[int, list[Row]]] = {}
    for size, row in by_size(timings).items():
        groups.setdefault((size.dtype, size.N), {}).setdefault(size.B, []).append(row)
    n_blocks = max(map(len, groups.values()))
    columns, rows = min(n_blocks, COLUMNS), -(-n_blocks // COLUMNS)
    n_rows = rows * len(groups)
    shown = {timing.product for timing in timings}
    looks = {product: look for product, look in PRODUCT_LOOKS.items() if product in shown}
    with style():
        figure, panels = new_sheet(
            looks,
            "Forward and backward pass of one n × n layer",
            source,
            Layout(n_rows, columns, 1.65 + 2.5 * n_rows, (0.42, 0.22), bottom=1.0),
        )
        free = iter(panels)
        for (dtype, N), blocks in groups.items():
            own = [next(free) for _ in range(rows * columns)]
            for B, axes in zip(blocks, own, strict=False):
                _draw(axes, blocks[B], looks, columns)
                axes.set_title(f"B = {B}\n{dtype}, N = {N:,}")
            for axes in own[len(blocks) :]:
                axes.remove()
        share_scale(figure.axes)
        _name_axes(panels, columns)
        write_under(panels[-columns], [NOTE])
    return figure


def _draw(axes: "Axes", rows: Sequence[Row], looks: dict[str, Look], columns: int) -> None:
    """Draw every product's line, ring the planned products, and mark where dense is beaten."""
    axes.set(xscale="log", yscale="log")
    for product, look in looks.items():
        timings = [row[product] for row in rows if product in row]
        n = [timing.size.n for timing in timings]
        milliseconds = [1e3 * timing.seconds for timing in timings]
        draw_band(axes, look, n, [(1e3 * t.seconds_low, 1e3 * t.seconds_high) for t in timings])
        axes.plot(n, milliseconds, color=look.color, linestyle=look.dash, marker=look.marker)
        planned = [i for i, timing in enumerate(timings) if timing.is_planned]
        axes.plot(
            [n[i] for i in planned], [milliseconds[i] for i in planned], "o", markersize=12,
            markerfacecolor="none", markeredgecolor=INK, markeredgewidth=0.9,
        )  # fmt: skip
    widths = [next(iter(row.values())).size.n for row in rows]
    ticks = _apart(widths, LABELS // columns)
    axes.set_xticks(ticks, [f"{width:,}" for width in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlim(widths[0] / 1.5, widths[-1] * 1.5)
    first = crossover(rows)
    if first is not None:
        axes.axvline(first, color=QUIET, linewidth=1.0, linestyle=(0, (1, 2)), zorder=1)


def _apart(widths: Sequence[int], n: int) -> list[int]:
    """Return at most n of the widths, far enough apart on a log scale to be named."""
    step = 0.99 * (widths[-1] / widths[0]) ** (1 / (n - 1))
    chosen = [widths[0]]
    for width in widths[1:]:
        if width >= step * chosen[-1]:
            chosen.append(width)
    return chosen


def _name_axes(panels: Sequence["Axes"], columns: int) -> None:
    """Label the time axis at the left of every row, and the n axis under the lowest panels."""
    for number, axes in enumerate(panels):
        axes.yaxis.set_major_formatter("{x:g}")
        if number % columns == 0:
            axes.set_ylabel("milliseconds")
        if number >= len(panels) - columns:
            axes.set_xlabel("n")
