"""κ as seeds come in: the running mean, and the running median."""

import math
from collections.abc import Callable, Sequence
from statistics import fmean, median
from typing import TYPE_CHECKING

from cdbench.plots.lines import draw_band, draw_positive_line, write_lines, write_note
from cdbench.plots.samples import Sample, models_of, quantities_of, quartiles
from cdbench.plots.sheet import new_figure
from cdbench.plots.style import looks_of, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PUBLISHED_SEEDS = 3
"""How many seeds the paper's Table 1 averages over."""

Statistic = Callable[[Sequence[float]], float]


def kappa_seeds(samples: Sequence[Sample], source: str) -> "Figure":
    """Draw running means above and running medians below; one column a quantity.

    Parameters
    ----------
    samples : sequence of Sample
        Of every quantity the same models, the first of them the one that the others are compared
        with; values in the order in which the seeds come in.
    source : str
        One line that says where they are from; the footer.

    Returns
    -------
    matplotlib.figure.Figure
        Two rows of panels; the two of a column have one scale.

    Raises
    ------
    MissingResultsError
        If there is no sample.
    """
    quantities = quantities_of(samples)
    with style():
        figure, panels = new_figure(
            models_of(samples),
            "κ as seeds come in: outliers make the mean, the median settles",
            source,
            grid=(2, max(1, len(quantities))),
            height=7.4,
            gaps=(0.5, 0.27),
        )
        for i, quantity in enumerate(quantities):
            shown = [sample for sample in samples if sample.quantity == quantity]
            above, below = panels[i], panels[i + len(quantities)]
            _draw(above, shown, fmean)
            _draw(below, shown, median)
            above.set_title(f"{quantity}\nmean so far")
            below.set_title("median so far, with quartiles")
            _say_ratios(above, shown, _ratio_of_means, "ratio of means")
            _say_ratios(below, shown, _median_ratio, "median of ratios")
            limits = [*above.get_ylim(), *below.get_ylim()]
            for panel in (above, below):
                panel.set_ylim(min(limits), max(limits))
                panel.set_xlim(0.5, None)
    return figure


def so_far(values: Sequence[float], statistic: Statistic) -> list[float]:
    """Return a statistic of the first value, of the first two, and so on."""
    return [statistic(values[:n]) for n in range(1, len(values) + 1)]


def _draw(axes: "Axes", samples: Sequence[Sample], statistic: Statistic) -> None:
    """Draw one panel: a line a model, and with the median the quartiles."""
    axes.set_yscale("log")
    axes.axvspan(0.5, PUBLISHED_SEEDS, color="#f0f0f0", zorder=0, linewidth=0)
    n_infinite = 0
    for sample, look in zip(samples, looks_of([s.model for s in samples]), strict=True):
        seeds = range(1, len(sample.values) + 1)
        if statistic is median:
            low, high = zip(*(quartiles(sample.values[:n]) for n in seeds), strict=True)
            draw_band(axes, look, seeds, low, high)
        n_infinite += draw_positive_line(
            axes, sample.model, look, seeds, so_far(sample.values, statistic)
        )
    axes.locator_params(axis="x", integer=True)
    axes.set_xlabel("number of seeds")
    write_note(axes, n_infinite, "infinite, not shown")
