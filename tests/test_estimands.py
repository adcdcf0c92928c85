"""Of which population an interval is, how wide it is for new data, and what a test can tell."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from cdbench.claims import statistics
from cdbench.claims.estimands import (
    DRAWS,
    EXACT,
    OVERLAP,
    SPLITS,
    detectable,
    holm,
    p_value,
    placed,
    with_power,
)
from cdbench.claims.statistics import (
    Observations,
    largest,
    mean,
    mean_difference,
    mean_ratio,
    median,
    median_ratio,
)
from cdbench.judgement import HOLDS, NOT_SUPPORTED, Judgement, Measurement, Observation

QUANTITY = "accuracy, share"
N = 30


def data_of(a: np.ndarray, b: np.ndarray, run_id: int | None = 1) -> Observations:
    return Observations(
        "a claim",
        [
            Observation(QUANTITY, name, seed, float(value), run_id)
            for name, values in (("a", a), ("b", b))
            for seed, value in enumerate(values)
        ],
    )


def of(statistic: Callable[..., Measurement], data: Observations) -> Measurement:
    pair = ("b",) if statistic in (mean_difference, median_ratio, mean_ratio) else ()
    return placed(statistic(data, QUANTITY, "a", *pair), data)


def test_intervals_of_runs_are_of_splits_and_have_a_wider_one_for_new_data() -> None:
    rng = np.random.default_rng(0)
    data = data_of(rng.lognormal(1, 1, N), rng.lognormal(0, 1, N))
    factor = math.sqrt(1 + N * OVERLAP)
    for statistic in (mean, mean_difference, median_ratio, mean_ratio):
        found = of(statistic, data)
        assert found.estimand == SPLITS
        ends = [found.low, found.estimate, found.high, found.wide_low, found.wide_high]
        assert None not in ends
        if statistic is median_ratio:
            ends = [math.log(end or math.nan) for end in ends]
        low, estimate, high, wide_low, wide_high = (float(end or 0) for end in ends)
        assert estimate - wide_low == pytest.approx(factor * (estimate - low))
        assert wide_high - estimate == pytest.approx(factor * (high - estimate))


def test_intervals_of_computations_are_of_draws_and_exact_ones_have_none() -> None:
    rng = np.random.default_rng(0)
    computed = data_of(rng.normal(size=N), rng.normal(size=N), run_id=None)
    assert of(mean, computed).estimand == DRAWS
    assert of(mean, computed).wide_low is None
    assert of(largest, computed).estimand == EXACT
    assert of(median, computed).estimand is None  # quartiles are of the runs themselves


def test_p_and_detectable_effect_are_those_of_a_normal_law() -> None:
    rng = np.random.default_rng(1)
    gap = rng.normal(0.5, 1.0, 400)
    found = of(mean_difference, data_of(gap, np.zeros(400)))
    error = gap.std(ddof=1) / 20
    z = gap.mean() / error
    assert p_value(found, 0.0) == pytest.approx(math.erfc(abs(z) / math.sqrt(2)), rel=0.5)
    assert p_value(found, found.estimate) == pytest.approx(1)
    assert detectable(found) == pytest.approx(2.80 * error, rel=0.05)
    # p is below 5 % just where the interval leaves the null value out, however skewed it is.
    assert found.low is not None
    assert found.high is not None
    for null, inside in ((found.low, True), (found.high, True), (0.0, False)):
        p = p_value(found, null + (1e-6 if null == found.low else -1e-6 if inside else 0.0))
        assert p is not None
        assert (p > 0.05) == inside
    ratios = of(median_ratio, data_of(np.exp(gap), np.ones(400)))
    below, above = p_value(ratios, 1.0), p_value(ratios, ratios.estimate)
    assert below is not None
    assert below < 1e-6
    assert above == pytest.approx(1)
    assert (detectable(ratios) or 0) > 1


def test_only_what_is_not_supported_says_which_effect_would_have_been_seen() -> None:
    rng = np.random.default_rng(2)
    found = of(mean_difference, data_of(rng.normal(size=N) / 100, np.zeros(N)))
    open_verdict = Judgement(NOT_SUPPORTED, "m", "Because.")
    assert "With n = 30 an effect of 0." in with_power(open_verdict, found).reason
    assert "points in accuracy" in with_power(open_verdict, found).reason
    assert with_power(open_verdict, None) == open_verdict
    assert with_power(replace(open_verdict, verdict=HOLDS), found).reason == "Because."


def test_holm_is_never_smaller_than_the_p_that_it_adjusts() -> None:
    p_values = {str(i): p for i, p in enumerate([0.001, 0.2, 0.01, 0.04, 0.9])}
    adjusted = holm(p_values)
    assert adjusted["0"] == pytest.approx(0.005)
    assert adjusted["2"] == pytest.approx(0.04)
    assert all(p_values[name] <= p <= 1 for name, p in adjusted.items())
    assert holm({"one": 0.03}) == {"one": 0.03}


TRIALS = 300


Draw = Callable[[np.random.Generator], tuple[np.ndarray, float]]
"""Makes data, and tells the true value."""


def coverage(statistic: Callable[..., Measurement], draw: Draw, wide: bool) -> float:
    """Return how often the interval holds the true value."""
    hits = 0
    for trial in range(TRIALS):
        rng = np.random.default_rng([trial, 7])
        a, truth = draw(rng)
        found = of(statistic, data_of(a, np.ones(N)))
        low, high = (found.wide_low, found.wide_high) if wide else (found.low, found.high)
        hits += low is not None and high is not None and low <= truth <= high
    return hits / TRIALS


def of_splits(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Seeds that differ independently: skewed, as condition numbers are; the truth is known."""
    return rng.lognormal(0.0, 1.0, N), 1.0


def of_data(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Seeds that share a data set, whose effect has the variance that the correction assumes."""
    shared = rng.normal(0.0, math.sqrt(OVERLAP))
    return 1.0 + shared + rng.normal(0.0, 1.0, N), 1.0


@pytest.mark.parametrize(
    ("statistic", "draw", "wide", "least", "most"),
    [
        (mean, lambda rng: (rng.normal(3.0, 1.0, N), 3.0), False, 0.90, 0.98),
        (mean_difference, lambda rng: (rng.normal(1.0, 1.0, N), 0.0), False, 0.90, 0.98),
        (median_ratio, of_splits, False, 0.90, 0.99),
        # Of heavy tails a ratio of means covers too little, which is why medians stand beside.
        (mean_ratio, lambda rng: (rng.lognormal(0, 2, N), math.exp(2)), False, 0.60, 0.92),
        (mean, of_data, True, 0.90, 0.99),
        (mean, of_data, False, 0.30, 0.70),  # the plain one is not meant for new data
    ],
)
def test_intervals_cover_what_they_are_of(
    monkeypatch: pytest.MonkeyPatch,
    statistic: Callable[..., Measurement],
    draw: Draw,
    wide: bool,
    least: float,
    most: float,
) -> None:
    monkeypatch.setattr(statistics, "RESAMPLES", 599)
    assert least <= coverage(statistic, draw, wide) <= most
