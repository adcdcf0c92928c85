"""The corrected resampled t: without overlap the plain one, with it right for new data."""

import math

import numpy as np
import pytest
from scipy import stats

from cdbench.statistics.estimands import OVERLAP
from cdbench.statistics.resampled import resampled_t, widening

N = 30


def test_without_overlap_it_is_the_one_sample_t_test() -> None:
    x = np.random.default_rng(0).normal(0.3, 1.0, N)
    found, expected = resampled_t(x, overlap=0.0), stats.ttest_1samp(x, 0.0)
    ends = expected.confidence_interval(0.95)
    assert found.mean == pytest.approx(x.mean())
    assert [found.low, found.high] == pytest.approx([ends.low, ends.high])
    assert found.p == pytest.approx(expected.pvalue)


def test_its_variance_is_the_formulas_by_hand() -> None:
    x = np.array([1.0, 2.0, 4.0, 5.0])  # mean 3, s² = 10/3, variance 10/3 (1/4 + 1/4) = 5/3
    found = resampled_t(x, overlap=0.25)
    half = 3.182446 * math.sqrt(5 / 3)  # t's quantile of 97.5 % with 3 degrees of freedom
    assert [found.mean, found.low, found.high] == pytest.approx([3, 3 - half, 3 + half], rel=1e-6)
    assert found.p == pytest.approx(2 * stats.t.sf(3 / math.sqrt(5 / 3), 3))
    assert widening(N, OVERLAP) == pytest.approx(math.sqrt(8.5))


def test_p_is_that_of_the_interval_which_ends_at_zero() -> None:
    x = np.random.default_rng(1).normal(0.5, 1.0, N)
    p = resampled_t(x, OVERLAP).p
    assert resampled_t(x, OVERLAP, level=1 - p).low == pytest.approx(0, abs=1e-9)
    assert resampled_t(-x, OVERLAP).p == pytest.approx(p)


def test_it_covers_the_effect_on_new_data_where_the_plain_one_does_not() -> None:
    """Splits of a data set whose effect has the variance that the correction assumes."""
    hits = {OVERLAP: 0, 0.0: 0}
    trials = 1000
    for trial in range(trials):
        rng = np.random.default_rng([trial, 3])
        x = rng.normal(0.0, math.sqrt(OVERLAP)) + rng.normal(0.0, 1.0, N)
        for overlap in hits:
            found = resampled_t(x, overlap)
            hits[overlap] += found.low <= 0 <= found.high
    assert 0.93 <= hits[OVERLAP] / trials <= 0.975
    assert hits[0.0] / trials < 0.65


def test_differences_without_spread_are_certain() -> None:
    for value, p in ((0.5, 0.0), (0.0, 1.0)):
        found = resampled_t(np.full(4, value), OVERLAP)
        assert (found.mean, found.low, found.high, found.p) == (value, value, value, p)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, math.nan], [1.0, math.inf]])
def test_too_few_differences_or_infinite_ones_are_refused(values: list[float]) -> None:
    expected = f"got {len(values)} differences, expected at least 2, all of them finite"
    with pytest.raises(ValueError, match=f"^{expected}$"):
        resampled_t(np.array(values), OVERLAP)
