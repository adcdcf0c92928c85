"""What a measurement's interval says, and how it is put in words."""

import math

from cdbench.records.judgement import Measurement
from cdbench.statistics.numerals import format_number, format_points, format_together

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
    estimate, low, high = format_points([found.estimate, *ends(found)])
    return f"{estimate} points ({low} … {high})"


def in_digits(found: Measurement) -> str:
    """Return an estimate in three digits, with its interval if any: ``1.83 (1.75 … 1.91)``."""
    if found.low is None or found.high is None:
        return format_number(found.estimate)
    estimate, low, high = format_together([found.estimate, found.low, found.high])
    return f"{estimate} ({low} … {high})"
