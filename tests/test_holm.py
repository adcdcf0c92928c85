"""Holm's correction: by hand, and as the closed test of Bonferroni's that it is."""

from itertools import chain, combinations

import numpy as np
import pytest

from cdbench.statistics.holm import holm


def test_it_is_the_calculation_by_hand() -> None:
    p_values = {str(i): p for i, p in enumerate([0.001, 0.2, 0.01, 0.04, 0.9])}
    # 5 · 0.001, 4 · 0.01, 3 · 0.04, 2 · 0.2, and 0.9, none less than one before it.
    expected = {"0": 0.005, "2": 0.04, "3": 0.12, "1": 0.4, "4": 0.9}
    adjusted = holm(p_values)
    assert list(adjusted) == list(expected)
    assert list(adjusted.values()) == pytest.approx(list(expected.values()))
    assert holm({"a": 0.01, "b": 0.011}) == pytest.approx({"a": 0.02, "b": 0.02})
    assert holm({"one": 0.03}) == {"one": 0.03}
    assert holm({}) == {}


def test_it_is_the_closed_test_of_bonferronis() -> None:
    """A hypothesis is rejected if Bonferroni rejects every set of hypotheses that has it."""
    rng = np.random.default_rng(0)
    for trial in range(50):
        n = 1 + trial % 6
        p_values = {str(i): float(p) for i, p in enumerate(rng.uniform(0, 0.3, n) ** 2)}
        sets = list(chain.from_iterable(combinations(p_values, k) for k in range(1, n + 1)))
        closed = {
            name: min(1.0, max(len(s) * min(p_values[i] for i in s) for s in sets if name in s))
            for name in p_values
        }
        assert holm(p_values) == pytest.approx(closed)


def test_false_alarms_are_as_rare_as_they_are_said_to_be() -> None:
    rng = np.random.default_rng(1)
    trials, level = 2000, 0.05
    alarms = sum(
        min(holm(dict(zip("abcdefgh", map(float, p), strict=True))).values()) <= level
        for p in rng.uniform(size=(trials, 8))
    )
    assert 0.035 <= alarms / trials <= 0.062  # 1 - (1 - 0.05 / 8)^8 = 0.049
