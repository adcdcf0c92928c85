"""Numbers and notes under a panel, in words."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def number(value: float) -> str:
    """Return a number as figures print it: three digits, ``1.2e5``, ``∞``, or ``–`` for none."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞"
    if value < 1e5:
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    digits, _, power = f"{value:.1e}".partition("e")
    return f"{digits}e{int(power)}"


def count_points(n: int, what: str) -> str:
    """Return what happened to n points: ``"3 points infinite, not shown"``."""
    return f"{n} point{'' if n == 1 else 's'} {what}"


def write_under(axes: "Axes", lines: Sequence[str], below: float = 36) -> None:
    """Write lines under a panel's x label, from its left edge.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The panel.
    lines : sequence of str
        What to write; may be empty.
    below : float, optional
        How far below the panel's axis, in points; by default below what the axis says.
    """
    if lines:
        axes.annotate(
            "\n".join(lines), (0, 0), (0, -below), "axes fraction", "offset points",
            va="top", fontsize=8, linespacing=1.4, parse_math=False,
        )  # fmt: skip
