"""Score against the number of parameters: all models of a data set, and the best at each size."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cdbench.errors import MissingResultsError
from cdbench.plots.base import Model, PlottedRun
from cdbench.plots.lines import apart, write_note
from cdbench.plots.scored import Scores, scores_of
from cdbench.plots.sheet import Layout, new_sheet
from cdbench.plots.style import INK, WHOLE_FAMILY, Look, looks_of, style
from cdbench.statistics.measures import Measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMED = 9
"""Models of the front that have room for their names."""

DEPTHS = {"accuracy": 0.2, "r2": 0.5, "bits_per_character": 1.0}
"""How much worse than the best the scale shows at most; what is worse still a note counts."""


def model_sizes(runs: Sequence[PlottedRun], source: str) -> "Figure":
    """Draw every model's mean score over its seeds against its size, and the best at each size.

    Parameters
    ----------
    runs : sequence of PlottedRun
        Of one data set.
    source : str
        One line that says which runs these are; the footer.

    Returns
    -------
    matplotlib.figure.Figure
        One panel.

    Raises
    ------
    MissingResultsError
        If there is no run, or one of them has no score.
    ConfigurationError
        If they are of several data sets.
    """
    found, common, measure = scores_of(runs)
    if not found:
        raise MissingResultsError("a figure of models needs at least one completed run, got none")
    looks = _looks(found)
    best = max(measure.merit(one.mean) for one in found)
    floor = max(min(measure.merit(one.mean) for one in found), best - DEPTHS[measure.name])
    front = _front(found, measure)
    title = f"Test {measure.noun} against size" + (f" · {common}" if common else "")
    with style():
        figure, (axes,) = new_sheet(looks, title, source, Layout(1, 1, 5.4))
        for one in found:
            _draw(axes, one, looks[one.trace.line.layer], measure.scale, one in front)
        axes.step(
            [one.n_parameters for one in front], [measure.scale * one.mean for one in front],
            where="post", color=INK, linewidth=6, alpha=0.1, marker="", zorder=0,
        )  # fmt: skip
        _scale(axes, [one.n_parameters for one in found], best, floor, measure)
        _write_names(axes, front, measure)
        lost = sum(measure.merit(one.mean) < floor for one in found)
        end = f"{measure.beyond} {measure.format_roughly(measure.merit(floor))}"
        write_note(axes, lost, f"{end} not shown")
        less = "; less is better" if measure.sign < 0 else ""
        axes.set_title(f"Test {measure.label}, mean over seeds; grey: the best at each size{less}")
        axes.set_xlabel("parameters (log scale)")
    return figure


def _looks(found: Sequence[Scores]) -> dict[str, Look]:
    """Return the look of each family, by its name, dense first."""
    layers = sorted(
        {one.trace.line.layer for one in found}, key=lambda name: (name != "dense", name)
    )
    own = looks_of([Model(layer) for layer in layers])
    return {
        layer: replace(WHOLE_FAMILY.get(layer, look), dash="")
        for layer, look in zip(layers, own, strict=True)
    }


def _front(found: Sequence[Scores], measure: Measure) -> list[Scores]:
    """Return the models that none of the smaller ones reaches."""
    front: list[Scores] = []
    for one in sorted(found, key=lambda own: (own.n_parameters, -measure.merit(own.mean))):
        if not front or measure.merit(one.mean) > measure.merit(front[-1].mean):
            front.append(one)
    return front


def _draw(axes: "Axes", one: Scores, look: Look, scale: float, is_best: bool) -> None:
    strength, size = (1.0, 7.4) if is_best else (0.45, 5.0)
    if one.interval is not None:
        ends = [scale * end for end in one.interval]
        axes.plot(
            [one.n_parameters] * 2, ends, color=look.color, linewidth=0.9, alpha=0.6 * strength,
            marker="",
        )  # fmt: skip
    axes.plot(
        [one.n_parameters], [scale * one.mean], color=look.color, marker=look.marker,
        markersize=size, alpha=strength, zorder=3 if is_best else 2,
    )  # fmt: skip


def _scale(axes: "Axes", sizes: Sequence[int], best: float, floor: float, measure: Measure) -> None:
    """Set the scales, with room above for the names of the best."""
    depth = max(best - floor, 0.01)
    low, high = sorted(
        measure.scale * measure.merit(end) for end in (floor - 0.06 * depth, best + 0.4 * depth)
    )
    ticks = [digit * 10**power for power in range(1, 10) for digit in (1, 2, 5)]
    left, right = min(sizes) / 1.25, max(sizes) * 1.25
    axes.set_xscale("log")
    axes.set_xlim(left, right)
    axes.set_xticks([tick for tick in ticks if left <= tick <= right])
    axes.set_xticks([], minor=True)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_ylim(low, high)
    if measure.unit == "%":
        axes.set_yticks([tick for tick in axes.get_yticks() if low <= tick <= 100])


def _write_names(axes: "Axes", front: Sequence[Scores], measure: Measure) -> None:
    """Name the best at each size along the upper edge, each joined to its point."""
    named = front[-NAMED:]
    to_axes = axes.transData + axes.transAxes.inverted()
    points = [(float(one.n_parameters), measure.scale * one.mean) for one in named]
    wanted = [to_axes.transform(point)[0] for point in points]
    words = [f"{_short(one)}\n{measure.format(one.mean)}" for one in named]
    widths = [0.0085 * max(map(len, text.splitlines())) + 0.014 for text in words]
    for text, point, place in zip(words, points, apart(wanted, widths), strict=True):
        axes.annotate(
            text, point, (place, 0.975 if measure.sign > 0 else 0.025),
            textcoords=axes.transAxes, ha="center", va="top" if measure.sign > 0 else "bottom",
            fontsize=8, arrowprops={"arrowstyle": "-", "color": INK, "lw": 0.6, "alpha": 0.5,
                                    "shrinkB": 5,
                                    "relpos": (0.5, 0.0 if measure.sign > 0 else 1.0)},
        )  # fmt: skip


def _short(one: Scores) -> str:
    return one.trace.runs[0].architecture.short_label
