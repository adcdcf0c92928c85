"""What a measurement's interval says, and how it is put in words."""

import math

from cdbench.judgement import Measurement

POINTS = 100
"""Percentage points in a share of 1."""


def ends(found: Measurement) -> tuple[float, float]:
    """Return both ends of the interval; without an interval nothing is ruled out."""
    if found.low is None or found.high is None:
        return -math.inf, math.inf
    return found.low, found.high


def above(found: Measurement, level: float) -> bool:
    """Whether the whole interval lies above the level."""
    return ends(found)[0] > level


def below(found: Measurement, level: float) -> bool:
    """Whether the whole interval lies below the level."""
    return ends(found)[1] < level


def in_points(found: Measurement) -> str:
    """Return a difference of shares in percentage points: ``−0.65 points (−0.90 … −0.41)``."""
    low, high = ends(found)
    estimate, low, high = (POINTS * value for value in (found.estimate, low, high))
    return _minus(f"{estimate:+.2f} points ({low:+.2f} … {high:+.2f})")


def in_digits(found: Measurement) -> str:
    """Return an estimate in three digits, with its interval if any: ``1.83 (1.75 … 1.91)``."""
    if found.low is None or found.high is None:
        return _minus(f"{found.estimate:.3g}")
    return _minus(f"{found.estimate:.3g} ({found.low:.3g} … {found.high:.3g})")


def _minus(text: str) -> str:
    return text.replace("-", "−")
