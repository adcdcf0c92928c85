"""Test accuracy against the number of parameters: dense, block sizes and other families."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cdbench.plots.base import Model
from cdbench.plots.lines import apart, write_note
from cdbench.plots.samples import Sample, models_of
from cdbench.plots.sheet import Layout, new_sheet
from cdbench.plots.style import BLUE, DENSE_LOOK, INK, ORANGE, Look, looks_of, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NO_BLOCKS, EVEN_B, ODD_B = "dense", "even B", "odd B, which the paper prescribes"
OTHER = ""
"""The kind of models of other families, each of which has a look of its own."""

KINDS = {
    NO_BLOCKS: replace(DENSE_LOOK, dash=""),
    EVEN_B: replace(BLUE, dash=""),
    ODD_B: replace(ORANGE, dash=""),
}
"""Looks by kind, in the legend's order."""

MOVED = 0.004
"""From how far on a name is joined to its point, as a fraction of the panel's width."""

STEP = 1.0085
"""Factor between neighbouring dots on the axis of sizes."""

ROOM = 6.0
"""How many percent below the lowest interval the scale shows at most."""


def accuracy_parameters(samples: Sequence[Sample], source: str) -> "Figure":
    """Draw every seed's test accuracy, and each model's mean with its 95 % interval.

    Parameters
    ----------
    samples : sequence of Sample
        One per model: its accuracies, 0 to 1, at its number of parameters.
    source : str
        One line that says where they come from; the footer.

    Returns
    -------
    matplotlib.figure.Figure
        One panel.

    Raises
    ------
    MissingResultsError
        If there is no sample.
    """
    models = models_of(samples)  # raises if there is none
    looks = _looks(models)
    shown = set(map(_kind, models))
    legend = {name: look for name, look in KINDS.items() if name in shown}
    legend |= {model.label: looks[model] for model in models if _kind(model) == OTHER}
    sides = _sides(samples)
    with style():
        figure, (axes,) = new_sheet(legend, _title(samples), source, Layout(1, 1, 5.2))
        for sample in samples:
            _draw(axes, sample, looks[sample.model], sides[sample.model])
        _draw_path(axes, [s for s in samples if _kind(s.model) in (NO_BLOCKS, EVEN_B)])
        floor = _scale(axes, samples)
        for side in (-1, 1):
            own = [sample for sample in samples if sides[sample.model] == side]
            _write_names(axes, own, looks, side)
        below = [100 * v for sample in samples for v in sample.values if 100 * v < floor]
        lowest = min(below, default=floor)
        what = f"below {floor:.0f} % not shown, the lowest at {lowest:.1f} %"
        write_note(axes, len(below), what)
        axes.set(
            title="Test accuracy (%): seeds, and means with their 95 % bootstrap intervals",
            xlabel="parameters (log scale)",
        )
    return figure


def _kind(model: Model) -> str:
    if model.layer == "dense":
        return NO_BLOCKS
    return OTHER if model.B is None else (ODD_B if model.B % 2 else EVEN_B)


def _looks(models: Sequence[Model]) -> dict[Model, Look]:
    """Return the look of each model: that of its kind, or of other families its own."""
    own = dict(zip(models, looks_of(models), strict=True))
    return {model: replace(KINDS.get(_kind(model), own[model]), dash="") for model in models}


def _title(samples: Sequence[Sample]) -> str:
    """Say what the smallest model saves and costs compared with the largest."""
    ordered = sorted(samples, key=lambda sample: sample.x)
    small, large = ordered[0], next(one for one in ordered if one.x == ordered[-1].x)
    if small.x == large.x:
        return "Test accuracy against the number of parameters"
    points = 100 * (large.mean - small.mean)
    verb = "cost" if points >= 0 else "gain"
    return (
        f"{large.x / small.x:.1f} times fewer parameters {verb} {abs(points):.1f} points "
        "of test accuracy"
    )


def _sides(samples: Sequence[Sample]) -> dict[Model, int]:
    """Return on which side of its size each model is drawn, so that they do not collide.

    Names of odd block sizes are above, others below: their sizes can be close together. With other
    families beside them, every second size is above.
    """
    models = [sample.model for sample in sorted(samples, key=lambda sample: sample.x)]
    if OTHER in map(_kind, models):
        return {model: -1 if place % 2 else 1 for place, model in enumerate(models)}
    return {model: -1 if _kind(model) == ODD_B else 1 for model in models}


def _draw(axes: "Axes", sample: Sample, look: Look, side: int) -> None:
    """Draw the mean and, next to it, the seeds; those with equal accuracy are side by side."""
    seen = Counter[float]()
    places = []
    for value in sample.values:
        seen[value] += 1
        places.append(sample.x * STEP ** (side * (2 + seen[value])))
    percents = [100 * value for value in sample.values]
    axes.plot(places, percents, "o", color=look.color, alpha=0.3, markersize=3.4, markeredgewidth=0)
    mean, place = 100 * sample.mean, sample.x * STEP**side
    ends = [100 * end for end in sample.interval or ()]
    axes.plot(
        [place] * len(ends), ends, color=look.color, linewidth=2.2, marker="_",
        markeredgecolor=look.color, markeredgewidth=1.2,
    )  # fmt: skip
    axes.plot([place], [mean], color=look.color, marker=look.marker, markersize=8.5)


def _write_names(
    axes: "Axes", samples: Sequence[Sample], looks: dict[Model, Look], side: int
) -> None:
    """Name models above (−1) or below (1), apart from each other, with a line to what was moved."""
    samples = sorted(samples, key=lambda sample: sample.x)
    to_axes = axes.transData + axes.transAxes.inverted()
    wanted = [to_axes.transform((s.x * STEP**side, 100 * s.mean))[0] for s in samples]
    places = apart(wanted, [0.009 * len(s.model.short_label) + 0.02 for s in samples])
    for sample, place, own in zip(samples, places, wanted, strict=True):
        look, is_other = looks[sample.model], _kind(sample.model) == OTHER
        words = f"{sample.model.short_label}\n{sample.x:,.0f}\n{100 * sample.mean:.1f} %"
        line = {"arrowstyle": "-", "color": look.color, "lw": 0.7, "shrinkB": 5}
        joined = line if is_other or abs(place - own) > MOVED else None
        axes.annotate(
            words, (sample.x * STEP**side, 100 * sample.mean),
            (place, 0.03 if side > 0 else 0.97), textcoords=axes.transAxes,
            arrowprops=joined, ha="center", va="bottom" if side > 0 else "top", fontsize=8.5,
            color=INK if is_other else look.color,  # some of theirs are too pale for letters
        )  # fmt: skip


def _draw_path(axes: "Axes", samples: Sequence[Sample]) -> None:
    """Join the means of dense and even block sizes, as a reference for odd ones."""
    path = sorted((sample.x * STEP, 100 * sample.mean) for sample in samples)
    axes.plot(*zip(*path, strict=True), color=KINDS[EVEN_B].color, linewidth=0.9, zorder=1)


def _scale(axes: "Axes", samples: Sequence[Sample]) -> float:
    """Set the axes, leaving room for names; return the floor, below which seeds are not shown."""
    sizes = [sample.x for sample in samples]
    ticks = [digit * 10**power for power in range(2, 8) for digit in (1, 2, 5)]
    axes.set_xscale("log")
    axes.set_xlim(min(sizes) / 1.2, max(sizes) * 1.2)
    axes.set_xticks([tick for tick in ticks if min(sizes) / 1.2 <= tick <= max(sizes) * 1.2])
    axes.set_xticks([], minor=True)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    values = [100 * value for sample in samples for value in sample.values]
    lowest = min(100 * min(sample.interval or (sample.mean,)) for sample in samples)
    floor, top = max(min(values), lowest - ROOM), max(values)
    margin = 0.32 * max(top - floor, 0.5)
    axes.set_ylim(floor - margin, top + margin)
    axes.set_yticks([tick for tick in axes.get_yticks() if floor - 1 <= tick <= 100])
    return floor
