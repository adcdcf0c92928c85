"""Test accuracy against the number of parameters: dense, even and odd block sizes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cdbench.plots.lines import write_note
from cdbench.plots.samples import Sample, models_of
from cdbench.plots.sheet import Layout, new_sheet
from cdbench.plots.style import LOOKS, Look, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DENSE, EVEN, ODD = (
    replace(LOOKS[model], dash="") for model in (("dense", None), ("cdlinear", 4), ("cdlinear", 5))
)
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
    models_of(samples)  # raises if there is none
    legend = {"dense": DENSE, "even B": EVEN, "odd B, which the paper prescribes": ODD}
    kinds = [name for name, look in legend.items() if look in map(_look, samples)]
    with style():
        figure, (axes,) = new_sheet(
            {name: legend[name] for name in kinds}, _title(samples), source, Layout(1, 1, 5.2)
        )
        for sample in samples:
            _draw(axes, sample)
        _draw_path(axes, [sample for sample in samples if _look(sample) in (DENSE, EVEN)])
        _scale(axes, samples)
        axes.set(
            title="Test accuracy (%): seeds, and means with their 95 % bootstrap intervals",
            xlabel="parameters (log scale)",
        )
    return figure


def _look(sample: Sample) -> Look:
    B = sample.model.B
    return DENSE if B is None else (ODD if B % 2 else EVEN)


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


def _side(sample: Sample) -> int:
    """Return the side of its size where a model is drawn, so that odd and even do not collide."""
    return -1 if _look(sample) is ODD else 1


def _draw(axes: "Axes", sample: Sample) -> None:
    """Draw the mean and, next to it, the seeds; those with equal accuracy are side by side."""
    look, side, seen = _look(sample), _side(sample), Counter[float]()
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
    # Odd models are named above, the others below: their sizes can be close together.
    axes.annotate(
        f"{sample.model.short_label}\n{sample.x:,.0f}\n{mean:.1f} %",
        (place, 0.03 if side > 0 else 0.97), xycoords=axes.get_xaxis_transform(),
        ha="center", va="bottom" if side > 0 else "top", fontsize=8.5, color=look.color,
    )  # fmt: skip


def _draw_path(axes: "Axes", samples: Sequence[Sample]) -> None:
    """Join the means of dense and even block sizes, as a reference for odd ones."""
    path = sorted((sample.x * STEP, 100 * sample.mean) for sample in samples)
    axes.plot(*zip(*path, strict=True), color=EVEN.color, linewidth=0.9, zorder=1)


def _scale(axes: "Axes", samples: Sequence[Sample]) -> None:
    """Set the axes, leaving room for names; seeds far below the means are counted, not shown."""
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
    n_below = sum(value < floor for value in values)
    write_note(axes, n_below, f"below {floor:.0f} % not shown, the lowest at {min(values):.1f} %")
