"""Spectra of all kinds side by side: of the last weight layer, and of the network."""

import math
import sys
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from cdbench.plots.base import PlottedRun
from cdbench.plots.kinds import KIND_WORDS, NETWORK
from cdbench.plots.lines import draw_line, share_scale
from cdbench.plots.notes import number, write_under
from cdbench.plots.sheet import LEFT, WIDTH, Layout, new_figure
from cdbench.plots.style import QUIET, looks_of, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LAYOUT = Layout(2, 3, height=8.2, gaps=(0.82, 0.22), bottom=1.9)
"""A panel for each kind: those that compare models at the top, the others below."""

HOW_TO_READ = """\
Each spectrum is drawn relative to its largest number and so falls to 1/κ. Numbers that count as \
zero are left out: a line that ends
before 100 % has a null part. All are of the last weight layer, but network is of all parameters: \
its few large numbers need a log axis, and
where it is estimated, the flat end stands for all that is too small to tell apart, zeros among it.\
"""


ROUGH_BELOW = 1e-2
"""Share of the largest eigenvalue below which short Lanczos runs give only a rough density."""


def spectra_kinds(runs: Sequence[PlottedRun], source: str) -> "Figure":
    """Draw each spectrum divided by its largest number, so that it ends at 1/κ.

    Numbers that count as zero are left out, so a line that ends early has a null part.

    Parameters
    ----------
    runs : sequence of PlottedRun
        What to draw, in the legend's order.
    source : str
        One line that says which runs these are; the footer.

    Returns
    -------
    matplotlib.figure.Figure
        One panel per kind, all on one scale.

    Raises
    ------
    MissingResultsError
        If there is no run, or one lacks a spectrum.
    """
    with style():
        title = "Six spectra, six κ: only those of the upper row compare models"
        figure, panels = new_figure(runs, title, source, LAYOUT)
        for kind, panel in zip(KIND_WORDS, panels, strict=True):
            if kind == NETWORK:
                _draw_network(panel, runs)
            else:
                _draw_layer(panel, runs, kind)
            panel.set_yscale("log")
        share_scale(panels)
        figure.text(
            LEFT / WIDTH, 0.36 / LAYOUT.height, HOW_TO_READ,
            fontsize=8, linespacing=1.4, color=QUIET, parse_math=False,
        )  # fmt: skip
    return figure


def _draw_layer(axes: "Axes", runs: Sequence[PlottedRun], kind: str) -> None:
    """Draw one kind for the last layer, and write the κ of every run under it."""
    lines = []
    for run, look in zip(runs, looks_of(runs), strict=True):
        spectrum = run.last_layer_spectrum(kind)
        kept = [value for value in spectrum.values if value > spectrum.condition.threshold]
        last = max(1, len(spectrum.values) - 1)
        shares = [100 * i / last for i in range(len(kept))]
        draw_line(axes, run, look, shares, [value / kept[0] for value in kept])
        lines.append(_kappa_line(run, kind))
    words = KIND_WORDS[kind]
    axes.set_title(f"{kind}: {words.compares}\n{words.numbers}")
    axes.set_xlim(-2, 102)
    axes.set_xlabel("position, % of the numbers")
    write_under(axes, lines)


def _draw_network(axes: "Axes", runs: Sequence[PlottedRun]) -> None:
    """Draw the whole network's eigenvalues against the share of them at least as large.

    Each node of an estimate stands for many eigenvalues, which only the share shows.
    """
    lines: list[str] = []
    spectra = [run.network_spectrum() for run in runs]
    for run, look, spectrum in zip(runs, looks_of(runs), spectra, strict=True):
        largest, size = spectrum.nodes[0], spectrum.size
        rounding = size * sys.float_info.epsilon * largest
        kept = [node / largest for node in spectrum.nodes if node > rounding]
        shares = [100 * share for share in accumulate(spectrum.weights[: len(kept)])]
        draw_line(axes, run, look, shares, kept)
        # Nodes are crowded, so markers are spaced evenly along the line.
        axes.lines[-1].set_markevery((0.05 * len(lines), 0.15))
        effective = f"effective rank {number(spectrum.effective_rank)} of {size:,}"
        lines.append(f"{run.short_label}: κ = {number(spectrum.kappa)}, {effective}")
    estimated = any(curvature.method == "lanczos" for curvature in spectra)
    if estimated:
        axes.axhline(ROUGH_BELOW, color=QUIET, linestyle=":", linewidth=1.0, zorder=1)
        axes.annotate(
            "below: only\nroughly known", (0, ROUGH_BELOW), (3, -3),
            ("axes fraction", "data"), "offset points", va="top", fontsize=8, color=QUIET,
        )  # fmt: skip
    words = KIND_WORDS[NETWORK]
    how = "estimated" if estimated else "exact"
    axes.set_title(f"{NETWORK}: {words.compares}, {how}\n{words.numbers}")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("% as large or larger, log scale")
    write_under(axes, lines)


def _kappa_line(run: PlottedRun, kind: str) -> str:
    condition = run.last_layer_spectrum(kind).condition
    text = f"{run.short_label}: κ = {number(condition.kappa)}"
    if math.isinf(condition.kappa):
        rank = f"rank {condition.rank:,} of {condition.size:,}"
        text += f", non-null {number(condition.kappa_nonnull)}, {rank}"
    return text
