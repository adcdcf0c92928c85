"""Of which population an interval is, how wide it is for new data, and what a test can tell."""

import hashlib
import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import cdbench
from cdbench.claims import CLAIMS, Bench, Claim, Measurements
from cdbench.claims.audit import inputs_digest
from cdbench.claims.verdict import ONLY_SPLITS, judged, p_of
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.statistics import estimates as statistics
from cdbench.statistics import exponents
from cdbench.statistics import rank_correlation as correlation
from cdbench.statistics.estimands import (
    DRAWS,
    EXACT,
    NEW_DATA,
    OVERLAP,
    SAMPLE,
    SPLITS,
    detectable,
    of_population,
    p_value,
    placed,
    with_power,
)
from cdbench.statistics.estimates import (
    Observations,
    glass_delta,
    largest,
    mean,
    mean_difference,
    mean_ratio,
    median,
    median_ratio,
)
from cdbench.statistics.rank_correlation import rank_correlation
from cdbench.statistics.resampled import resampled_t
from cdbench.statistics.wording import above, below, in_digits

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


def of(
    statistic: Callable[..., Measurement], data: Observations, without_runs: str = DRAWS
) -> Measurement:
    pair = () if statistic in (mean, median, largest) else ("b",)
    return placed(statistic(data, QUANTITY, "a", *pair), data, without_runs)


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
    assert of_population(of(mean, computed), NEW_DATA) == of(mean, computed)
    assert of(largest, computed).estimand == SAMPLE
    assert of(largest, computed, EXACT).estimand == EXACT
    infinite = data_of(np.full(N, np.inf), rng.normal(size=N), run_id=1)
    assert of(mean, infinite).estimand == SAMPLE  # no interval, and not of anything else
    assert of(median, computed).estimand == SAMPLE  # quartiles are of the runs themselves


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


@pytest.mark.parametrize("low", [0.0, -0.5])
def test_a_ratio_whose_interval_reaches_zero_has_no_logarithms(low: float) -> None:
    found = of(median_ratio, data_of(np.arange(1.0, N + 1), np.ones(N)))
    touching = replace(found, low=low)
    assert p_value(touching, 1.0) is None
    assert detectable(touching) is None
    data = data_of(np.arange(1.0, N + 1), np.ones(N))
    assert placed(touching, data).wide_low is None


def test_only_what_is_not_supported_says_which_effect_would_have_been_seen() -> None:
    rng = np.random.default_rng(2)
    found = of(mean_difference, data_of(rng.normal(size=N) / 100, np.zeros(N)))
    open_verdict = Judgement(NOT_SUPPORTED, "m", "Because.")
    assert "With n = 30 an effect of 0." in with_power(open_verdict, found).reason
    assert "points in accuracy" in with_power(open_verdict, found).reason
    assert with_power(open_verdict, None) == open_verdict
    assert with_power(replace(open_verdict, verdict=HOLDS), found).reason == "Because."


TRIALS = 300

Draw = Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray, float]]
"""Makes the data of two subjects, and tells the true value."""


def coverage(statistic: Callable[..., Measurement], draw: Draw, wide: bool) -> float:
    """Return how often the interval holds the true value."""
    hits = 0
    for trial in range(TRIALS):
        a, b, truth = draw(np.random.default_rng([trial, 7]))
        found = of(statistic, data_of(a, b))
        low, high = (found.wide_low, found.wide_high) if wide else (found.low, found.high)
        hits += low is not None and high is not None and low <= truth <= high
    return hits / TRIALS


def normal(middle: float, truth: float) -> Draw:
    return lambda rng: (rng.normal(middle, 1.0, N), np.ones(N), truth)


def lognormal(sigma: float, truth: float) -> Draw:
    """Skewed, as condition numbers are."""
    return lambda rng: (rng.lognormal(0.0, sigma, N), np.ones(N), truth)


def of_data(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, float]:
    """Seeds that share a data set, whose effect has the variance that the correction assumes."""
    shared = rng.normal(0.0, math.sqrt(OVERLAP))
    return 1.0 + shared + rng.normal(0.0, 1.0, N), np.ones(N), 1.0


def ratios_of_data(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, float]:
    """The same of ratios, in logarithms."""
    own, ones, _ = of_data(rng)
    return np.exp(own - 1.0), ones, 1.0


def half_a_deviation(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, float]:
    base = rng.normal(0.0, 1.0, N)
    return base + rng.normal(0.5, 0.5, N), base, 0.5


def correlated(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, float]:
    """Spearman's correlation of a normal pair is 6 / π asin(ρ / 2)."""
    base, rho = rng.normal(size=N), 0.6
    other = rho * base + math.sqrt(1 - rho**2) * rng.normal(size=N)
    return other, base, 6 / math.pi * math.asin(rho / 2)


@pytest.mark.parametrize(
    ("statistic", "draw", "wide", "least", "most"),
    [
        (mean, normal(3.0, 3.0), False, 0.90, 0.98),
        (mean_difference, normal(1.0, 0.0), False, 0.90, 0.98),
        (glass_delta, half_a_deviation, False, 0.88, 0.99),
        (rank_correlation, correlated, False, 0.88, 0.98),
        (median_ratio, lognormal(1.0, 1.0), False, 0.90, 0.99),
        # Of heavy tails a ratio of means covers too little, which is why medians stand beside.
        (mean_ratio, lognormal(2.0, math.exp(2)), False, 0.60, 0.92),
        (mean, of_data, True, 0.90, 0.99),
        (median_ratio, ratios_of_data, True, 0.90, 0.995),
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
    for module in (statistics, correlation):
        monkeypatch.setattr(module, "RESAMPLES", 399)
    assert least <= coverage(statistic, draw, wide) <= most


def test_the_interval_of_an_exponent_covers_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exponents, "RESAMPLES", 399)
    cases = {("κ", f"n={n}"): float(n) for n in (4, 16, 64, 256)}
    hits = 0
    for trial in range(TRIALS):
        rng = np.random.default_rng([trial, 11])
        rows = [
            Observation(*case, i, size**1.5 * value)
            for case, size in cases.items()
            for i, value in enumerate(rng.lognormal(0.0, 1.0, N))
        ]
        found = exponents.exponent_of_medians(Observations("c", rows), "p", "s", cases)
        hits += (found.low or 0) <= 1.5 <= (found.high or 0)
    assert 0.88 <= hits / TRIALS <= 0.99


RESTING_ON_ACCURACY = {
    "accuracy": NEW_DATA,
    "dropout-rate": NEW_DATA,
    "odd-block-sizes": NEW_DATA,
    "parameter-matched": NEW_DATA,
    "step-size": SPLITS,
    "harder-tasks": NEW_DATA,
    "odd-heads": NEW_DATA,
}
"""The table of docs/audit.md."""


def test_claims_that_rest_on_accuracies_name_the_population_that_they_are_about() -> None:
    page = (Path(__file__).parents[1] / "docs" / "audit.md").read_text(encoding="utf-8")
    for number, (name, claim) in enumerate(CLAIMS.items(), 1):
        assert claim.about == RESTING_ON_ACCURACY.get(name, SPLITS)
        assert ("about" in vars(type(claim))) == (name in RESTING_ON_ACCURACY)
        row = re.search(rf"^\| {number} \| [^|]*\| ([^|]*) \|$", page, re.MULTILINE)
        assert (row and row[1]) == RESTING_ON_ACCURACY.get(name)


class About(Claim):
    """Holds if the mean gap lies above 0, in part above -1, contradicted if below -1."""

    name, title, null = "about", "a gap", 0.0
    statement = where = published = method = rule = overturn = "-"

    def observe(self, bench: Bench) -> list[Observation]:
        """Return none."""
        return []

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return the gap."""
        return [of(mean_difference, observations)]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict."""
        (gap,) = found.all
        verdict = HOLDS if above(gap, 0) else CONTRADICTED if below(gap, -1) else NOT_SUPPORTED
        verdict = CONDITIONAL if verdict == NOT_SUPPORTED and above(gap, -1) else verdict
        condition = "so" if verdict == CONDITIONAL else None
        return Judgement(verdict, "m", in_digits(gap), condition)


class AboutNewData(About):
    """The same of new data."""

    about = NEW_DATA


@pytest.mark.parametrize(
    ("gap", "of_splits", "of_data"),
    [
        (2.0, (HOLDS, None), (HOLDS, None)),
        (0.3, (HOLDS, None), (CONDITIONAL, "so")),
        (-0.7, (CONDITIONAL, "so"), (CONDITIONAL, f"so; {ONLY_SPLITS}")),
        (-1.3, (CONTRADICTED, None), (NOT_SUPPORTED, None)),
        (-3.0, (CONTRADICTED, None), (CONTRADICTED, None)),
    ],
)
def test_a_verdict_rests_on_the_interval_of_what_the_claim_is_about(
    gap: float, of_splits: tuple[str, str | None], of_data: tuple[str, str | None]
) -> None:
    noise = np.random.default_rng(3).normal(size=N)
    x = gap + 0.5 * (noise - noise.mean()) / noise.std()
    found = About().measure(data_of(x, np.zeros(N)))
    (wide,) = [of_population(one, NEW_DATA) for one in found]
    assert (wide.low, wide.high) == (found[0].wide_low, found[0].wide_high)
    assert of_population(found[0], SPLITS) == found[0]
    told = {claim.about: judged(claim, found) for claim in (About(), AboutNewData())}
    assert (told[SPLITS].verdict, told[SPLITS].condition) == of_splits
    assert (told[NEW_DATA].verdict, told[NEW_DATA].condition) == of_data
    # The reason has the interval that decided, and says of what it is.
    fell_back = (told[NEW_DATA].condition or "").endswith(ONLY_SPLITS)
    deciding = found[0] if fell_back else wide
    population = SPLITS if fell_back else NEW_DATA
    start = f"{in_digits(deciding)} The intervals are for {population}"
    assert told[NEW_DATA].reason.startswith(start)
    assert told[SPLITS].reason == in_digits(found[0])
    if of_data == (NOT_SUPPORTED, None):
        assert f"by those for {SPLITS} the verdict is: {CONTRADICTED}." in told[NEW_DATA].reason
        assert "would be seen with a power of 80 %" in told[NEW_DATA].reason


def test_p_is_of_the_interval_that_the_verdict_rests_on() -> None:
    x = np.random.default_rng(4).normal(0.5, 1.0, N)
    found = About().measure(data_of(x, np.zeros(N)))
    assert p_of(About(), found) == p_value(found[0], 0.0)
    wide = resampled_t(x, OVERLAP).p
    assert p_of(AboutNewData(), found) == pytest.approx(wide, abs=0.03)
    assert wide > 5 * (p_of(About(), found) or 1)


def test_what_a_claim_is_about_is_an_input_of_its_judgement_where_it_is_not_splits() -> None:
    digests = {inputs_digest(claim, [0], ["u"]) for claim in (About(), AboutNewData())}
    assert len(digests) == 2
    # Those of claims on splits are as they always were.
    inputs = {
        "cdbench": cdbench.__version__, "claim": "about", "rule": "-", "version": 1,
        "block": "first", "seeds": [0], "runs": ["u"],
    }  # fmt: skip
    text = json.dumps(inputs, sort_keys=True)
    assert inputs_digest(About(), [0], ["u"]) == hashlib.sha256(text.encode()).hexdigest()
