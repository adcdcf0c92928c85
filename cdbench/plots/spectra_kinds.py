"""The spectra of every kind, of the last weight layer, side by side."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cdbench.plots.base import PlottedRun
from cdbench.plots.kinds import KIND_WORDS
from cdbench.plots.lines import draw_line, share_scale
from cdbench.plots.notes import number, write_under
from cdbench.plots.sheet import Layout, new_figure
from cdbench.plots.style import QUIET, looks_of, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LAYOUT = Layout(2, 3, height=7.6, gaps=(0.82, 0.22), bottom=1.25)
"""A panel for each kind, and one for a note on reading them."""

HOW_TO_READ = """Every spectrum is drawn relative to
its largest number and so falls
to 1/κ.

Numbers that count as zero are
left out: a line that stops before
100 % has a null part, and κ is ∞.

Only comparable kinds are the same
quantity in every model; only their
κ may be set against each other."""


def spectra_kinds(runs: Sequence[PlottedRun], source: str) -> "Figure":
    """Draw each spectrum relative to its largest number, so that it ends at 1/κ.

    Numbers that count as zero are left out: a line that ends early has a null part.

    Parameters
    ----------
    runs : sequence of PlottedRun
        What to draw, in the legend's order.
    source : str
        One line that says which runs these are; the footer.

    Returns
    -------
    matplotlib.figure.Figure
        A panel a kind, all on one scale.

    Raises
    ------
    MissingResultsError
        If there is no run, or one lacks a spectrum.
    """
    with style():
        title = "The last weight layer: five spectra, five κ; only two kinds compare models"
        figure, (*panels, last) = new_figure(runs, title, source, LAYOUT)
        for kind, panel in zip(KIND_WORDS, panels, strict=True):
            _draw(panel, runs, kind)
        share_scale(panels)
        last.set_axis_off()
        last.text(0, 1.0, HOW_TO_READ, va="top", fontsize=9, linespacing=1.45, color=QUIET)
    return figure


def _draw(axes: "Axes", runs: Sequence[PlottedRun], kind: str) -> None:
    """Draw one kind, and write the κ of every run under it."""
    lines = []
    for run, look in zip(runs, looks_of(runs), strict=True):
        spectrum = run.last_layer_spectrum(kind)
        kept = [value for value in spectrum.values if value > spectrum.condition.threshold]
        last = max(1, len(spectrum.values) - 1)
        shares = [100 * i / last for i in range(len(kept))]
        draw_line(axes, run, look, shares, [value / kept[0] for value in kept])
        lines.append(_kappa_line(run, kind))
    axes.set_yscale("log")
    words = KIND_WORDS[kind]
    axes.set_title(f"{kind}: {words.compares}\n{words.numbers}")
    axes.set_xlim(-2, 102)
    axes.set_xlabel("position, % of the numbers")
    write_under(axes, lines)


def _kappa_line(run: PlottedRun, kind: str) -> str:
    condition = run.last_layer_spectrum(kind).condition
    text = f"{run.short_label}: κ = {number(condition.kappa)}"
    if math.isinf(condition.kappa):
        rank = f"rank {condition.rank:,} of {condition.size:,}"
        text += f", non-null {number(condition.kappa_nonnull)}, {rank}"
    return text
