"""Ranks over several tasks: Demšar's example and his table, and what ranks may not depend on."""

import numpy as np
import pytest
from scipy import stats

from cdbench.statistics.ranks import average_ranks, critical_difference, friedman

DEMSARS = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ]
)
"""AUC of C4.5 in four variants on 14 data sets (Demšar 2006, Table 6).

His ranks of the last but one tell apart what is printed as equal."""

Q = {2: 1.960, 3: 2.343, 4: 2.569, 5: 2.728, 6: 2.850, 7: 2.949, 8: 3.031, 9: 3.102, 10: 3.164}
"""Critical values of Nemenyi's test at 5 %, by the number of models (Demšar 2006, Table 5a)."""


def test_average_ranks_are_demsars() -> None:
    assert average_ranks(DEMSARS) == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)


def test_equal_scores_share_their_mean_rank_and_nothing_else_than_order_counts() -> None:
    scores = np.array([[3.0, 1.0, 3.0], [0.0, 0.0, 0.0], [1.0, 3.0, 2.0]])
    assert average_ranks(scores) == pytest.approx([6.5 / 3, 6 / 3, 5.5 / 3])
    assert average_ranks(DEMSARS).mean() == pytest.approx((4 + 1) / 2)
    stretched = np.exp(DEMSARS * np.arange(1, 15)[:, None])
    assert average_ranks(stretched) == pytest.approx(average_ranks(DEMSARS))


def test_friedmans_is_demsars_over_the_correction_for_ties() -> None:
    n, k = DEMSARS.shape
    plain = 12 * n / (k * (k + 1)) * (sum(average_ranks(DEMSARS) ** 2) - k * (k + 1) ** 2 / 4)
    assert plain == pytest.approx(9.28, abs=0.01)
    # Ties of t scores count t³ − t: four equal on one task, two on each of three others.
    found, p = friedman(DEMSARS)
    assert found == pytest.approx(plain / (1 - (60 + 3 * 6) / (n * (k**3 - k))))
    assert p == pytest.approx(stats.chi2.sf(found, k - 1))


def test_friedmans_p_is_the_share_of_shuffled_tasks_that_differ_as_much() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(20, 4)) + np.array([0.0, 0.3, 0.5, 0.6])
    found, p = friedman(scores)
    shuffled = [friedman(rng.permuted(scores, axis=1))[0] for _ in range(1000)]
    assert 0.01 < p < 0.9
    assert np.mean(np.array(shuffled) >= found) == pytest.approx(p, abs=0.04)


def test_models_that_are_equal_on_every_task_do_not_differ() -> None:
    assert friedman(np.ones((5, 3))) == (0.0, 1.0)


def test_two_models_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^got 2 models, expected at least 3, or a paired test$"):
        friedman(np.ones((5, 2)))


def test_nemenyis_critical_values_are_demsars() -> None:
    for k, q in Q.items():
        assert critical_difference(k, 1) / np.sqrt(k * (k + 1) / 6) == pytest.approx(q, abs=1e-3)
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    assert critical_difference(4, 14, level=0.9) == pytest.approx(1.12, abs=0.005)


def test_equal_models_are_seldom_further_apart_than_the_critical_difference() -> None:
    rng = np.random.default_rng(1)
    ranks = np.array([average_ranks(rng.normal(size=(20, 5))) for _ in range(1000)])
    apart = np.ptp(ranks, axis=1) > critical_difference(5, 20)
    assert 0.025 <= apart.mean() <= 0.06
