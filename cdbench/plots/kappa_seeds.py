"""By what factor κ improves on dense, as seeds are added: the ratio of means, and the median."""

import math
from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

from cdbench.errors import MissingResultsError
from cdbench.plots.kinds import compares
from cdbench.plots.lines import draw_band, draw_positive, share_scale
from cdbench.plots.notes import count_points, number, write_under
from cdbench.plots.samples import Sample, models_of, quantities_of, quartiles
from cdbench.plots.sheet import Layout, new_sheet
from cdbench.plots.style import INK, QUIET, SHADE, Look, style
from cdbench.statistics.averages import mean, median

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PUBLISHED_SEEDS = 3
"""How many seeds the paper's Table 1 averages over."""

MIN_BAND = 8
"""Fewest seeds for which quartiles are drawn; with fewer, they jump with every seed."""

MEANS = Look("#d55e00", (0, (4, 1.5)), "")
MEDIAN = Look(INK, "-", "")
ONE_SEED, PAPER = Look("#9a9a9a", "", "."), Look(SHADE, "", "s")


def kappa_seeds(samples: Sequence[Sample], source: str) -> "Figure":
    """Draw the first model's κ divided by each other model's: rows are models, columns quantities.

    Parameters
    ----------
    samples : sequence of Sample
        The same models for every quantity, starting with the one that the others are compared
        with; values in the order in which seeds are added.
    source : str
        One line that says where they come from; the footer.

    Returns
    -------
    matplotlib.figure.Figure
        The panels of one column share one scale.

    Raises
    ------
    MissingResultsError
        If there are fewer than two models to compare.
    """
    base, *others = models_of(samples)
    if not others:
        raise MissingResultsError("ratios of κ need two models, got one")
    quantities = quantities_of(samples)
    values = {(sample.quantity, sample.model): sample.values for sample in samples}
    legend = {
        "ratio of means": MEANS,
        "median ratio, with quartiles": MEDIAN,
        "one seed": ONE_SEED,
        "3 seeds, as in the paper": PAPER,
    }
    title = "Ratios of κ as seeds come in: one seed can make the mean; the median settles, slowly"
    layout = Layout(
        len(others), len(quantities), 1.4 + 3.2 * len(others), gaps=(0.62, 0.34), bottom=1.15
    )
    with style():
        figure, panels = new_sheet(legend, title, source, layout)
        for panel, (other, quantity) in zip(panels, product(others, quantities), strict=True):
            _draw(panel, values[quantity, base], values[quantity, other])
            names = f"{base.short_label} / {other.short_label}"
            panel.set_title(f"{quantity}: {names}\n{compares(quantity)}")
        for i in range(len(quantities)):
            share_scale(panels[i :: len(quantities)])
    return figure


def _draw(axes: "Axes", ours: Sequence[float], theirs: Sequence[float]) -> None:
    """Draw the ratio for every seed, and what all seeds up to each one give together."""
    n = len(ours)
    seeds = range(1, n + 1)
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    means = [mean(ours[:count]) / mean(theirs[:count]) for count in seeds]
    known = [[r for r in ratios[:count] if not math.isnan(r)] for count in seeds]
    medians = [median(some) if some else math.nan for some in known]
    axes.set_yscale("log")
    axes.axvspan(0.5, PUBLISHED_SEEDS + 0.5, color=SHADE, zorder=0, linewidth=0)
    axes.axhline(1.0, color=QUIET, linewidth=0.8, zorder=1)
    enough = [count for count in seeds if len(known[count - 1]) >= MIN_BAND]
    draw_band(axes, MEDIAN, enough, [quartiles(known[count - 1]) for count in enough])
    lines = ((ONE_SEED, ratios), (MEDIAN, medians), (MEANS, means))
    n_omitted = sum(draw_positive(axes, look, seeds, y) for look, y in lines)
    axes.set_xlim(0.5, max(n, PUBLISHED_SEEDS) + 0.5)
    axes.locator_params(axis="x", integer=True)
    axes.set_xlabel("number of seeds")
    words = [
        f"after {i + 1} seeds: means {number(means[i])}, median {number(medians[i])}"
        for i in sorted({min(n, PUBLISHED_SEEDS) - 1, n - 1})
    ]
    words += [count_points(n_omitted, "infinite, not shown")] if n_omitted else []
    write_under(axes, words)
