"""Statistics with their intervals: of one claim in full, of a sweep against dense."""

from collections.abc import Sequence
from dataclasses import asdict

from cdbench.records.judgement import QUARTILES, Measurement
from cdbench.reports.formats import Report
from cdbench.statistics.estimands import DRAWS, SPLITS
from cdbench.statistics.numerals import format_number, format_points, format_range

SHARE = ", share"
"""Suffix of quantities that are shares of 1, which are printed in percent."""


_POPULATIONS = {SPLITS: "splits", DRAWS: "draws"}
"""Populations that intervals are of, as tables name them; new data have a column of their own."""


def with_intervals(found: Measurement) -> str:
    """Return an estimate with both intervals, if they differ, or the one that there is, or –.

    For example ``−0.388: −0.856 … 0.0545 (splits); −1.75 … 0.901 (new data)``.
    """
    if found.low is None:
        return "–"
    told = f"{_estimate(found)}: {_interval(found)}"
    if found.wide_low is None or (found.wide_low, found.wide_high) == (found.low, found.high):
        return told
    return f"{told}; {_ends(found, found.wide_low, found.wide_high)} (new data)"


def measurements_table(measurements: Sequence[Measurement], title: str = "Measurements") -> Report:
    """Build the table of statistics with their intervals."""
    return Report(
        title=title,
        columns=("Quantity", "Of", "Statistic", "Estimate", "Interval", "For new data", "n"),
        rows=[
            [
                found.quantity.removesuffix(SHARE),
                _subject(found),
                found.statistic,
                _estimate(found),
                _interval(found),
                _ends(found, found.wide_low, found.wide_high),
                str(found.n),
            ]
            for found in measurements
        ],
        records=[asdict(found) for found in measurements],
        notes=(),
        text_columns=3,
    )


def _subject(found: Measurement) -> str:
    """Return ``dense / cdlinear B=4`` for a ratio; for a difference, with a minus sign."""
    if found.baseline is None:
        return found.subject
    if "correlation" in found.statistic:
        return f"{found.subject}, {found.baseline}"
    joint = " / " if "ratio" in found.statistic else " − "
    return f"{found.subject}{joint}{found.baseline}"


def _estimate(found: Measurement) -> str:
    """Return the estimate; shares are in percent, differences of shares in points."""
    if not _in_percent(found):
        return format_number(found.estimate)
    if found.baseline is not None:
        return f"{format_points([found.estimate])[0]} points"
    return f"{100 * found.estimate:.2f} %"


def _interval(found: Measurement) -> str:
    """Return the interval and of what it is: ``−0.56 … +0.03 (splits)``."""
    ends = _ends(found, found.low, found.high)
    of = "quartiles" if found.interval == QUARTILES else _POPULATIONS.get(found.estimand or "")
    return f"{ends} ({of})" if of and found.low is not None else ends


def _ends(found: Measurement, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "–"
    if _in_percent(found):
        return " … ".join(format_points([low, high], signed=found.baseline is not None))
    return format_range(low, high)


def _in_percent(found: Measurement) -> bool:
    """Whether the statistic is a share or a difference of two, but no ratio and no Δ."""
    plain = ("ratio", "Δ", "exponent", "correlation")
    return found.quantity.endswith(SHARE) and not any(word in found.statistic for word in plain)
