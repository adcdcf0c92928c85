"""The project's own bootstrap intervals are SciPy's, number for number."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from cdbench.statistics.bootstrap import interval


def scipys(
    values: Any, function: Callable[..., Any], n_resamples: int, level: float, method: str
) -> tuple[float, float]:
    def of_rows(chosen: Any, axis: int = -1) -> Any:
        del axis  # always the last one
        return function(values[chosen], axis=chosen.ndim - 1)

    with np.errstate(all="ignore"):
        found = stats.bootstrap(
            (np.arange(len(values)),),
            of_rows,
            n_resamples=n_resamples,
            confidence_level=level,
            vectorized=True,
            method=method,
            rng=np.random.default_rng(0),
        ).confidence_interval
    return float(found.low), float(found.high)


def ratio_of_medians(pairs: Any, axis: int) -> Any:
    middle = np.median(pairs, axis=axis)
    return middle[..., 0] / middle[..., 1]


@pytest.mark.parametrize(("n", "seed"), [(3, 0), (4, 1), (10, 2), (30, 3), (31, 4)])
@pytest.mark.parametrize("level", [0.9, 0.95])
@pytest.mark.parametrize("method", ["percentile", "BCa"])
def test_interval_is_scipys(n: int, seed: int, level: float, method: str) -> None:
    values = np.random.default_rng(seed).lognormal(size=n)
    for function in (np.mean, np.median) if method == "percentile" else (np.mean,):
        ours = interval(values, function, 999, level, corrected=method == "BCa")
        np.testing.assert_allclose(
            ours, scipys(values, function, 999, level, method), rtol=1e-12, atol=0
        )


def test_interval_of_paired_samples_is_scipys() -> None:
    pairs = np.random.default_rng(5).lognormal(size=(12, 2))
    ours = interval(pairs, ratio_of_medians, 999, 0.95, corrected=False)
    np.testing.assert_allclose(
        ours, scipys(pairs, ratio_of_medians, 999, 0.95, "percentile"), rtol=1e-12, atol=0
    )


def test_a_resample_without_a_value_leaves_no_interval() -> None:
    def spread_ratio(values: Any, axis: int) -> Any:
        return np.mean(values, axis=axis) / np.ptp(values, axis=axis) * 0

    with np.errstate(all="ignore"):
        low, high = interval(np.array([1.0, 2.0, 3.0]), spread_ratio, 999, 0.95, corrected=False)
    assert math.isnan(low)
    assert math.isnan(high)
