"""Theorem 2 on N samples: κ measured, by the Marchenko–Pastur law, and by the paper's rate."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cdbench.plots.lines import draw_positive, share_scale
from cdbench.plots.notes import count_points, write_under
from cdbench.plots.samples import Sample, models_of, quartiles
from cdbench.plots.sheet import Layout, new_sheet
from cdbench.plots.style import INK, Look, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MEASURED, MARCHENKO_PASTUR, PUBLISHED = "measured", "Marchenko–Pastur", "1 + √(B/N)"
"""The quantities drawn, all at the same N."""

LOOKS = {
    MEASURED: Look(INK, "", "o"),
    MARCHENKO_PASTUR: Look("#0072b2", "-", ""),
    PUBLISHED: Look("#d55e00", (0, (4, 1.5)), ""),
}

N_COLUMNS = 3

STATED_N = 1437
"""N at which κ is also stated in numbers: the size of the training split of digits."""


def theorem2(samples: Sequence[Sample], source: str) -> "Figure":
    """Draw κ - 1 against the number N of samples: one panel per model, all on one scale.

    Parameters
    ----------
    samples : sequence of Sample
        All three quantities of every model; ``x`` is N, values are over replicates.
    source : str
        One line that says where they come from; the footer.

    Returns
    -------
    matplotlib.figure.Figure
        One panel per model.

    Raises
    ------
    MissingResultsError
        If there is no sample.
    """
    models = models_of(samples)
    legend = {
        "measured, with quartiles": LOOKS[MEASURED],
        "Marchenko–Pastur law, q = n/(BN)": LOOKS[MARCHENKO_PASTUR],
        "the paper's 1 + √(B/N)": LOOKS[PUBLISHED],
    }
    title = "κ on N samples of whitened inputs follows Marchenko–Pastur: it falls with B, not rises"
    n_rows = -(-len(models) // N_COLUMNS)
    layout = Layout(
        n_rows, min(N_COLUMNS, len(models)), 1.5 + 3.0 * n_rows, gaps=(0.55, 0.22), bottom=1.0
    )
    with style():
        figure, panels = new_sheet(legend, title, source, layout)
        for model, panel in zip(models, panels, strict=False):
            own = [sample for sample in samples if sample.model == model]
            name = "dense (B = 1)" if model.B is None else model.short_label
            panel.set_title(f"{name}: κ − 1")
            _draw(panel, own)
        for panel in panels[len(models) :]:
            panel.remove()
        share_scale(panels[: len(models)])
    return figure


def _draw(axes: "Axes", samples: Sequence[Sample]) -> None:
    """Draw one model's measured κ - 1 with quartiles, on top of the predictions of the two laws."""
    n_omitted = 0
    for quantity in (PUBLISHED, MARCHENKO_PASTUR, MEASURED):
        own = sorted((s for s in samples if s.quantity == quantity), key=lambda s: s.x)
        look, x = LOOKS[quantity], [sample.x for sample in own]
        n_omitted += draw_positive(axes, look, x, [sample.median - 1 for sample in own])
        if quantity == MEASURED:
            for sample in own:
                axes.plot([sample.x] * 2, _finite_ends(sample), color=look.color)
    sizes = sorted({sample.x for sample in samples})
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks([size for size in sizes if size in (sizes[0], STATED_N, sizes[-1])])
    axes.set_xticks([], minor=True)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("N (log scale)")
    stated = {sample.quantity: f"{sample.median:.2f}" for sample in samples if sample.x == STATED_N}
    words = []
    if len(stated) == len(LOOKS):
        laws = f"{stated[MARCHENKO_PASTUR]} and {stated[PUBLISHED]}"
        words.append(f"κ at N = {STATED_N:,}: {stated[MEASURED]}; by the laws {laws}")
    words += [count_points(n_omitted, "0 or infinite, not shown")] if n_omitted else []
    write_under(axes, words)


def _finite_ends(sample: Sample) -> list[float]:
    """Return both quartiles minus 1, with NaN for infinite ones."""
    return [end - 1 if math.isfinite(end) else math.nan for end in quartiles(sample.values)]
