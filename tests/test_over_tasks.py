"""Probability of improvement, interquartile mean, and the bootstrap stratified by tasks."""

import numpy as np
import pytest
from scipy import stats

from cdbench.statistics.improvement import paired_improvement
from cdbench.statistics.interquartile import interquartile_mean
from cdbench.statistics.stratified_bootstrap import stratified_interval

RNG = np.random.default_rng(0)
OURS, THEIRS = RNG.integers(0, 6, (2, 4, 5)) / 2


def test_improvement_counts_the_pairs_that_are_won_and_half_of_the_ties() -> None:
    counted = [(x > y) + 0.5 * (x == y) for x, y in zip(OURS.flat, THEIRS.flat, strict=True)]
    assert paired_improvement(OURS, THEIRS) == pytest.approx(np.mean(counted))
    assert paired_improvement(OURS, THEIRS) + paired_improvement(THEIRS, OURS) == pytest.approx(1)


def test_improvement_does_not_ask_by_how_much() -> None:
    by_task = np.array([[1.0], [10.0], [0.1], [3.0]])
    assert paired_improvement(np.exp(OURS) * by_task, np.exp(THEIRS) * by_task) == pytest.approx(
        float(paired_improvement(OURS, THEIRS))
    )


def test_interquartile_mean_is_that_of_the_middle_half_of_all_runs() -> None:
    scores = np.random.default_rng(2).normal(size=(3, 8))
    middle = np.sort(scores.ravel())[6:18]
    assert interquartile_mean(scores) == pytest.approx(middle.mean())
    outlying = np.where(scores == scores.max(), 1e6, scores)
    assert interquartile_mean(outlying) == pytest.approx(middle.mean())


def test_statistics_of_many_resamples_are_those_of_each() -> None:
    many, others = RNG.normal(size=(6, 3, 5)), RNG.normal(size=(6, 3, 5))
    each = [float(paired_improvement(x, y)) for x, y in zip(many, others, strict=True)]
    assert paired_improvement(many, others) == pytest.approx(each)
    each = [float(interquartile_mean(x)) for x in many]
    assert interquartile_mean(many) == pytest.approx(each)


def test_with_one_task_it_is_scipys_bootstrap_number_for_number() -> None:
    x = RNG.normal(size=30)
    expected = stats.bootstrap(
        (x,), np.mean, n_resamples=999, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    found = stratified_interval(lambda s: s.mean(axis=(1, 2)), x[None], n_resamples=999)
    assert found == pytest.approx((expected.low, expected.high))


def test_differences_of_tasks_do_not_widen_it() -> None:
    noise = RNG.normal(size=(4, 10))
    apart = noise + np.array([[0.0], [100.0], [-50.0], [7.0]])
    narrow, same = (
        stratified_interval(lambda s: s.mean(axis=(1, 2)), x, n_resamples=999)
        for x in (noise, apart - apart.mean() + noise.mean())
    )
    assert narrow == pytest.approx(same)
    known = stratified_interval(interquartile_mean, np.arange(4.0)[:, None].repeat(10, axis=1))
    assert known == (1.5, 1.5)  # each task has no spread of its own


def test_tasks_are_drawn_apart() -> None:
    x = RNG.normal(size=20)
    low, high = stratified_interval(lambda s: s.mean(axis=(1, 2)), np.stack([x, -x]))
    assert low < -0.1 < 0.1 < high


def test_pairs_are_drawn_together() -> None:
    split = RNG.normal(0, 10, (3, 20))

    def gap(pairs):
        return (pairs[..., 0] - pairs[..., 1]).mean(axis=(1, 2))

    paired = stratified_interval(gap, np.stack([split + 1, split], axis=-1), n_resamples=999)
    assert paired == pytest.approx((1, 1))


def test_it_covers_the_probability_of_improvement() -> None:
    """Of normal scores a standard deviation and a half apart on one task, equal on the other."""
    shift = np.array([[1.5], [0.0]])
    truth = (stats.norm.cdf(1.5 / np.sqrt(2)) + 0.5) / 2

    def probability(pairs):
        return paired_improvement(pairs[..., 0], pairs[..., 1])

    trials, hits = 300, 0
    for trial in range(trials):
        rng = np.random.default_rng([trial, 5])
        pairs = np.stack([rng.normal(size=(2, 20)) + shift, rng.normal(size=(2, 20))], axis=-1)
        low, high = stratified_interval(probability, pairs, n_resamples=299)
        hits += low <= truth <= high
    assert 0.90 <= hits / trials <= 0.98
