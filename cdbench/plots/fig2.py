"""Figure 2: the last weight layer's spectrum, as published and in comparable form."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cdbench.plots.base import PlottedRun
from cdbench.plots.lines import draw_positive_line, write_note
from cdbench.plots.sheet import new_figure
from cdbench.plots.style import looks_of, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_IN_A_COLUMN = 6
"""How many names of runs a panel has room for below each other."""


def fig2(runs: Sequence[PlottedRun], source: str) -> "Figure":
    """Draw the paper's Figure 2 and, beside it, the quantity by which models can be compared.

    The published numbers are squared singular values of W for dense layers, but unsquared
    magnitudes of the blocks' eigenvalues for CDLinear, so they are not the same quantity. The right
    panel shows the squared singular values of the whole W for both. Both panels share one scale.

    By the paper's caption, the dense layer has nine numbers over more than five decades. By the
    recipe, its last layer has ten rows, and so ten numbers, over about one decade.

    Parameters
    ----------
    runs : sequence of PlottedRun
        What to draw, in the legend's order.
    source : str
        One line that says which runs these are; the footer.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels: kind ``published``, kind ``weight``.

    Raises
    ------
    MissingResultsError
        If there is no run, or one lacks a spectrum.
    """
    with style():
        title = "Spectrum of the last weight layer at the end of training"
        figure, (left, right) = new_figure(runs, title, source)
        _draw_panel(left, runs, "published")
        _draw_panel(right, runs, "weight")
        left.set(
            title="As published: two different quantities\ndense σ²(W); CDLinear |ĉ|, not squared"
        )
        right.set(
            title="Like for like: one quantity\nσ²(W) of the whole layer, for every model",
        )
        lowest, highest = zip(left.get_ylim(), right.get_ylim(), strict=True)
        for panel in (left, right):
            panel.set_ylim(min(lowest), max(highest))
    return figure


def _draw_panel(axes: "Axes", runs: Sequence[PlottedRun], kind: str) -> None:
    """Draw one kind with each run's κ; numbers ≤ 0, which a log scale cannot show, are counted."""
    n_omitted = 0
    for run, look in zip(runs, looks_of(runs), strict=True):
        spectrum = run.last_layer_spectrum(kind)
        n_omitted += draw_positive_line(axes, run, look, spectrum.ranks, spectrum.values)
    axes.set_xscale("log")
    axes.set_yscale("log")
    longest = max(run.last_layer_spectrum(kind).ranks[-1] for run in runs)
    ticks = [digit * 10**power for power in range(9) for digit in (1, 2, 5)]
    axes.set_xticks([tick for tick in ticks if tick <= longest])
    axes.set_xticks([], minor=True)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("position, from the largest (log scale)")
    write_note(axes, n_omitted, "≤ 0 left out")
    labels = [_kappa_label(run, kind) for run in runs]
    axes.legend(
        axes.lines, labels, loc="lower left", fontsize=8.5, handlelength=3.2,
        ncols=1 + (len(runs) > MOST_IN_A_COLUMN), columnspacing=1.2,
    )  # fmt: skip


def _kappa_label(run: PlottedRun, kind: str) -> str:
    kappa = run.last_layer_spectrum(kind).condition.kappa
    number = "∞" if math.isinf(kappa) else f"{kappa:,.0f}" if kappa >= 100 else f"{kappa:.3g}"
    return f"{run.short_label}: κ = {number}"
