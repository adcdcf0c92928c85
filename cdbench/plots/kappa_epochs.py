"""κ in the course of training, by kind and layer."""

import math
from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

from cdbench.plots.kinds import compares
from cdbench.plots.lines import draw_band, draw_positive, share_scale
from cdbench.plots.notes import count_points, write_under
from cdbench.plots.samples import Sample, models_of, quantities_of, quartiles
from cdbench.plots.sheet import Layout, new_figure
from cdbench.plots.style import Look, looks_of, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HOLLOW = "hollow points: κ = ∞ for half of the seeds or more; drawn is κ of the non-null part"


STANDS_STILL = "κ during training: only the first layer's Hessian stands still"


def kappa_epochs(samples: Sequence[Sample], source: str, title: str = STANDS_STILL) -> "Figure":
    """Draw medians over seeds with quartiles by epoch: one column per kind, one row per layer.

    Where κ is infinite, κ of the non-null part is drawn. A median point is hollow if κ is infinite
    for half of the seeds or more.

    Parameters
    ----------
    samples : sequence of Sample
        κ of the non-null part; ``quantity`` is the kind, ``x`` the epoch.
    source : str
        One line that says where they come from; the footer.
    title : str, optional
        What they show.

    Returns
    -------
    matplotlib.figure.Figure
        Panels row by row, all on one scale.

    Raises
    ------
    MissingResultsError
        If there is no sample.
    """
    models, kinds = models_of(samples), quantities_of(samples)
    layers = list(dict.fromkeys(sample.weight_layer for sample in samples))
    height = 2.3 + 1.75 * len(layers)
    with style():
        layout = Layout(len(layers), len(kinds), height, gaps=(0.12, 0.12), bottom=1.0)
        figure, panels = new_figure(models, title, source, layout)
        for panel, (layer, kind) in zip(panels, product(layers, kinds), strict=True):
            shown = [s for s in samples if (s.weight_layer, s.quantity) == (layer, kind)]
            for model, look in zip(models, looks_of(models), strict=True):
                _draw(panel, look, [sample for sample in shown if sample.model == model])
            panel.set(xlabel="epoch", ylabel=f"κ, layer {layer}")
        for panel, kind in zip(panels, kinds, strict=False):
            panel.set_title(f"{kind}\n{compares(kind)}")
        n_infinite = sum(math.isinf(sample.median) for sample in samples)
        notes = [HOLLOW] if any(map(_is_singular, samples)) else []
        notes += [count_points(n_infinite, "infinite, not shown")] if n_infinite else []
        write_under(panels[-len(kinds)], notes)
        for panel in panels:
            panel.set_yscale("log")
            panel.locator_params(axis="x", integer=True)
            panel.label_outer()
        share_scale(panels)
    return figure


def _is_singular(sample: Sample) -> bool:
    return 2 * sample.n_singular >= len(sample.values)


def _draw(axes: "Axes", look: Look, samples: Sequence[Sample]) -> None:
    """Draw one model's line and band, its points hollow where κ is infinite."""
    ordered = sorted(samples, key=lambda sample: sample.x)
    epochs = [sample.x for sample in ordered]
    draw_band(axes, look, epochs, [quartiles(sample.values) for sample in ordered])
    draw_positive(axes, look, epochs, [sample.median for sample in ordered])
    singular = [s for s in ordered if _is_singular(s) and math.isfinite(s.median)]
    axes.plot(
        [sample.x for sample in singular], [sample.median for sample in singular],
        linestyle="", marker=look.marker, color="white", markeredgecolor=look.color,
        markeredgewidth=1.3, markersize=5.8,
    )  # fmt: skip
