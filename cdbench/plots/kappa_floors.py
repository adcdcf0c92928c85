"""κ against a noise floor: whether an advantage is there where directions have power."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cdbench.plots.base import Model
from cdbench.plots.lines import draw_band, draw_positive, share_scale
from cdbench.plots.notes import count_points, number, write_under
from cdbench.plots.samples import Sample, models_of, quartiles
from cdbench.plots.sheet import LEFT, WIDTH, Layout, new_sheet
from cdbench.plots.style import QUIET, SHADE, Look, looks_of, style
from cdbench.statistics.averages import median

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CUT, DAMPED = "cut", "damped"
"""The quantities: κ of the numbers that reach the floor, and κ with the floor added to each."""

DASHES = {CUT: "-", DAMPED: (0, (3, 1.6))}

STATED = {0.0: "at rounding", 1e-6: "above 1e-6", 1e-4: "above 1e-4"}
"""Levels at which ratios are also stated in numbers."""

N_COLUMNS = 2

BEFORE = 10**-1.6
"""How far left of the lowest floor κ at rounding is drawn, as a factor."""

WORDS = {CUT: "cut at the floor", DAMPED: "damped by the floor"}

CAPTION = (
    "lines and ratios: medians over seeds; bands: quartiles of the cut κ; damped: (largest + "
    "floor) / (smallest + floor)\n"
    "cut: largest / smallest of the numbers that are at least the floor; at rounding, κ of the "
    "non-null part"
)


def kappa_floors(samples: Sequence[Sample], source: str) -> "Figure":
    """Draw medians over seeds by noise floor: a panel for the weights, and one for each Hessian.

    Parameters
    ----------
    samples : sequence of Sample
        ``quantity`` is CUT, with quartiles, or DAMPED; ``x`` the floor as a share of the trace, 0
        for κ at rounding; ``weight_layer`` that of a Hessian, None for the weights. Values are in
        the order of the seeds. The first model is the one that the others are compared with.
    source : str
        One line that says where they come from; the footer.

    Returns
    -------
    matplotlib.figure.Figure
        Panels on one scale.

    Raises
    ------
    MissingResultsError
        If there is no sample.
    """
    models = models_of(samples)
    layers = list(dict.fromkeys(sample.weight_layer for sample in samples))
    n_rows = -(-len(layers) // N_COLUMNS)
    legend = {
        model.label: replace(look, dash=DASHES[CUT])
        for model, look in zip(models, looks_of(models), strict=True)
    }
    looks = dict(zip(models, legend.values(), strict=True))
    legend |= {WORDS[quantity]: Look(QUIET, dash, "") for quantity, dash in DASHES.items()}
    title = "κ above a noise floor, of dense and of CDLinear"
    layout = Layout(n_rows, N_COLUMNS, 1.9 + 3.1 * n_rows, gaps=(0.62, 0.14), bottom=1.6)
    with style():
        figure, panels = new_sheet(legend, title, source, layout)
        for panel, layer in zip(panels, layers, strict=False):
            own = [sample for sample in samples if sample.weight_layer == layer]
            panel.set_title(
                "weights, mean of layers" if layer is None else f"layer {layer}'s Hessian"
            )
            _draw(panel, looks, own)
        for panel in panels[::N_COLUMNS]:
            panel.set_ylabel("κ")
        for panel in panels[len(layers) :]:
            panel.remove()
        share_scale(panels[: len(layers)])
        _shade_bound(panels[: len(layers)])
        figure.text(LEFT / WIDTH, 0.32 / layout.height, CAPTION, fontsize=8, linespacing=1.4)
    return figure


def _draw(axes: "Axes", looks: dict[Model, Look], samples: Sequence[Sample]) -> None:
    """Draw one panel: its lines, with quartiles, and ratios in numbers under it."""
    levels = sorted({sample.x for sample in samples if sample.x})
    places = {level: level for level in levels} | {0.0: levels[0] * BEFORE}
    n_omitted = 0
    for quantity, dash in reversed(DASHES.items()):
        for model, look in looks.items():
            own = [s for s in samples if (s.quantity, s.model) == (quantity, model)]
            own.sort(key=lambda s: s.x)
            drawn = replace(look, dash=dash, marker=look.marker if quantity == CUT else "")
            x = [places[sample.x] for sample in own]
            if quantity == CUT:
                draw_band(axes, look, x, [quartiles(sample.values) for sample in own])
            n_omitted += draw_positive(axes, drawn, x, [sample.median for sample in own])
    axes.set_xscale("log")
    axes.set_yscale("log")
    shown = levels[::2]
    axes.set_xticks([places[0.0], *shown], ["rounding", *map(_power, shown)])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("noise floor, as a share of the trace")
    words = _ratios(samples, list(looks))
    words += [count_points(n_omitted, "infinite, not shown")] if n_omitted else []
    write_under(axes, words)


def _power(level: float) -> str:
    """Return a power of ten as the vertical axis writes it."""
    return f"$10^{{{math.log10(level):.0f}}}$"


def _ratios(samples: Sequence[Sample], models: Sequence[Model]) -> list[str]:
    """Return the median ratio of the first model's κ to each other's, at some of the levels."""
    values = {(s.model, s.x): s.values for s in samples if s.quantity == CUT}
    base, *others = models
    lines = []
    for other in others:
        stated = []
        for level, words in STATED.items():
            pairs = zip(values.get((base, level), ()), values.get((other, level), ()), strict=True)
            ratios = [a / b for a, b in pairs if math.isfinite(a) or math.isfinite(b)]
            if ratios:
                stated.append(f"{number(median(ratios))} {words}")
        lines.append(f"{base.short_label} / {other.short_label}: {', '.join(stated)}")
    return lines


def _shade_bound(panels: Sequence["Axes"]) -> None:
    """Shade where no κ above a floor can be: the largest number is at most the trace."""
    for axes in panels:
        top, (left, right) = axes.get_ylim()[1], axes.get_xlim()
        axes.fill_between(
            [1 / top, right], [top, 1 / right], top, color=SHADE, linewidth=0, zorder=0
        )
        axes.set_xlim(left, right)
    panels[0].annotate(
        "no κ can be here:\nit is at most 1 / floor", (1, 1), (-6, -6), "axes fraction",
        "offset points", ha="right", va="top", fontsize=8, color=QUIET,
    )  # fmt: skip
