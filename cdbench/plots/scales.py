"""Scales that show what matters, and say what they leave out."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cdbench.plots.lines import write_note
from cdbench.statistics.measures import ACCURACY, Measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONG = 150.0
"""From which ratio of its ends on matplotlib marks a log scale well."""

DIGITS = ((1,), (1, 3), (1, 2, 5), (1, 2, 3, 4, 6, 8), tuple(range(1, 10)))
"""Leading digits of the marks of a log scale: the first of these that give three marks."""

STEP, HEADROOM = 0.05, 0.004
"""Floors are multiples of this, and the scale ends a little above 1, the best there is."""


def leave_steep_start_below(
    axes: "Axes", shown: Sequence[float], measure: Measure = ACCURACY
) -> None:
    """Cut the scale if the first few epochs would flatten all the others, and say so.

    The cut is at a multiple of five hundredths that keeps at least 90 % of the points, and is made
    only if it at least halves the scale.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The panel.
    shown : sequence of float
        All its points as they are drawn: accuracies in percent, or R².
    measure : Measure, optional
        What they are of; a measure of which less is better has no best to be cut from.
    """
    if measure.sign < 0 or not shown:
        return
    step, best = STEP * measure.scale, measure.scale
    lowest, decile = min(shown), sorted(shown)[len(shown) // 10]
    floor = min(step * (decile // step), best - step)
    if floor - lowest > best - floor:
        axes.set_ylim(floor, best + HEADROOM * measure.scale)
        n_below = sum(value < floor for value in shown)
        unit = f" {measure.unit}" if measure.unit else ""
        digits = max(0, measure.digits - 2)
        words = (
            f"below {floor:.{digits}f}{unit} not shown, the lowest at {lowest:.{digits + 1}f}{unit}"
        )
        write_note(axes, n_below, words)


def mark_logs(axes: "Axes") -> None:
    """Mark a finished log scale at round numbers, three or more even if it is short.

    Written are ``0.05`` and ``20``, and powers of ten where numbers are long.
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

    low, high = axes.get_ylim()
    if high / low > LONG:
        return
    for digits in DIGITS:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        marks = [digit * 10.0**power for power in powers for digit in digits]
        marks = [mark for mark in marks if low <= mark <= high]
        if len(marks) > 2:
            break
    axes.yaxis.set_major_locator(FixedLocator(marks))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda mark, _: f"{mark:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_formatter(NullFormatter())
