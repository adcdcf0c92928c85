"""Of which population an interval is: new splits of this data set, or new data of its kind.

Runs differ by their seeds, and with them by the split of one data set, whose training sets overlap.
Their spread therefore tells how a result would vary over further splits of these samples, and too
little of how it would vary over other samples. The second is estimated by Nadeau and Bengio's
corrected resampled variance (Machine Learning 52, 2003): s² (1/n + n_test / n_train) for s² / n.
"""

import math
from collections.abc import Collection
from dataclasses import replace
from statistics import NormalDist
from typing import TYPE_CHECKING

from cdbench.records.judgement import BOOTSTRAP, LEVEL, NOT_SUPPORTED, Judgement, Measurement
from cdbench.records.published import TEST_SHARE

if TYPE_CHECKING:
    from cdbench.statistics.estimates import Observations

SPLITS = "new splits of this data set"
TRAININGS = "new trainings on this split"
NEW_DATA = "new data of the kind"
DRAWS = "new random draws"
EXACT = "no sampling"
SAMPLE = "these numbers only"
"""Of what has no interval, such as a largest, and of quartiles: they say nothing of others."""

OVERLAP = TEST_SHARE / (1 - TEST_SHARE)
"""n_test / n_train of every split."""

WIDER = (
    "(low, high) drawn away from the estimate by sqrt(1 + n / 4), where n_test / n_train = 1/4; "
    "of median ratios, in logarithms"
)
"""How the intervals for new data are made, for readers."""

POWER = 0.8
"""With which a minimal detectable effect would be found."""


def is_ratio(found: Measurement) -> bool:
    """Whether logarithms count: of medians, of ratios or of κ, which are of any size."""
    return found.statistic in ("median paired ratio", "median")


def placed(
    found: Measurement,
    data: "Observations",
    without_runs: str = DRAWS,
    trainings: Collection[str] = (),
) -> Measurement:
    """Return the measurement with its estimand and, where runs are behind it, the wider interval.

    Parameters
    ----------
    found : Measurement
        Of these observations.
    data : Observations
        What it was measured from.
    without_runs : str
        Estimand of quantities that come from no stored run.
    trainings : collection of str
        Quantities whose runs differ by their training only: their data have one split, and say
        nothing of how another one would do.

    Returns
    -------
    Measurement
        ``estimand`` says of which population ``low`` and ``high`` are; ``wide_low`` and
        ``wide_high`` are those of new data of the kind.
    """
    if found.interval != BOOTSTRAP or found.low is None or found.high is None:
        return replace(found, estimand=EXACT if without_runs == EXACT else SAMPLE)
    if without_runs != SPLITS and found.quantity not in data.of_runs:
        return replace(found, estimand=without_runs)
    if found.quantity in trainings:
        return replace(found, estimand=TRAININGS)
    from cdbench.statistics.resampled import widening

    low, high = _widened(found, widening(found.n, OVERLAP))
    return replace(found, estimand=SPLITS, wide_low=low, wide_high=high)


def of_population(found: Measurement, population: str) -> Measurement:
    """Return the measurement with the interval for a population: NEW_DATA, or as it was placed."""
    if population != NEW_DATA or found.estimand != SPLITS:
        return found
    return replace(found, low=found.wide_low, high=found.wide_high, estimand=NEW_DATA)


def _widened(found: Measurement, factor: float) -> tuple[float | None, float | None]:
    """Return the ends, so many times as far from the estimate; of median ratios, in logarithms."""
    assert found.low is not None
    assert found.high is not None
    if not is_ratio(found):
        low = found.estimate - factor * (found.estimate - found.low)
        high = found.estimate + factor * (found.high - found.estimate)
        return (max(low, -1.0), min(high, 1.0)) if "correlation" in found.statistic else (low, high)
    if min(found.low, found.estimate) <= 0 or not math.isfinite(found.high):
        return None, None
    return (
        found.estimate * (found.low / found.estimate) ** factor,
        found.estimate * (found.high / found.estimate) ** factor,
    )


Z = NormalDist().inv_cdf((1 + LEVEL) / 2)
"""Standard errors from the middle of a normal law to the end of its interval."""


def _scaled(found: Measurement) -> tuple[float, float, float] | None:
    """Return low, estimate and high, in logarithms where they count; None without an interval."""
    ends = found.low, found.estimate, found.high
    if found.interval != BOOTSTRAP or found.low is None or found.high is None:
        return None
    if not is_ratio(found):
        return found.low, found.estimate, found.high
    if any(end is None or end <= 0 or not math.isfinite(end) for end in ends):
        return None
    return math.log(found.low), math.log(found.estimate), math.log(found.high)


def p_value(found: Measurement, null: float) -> float | None:
    """Return the two-sided p of the estimate against a null value.

    By a normal law as wide as the interval on the side of the null value, so that p is below 5 %
    where the 95 % interval leaves the null value out. None where there is no such interval.
    """
    scaled = _scaled(found)
    if scaled is None:
        return None
    low, estimate, high = scaled
    away = estimate - (math.log(null) if is_ratio(found) else null)
    error = (estimate - low if away > 0 else high - estimate) / Z
    return math.erfc(abs(away) / error / math.sqrt(2)) if error > 0 else None


def detectable(found: Measurement) -> float | None:
    """Return the smallest effect that n pairs show with a power of 80 %; for ratios, a factor."""
    scaled = _scaled(found)
    if scaled is None:
        return None
    effect = (Z + NormalDist().inv_cdf(POWER)) * (scaled[2] - scaled[0]) / (2 * Z)
    return math.exp(effect) if is_ratio(found) else effect


def with_power(judgement: Judgement, decisive: Measurement | None) -> Judgement:
    """Return the judgement; one that is not supported says which effect would have been seen."""
    effect = detectable(decisive) if decisive else None
    if judgement.verdict != NOT_SUPPORTED or decisive is None or effect is None:
        return judgement
    digits = f"{effect:.3g}" if effect < 1.1 else f"{effect:.2g}"
    shown = f"a factor of {digits}" if is_ratio(decisive) else f"{effect:.2g}"
    if decisive.quantity.endswith(", share") and not is_ratio(decisive):
        shown = f"{100 * effect:.2f} points"
    return replace(
        judgement,
        reason=f"{judgement.reason} With n = {decisive.n} an effect of {shown} in "
        f"{decisive.quantity.removesuffix(', share')} would be seen with a power of 80 %.",
    )
