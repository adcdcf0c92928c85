"""How rates are found, and what is made of runs: statistics and words."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from cdbench.comparison.results import Competitor, lines
from cdbench.comparison.sizes import Candidate, fields_of, largest_matrix, whole
from cdbench.comparison.trials import (
    MOST_EXTENSIONS,
    OF_FIRST,
    Score,
    Tuned,
    reported,
    search,
)
from cdbench.comparison.words import how_sure, sentences
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.records.comparison import MOST_WEIGHTS, ComparedModel, Difference
from cdbench.statistics.measures import ACCURACY
from cdbench.store.comparison_queries import ReportedRun
from tests.test_compare_sizes import plan_of

PLAN = plan_of(0.25)
CANDIDATES = [whole(PLAN), *fields_of(PLAN)[0].candidates]
RATE = Callable[[float], Score | None]


def walk(score: RATE) -> tuple[Tuned, list[float]]:
    """Search a model's rate where a rate's score is known; return what is found, and the trials."""
    scores: dict[RunConfig, Score | None] = {}
    order: list[float] = []
    while True:
        missing, found = search(PLAN, CANDIDATES[1], scores)
        if not missing:
            return found, order
        for one in missing:
            assert one.learning_rate is not None
            assert one.validation == PLAN.validation
            assert one.seed in PLAN.tuning_seeds
            scores[one] = score(one.learning_rate)
            order.append(one.learning_rate)


def peak(at: float) -> RATE:
    """Return accuracies that fall by a point with each factor of two from a rate."""
    return lambda rate: Score(0.9 - 0.01 * abs(np.log2(rate / at)), 1.0)


def test_a_best_inside_the_grid_needs_no_more_than_the_grid() -> None:
    found, order = walk(peak(0.04))
    assert found.rate == 0.04
    assert not found.is_at_edge
    assert sorted(set(order)) == list(PLAN.rates)


@pytest.mark.parametrize("at", [0.64, 0.00125])
def test_a_best_at_an_end_extends_the_grid_until_it_is_inside(at: float) -> None:
    found, order = walk(peak(at))
    assert found.rate == at
    assert not found.is_at_edge
    assert len(set(order)) == len(PLAN.rates) + 2


def test_a_best_that_runs_away_is_said_to_be_at_the_edge() -> None:
    found, order = walk(peak(1e9))
    assert found.rate == 0.32 * 2**MOST_EXTENSIONS
    assert found.is_at_edge
    assert len(set(order)) == len(PLAN.rates) + MOST_EXTENSIONS


def test_rates_that_diverge_are_no_choice_and_lower_ones_are_tried() -> None:
    found, _ = walk(lambda rate: None if rate > 0.002 else Score(0.5, 1.0))
    assert found.rate == 0.00125  # of equal rates the highest; 0.000625 was tried
    assert sorted(found.merits)[0] == 0.000625
    assert found.merits[0.32] is None
    nothing, order = walk(lambda _: None)
    assert (nothing.rate, nothing.usable, nothing.is_at_edge) == (None, (), True)
    assert min(order) == pytest.approx(0.0025 / 2**MOST_EXTENSIONS)


def test_of_equal_accuracies_the_lower_loss_is_better() -> None:
    found, _ = walk(lambda rate: Score(0.9, abs(np.log2(rate / 0.08))))
    assert found.rate == 0.08


def test_the_usable_range_is_unbroken_about_the_best() -> None:
    level = {0.01: 0.9, 0.02: 0.5, 0.04: 0.896, 0.08: 0.9 + 1e-9, 0.16: 0.8951}
    found, _ = walk(lambda rate: Score(level.get(rate, 0.1), 1.0))
    assert found.usable == (0.04, 0.16)


def test_reported_runs_see_the_whole_training_split() -> None:
    found = reported(PLAN, CANDIDATES[1], 0.02)
    assert [one.seed for one, own in found.items() if own == OF_FIRST] == [0]
    for one in found:
        assert (one.validation, one.learning_rate) == (0.0, 0.02)
    assert all(Diagnostics(values=False).covers(own, 25) for own in found.values())


def test_hessians_of_large_layers_are_left_out_for_every_model_alike() -> None:
    wide = replace(PLAN, base=replace(PLAN.base, hidden=(128, 64)))
    assert largest_matrix(PLAN) == 64 * 64 <= MOST_WEIGHTS
    assert largest_matrix(wide) == 128 * 64 == MOST_WEIGHTS
    wider = replace(PLAN, base=replace(PLAN.base, hidden=(129, 64)))
    for plan, kinds in ((wide, OF_FIRST.kinds), (wider, ("weight",))):
        for candidate in (whole(plan), *fields_of(plan)[0].candidates):
            first, *rest = reported(plan, candidate, 0.02).values()
            assert first.kinds == kinds
            assert {own.spectra for own in rest} == {False}


TUNED = Tuned(0.08, (0.04, 0.16), {0.08: 0.9}, is_at_edge=False)


def competitor(candidate: Candidate, accuracies: list[float]) -> Competitor:
    runs = {
        seed: ReportedRun(seed, accuracy, None, None, 0.01, 10.0 + seed, 100.0)
        for seed, accuracy in enumerate(accuracies)
    }
    return Competitor(candidate, TUNED, 16, runs, 1.0)


RNG = np.random.default_rng(0)
ACCURACIES = [list(0.9 + place / 100 + RNG.normal(0, 0.01, 8)) for place in (3, 0, 1, -2, -9)]
OURS = [competitor(*pair) for pair in zip(CANDIDATES, ACCURACIES, strict=True)]


def test_intervals_and_p_are_those_of_scipy() -> None:
    found = {line.model: line for line in lines(OURS, 0.25, ACCURACY)}
    own = found["cdlinear B=4"]
    sample = np.array(ACCURACIES[2])
    expected = stats.ttest_1samp(sample, 0).confidence_interval()
    assert own.low == pytest.approx(expected.low)
    assert own.high == pytest.approx(expected.high)
    assert own.wide_high is not None
    assert own.score is not None
    assert own.high is not None
    widening = np.sqrt(1 + len(sample) / 4)
    assert own.wide_high - own.score == pytest.approx((own.high - own.score) * widening)
    of_base = {difference.against: difference for difference in own.differences}
    paired = stats.ttest_rel(ACCURACIES[2], ACCURACIES[1])
    assert of_base["narrower dense"].difference == pytest.approx(
        np.mean(sample - np.array(ACCURACIES[1]))
    )
    others = [stats.ttest_rel(one, ACCURACIES[1]).pvalue for one in ACCURACIES[2:]]
    rank = sorted(others).index(paired.pvalue)
    adjusted = max((3 - i) * p for i, p in enumerate(sorted(others)[: rank + 1]))
    assert of_base["narrower dense"].p_holm == pytest.approx(min(1, adjusted))
    won = np.mean(sample > np.array(ACCURACIES[1]))
    assert of_base["narrower dense"].improvement == pytest.approx(won)


def test_lines_go_from_the_dense_network_down_in_accuracy() -> None:
    found = lines(OURS[::1], 0.25, ACCURACY)
    assert found[0].role == "dense"
    accuracies = [line.score or 0.0 for line in found[1:]]
    assert accuracies == sorted(accuracies, reverse=True)
    assert {d.against for d in found[0].differences} == set()
    narrower = next(line for line in found if line.role == "narrower dense")
    assert [d.against for d in narrower.differences] == ["dense"]
    assert found[1].weight_kappa == np.median(10.0 + np.arange(8))


def test_on_the_data_sets_own_split_there_is_no_interval_for_new_data() -> None:
    for line in lines(OURS, None, ACCURACY):
        assert (line.wide_low, line.wide_high) == (None, None)
        for difference in line.differences:
            assert difference.wide_p_holm is None


def test_pairs_are_of_the_seeds_that_both_have() -> None:
    short = competitor(CANDIDATES[2], ACCURACIES[2])
    runs = {seed: run for seed, run in short.runs.items() if seed != 3}
    some = [OURS[0], OURS[1], Competitor(short.candidate, TUNED, 16, runs, None)]
    own = next(line for line in lines(some, 0.25, ACCURACY) if line.layer == "cdlinear")
    assert own.n_seeds == 7
    kept = [i for i in range(8) if i != 3]
    gap = np.mean(np.array(ACCURACIES[2])[kept] - np.array(ACCURACIES[0])[kept])
    found = next(d for d in own.differences if d.against == "dense")
    assert found.difference == pytest.approx(gap)


def difference(p: float, wide_p: float | None) -> Difference:
    return Difference("dense", 0.01, 0.0, 0.02, None, None, p, wide_p, 0.5)


def test_sure_is_what_holms_p_is_below_five_percent_for() -> None:
    assert how_sure(difference(0.001, 0.04)) == "sure on new data too"
    assert how_sure(difference(0.04, 0.051)) == "sure on these splits only"
    assert how_sure(difference(0.051, 0.3)) == "not sure"
    assert how_sure(difference(0.04, None)) == "sure over seeds"
    assert how_sure(difference(0.06, None)) == "not sure"


def test_a_sentence_says_who_is_best_and_how_the_layers_fare() -> None:
    found = lines(OURS, 0.25, ACCURACY)
    (said,) = sentences(found, "digits", "parameters", ACCURACY)
    best = next(line for line in found if line.role != "dense")
    assert best.model == "cdlinear B=4"
    assert said.startswith(
        "On digits at 25 % of the dense network's weights cdlinear B=4 is best, with "
    )
    assert "It is ahead of the narrower dense network by " in said
    assert "behind dense at full width by " in said


def test_a_model_that_lost_seeds_is_not_the_best_and_is_named() -> None:
    short = {seed: run for seed, run in OURS[2].runs.items() if seed}
    some = [*OURS[:2], Competitor(CANDIDATES[2], TUNED, 16, short, None), OURS[3]]
    (said,) = sentences(lines(some, 0.25, ACCURACY), "digits", "parameters", ACCURACY)
    assert "dense 23 23 is best" in said
    assert "The best structured layer, low-rank rank=7, has " in said
    assert said.endswith("Out of this for lost seeds: cdlinear B=4.")


def test_differences_that_are_all_equal_are_not_sure() -> None:
    same = [competitor(one, [0.9 - place / 30] * 8) for place, one in enumerate(CANDIDATES[:3])]
    for line in lines(same, 0.25, ACCURACY):
        for own in line.differences:
            assert (own.low, own.p_holm, own.wide_p_holm) == (own.high, 1.0, 1.0)
            assert how_sure(own) == "not sure"


def test_a_sentence_says_so_if_a_narrower_dense_network_is_best() -> None:
    worse = [OURS[0], OURS[1], competitor(CANDIDATES[2], [a - 0.05 for a in ACCURACIES[2]])]
    (said,) = sentences(lines(worse, 0.25, ACCURACY), "digits", "parameters", ACCURACY)
    assert "dense 23 23 is best" in said
    assert "The best structured layer, cdlinear B=4, has " in said
    untrained = Competitor(CANDIDATES[2], Tuned(None, (), {}, is_at_edge=True), 16, {}, None)
    found: list[ComparedModel] = lines([OURS[0], OURS[1], untrained], 0.25, ACCURACY)
    (said,) = sentences(found, "digits", "parameters", ACCURACY)
    assert said.endswith("no structured layer trained with every seed.")
