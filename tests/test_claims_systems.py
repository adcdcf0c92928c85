"""The claims on what the paper defers: convolution, attention, language, heads and depth.

Each rule reaches its verdicts on made-up numbers; each computed number obeys a law that is known
otherwise.
"""

import math
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from cdbench.claims import deep_networks, odd_heads
from cdbench.claims.attention import AttentionExtends
from cdbench.claims.base import Bench, Claim
from cdbench.claims.convolution import ConvolutionExtends
from cdbench.claims.evidence.equal_weights import EqualWeights
from cdbench.claims.evidence.systems import B4, DENSE, N_SEEDS, NARROWER
from cdbench.claims.language import Language
from cdbench.claims.verdict import judged as for_population
from cdbench.config.run_config import RunConfig
from cdbench.engine.building import build_network
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
)
from cdbench.records.run import EpochMetrics
from cdbench.records.spectra import Condition, Spectrum
from cdbench.statistics.estimands import SPLITS, TRAININGS, placed
from cdbench.statistics.estimates import Observations
from cdbench.store.audit_queries import AuditedRun
from tests.floors import same_at_all
from tests.judging import judged

SEEDS = tuple(range(12))
EQUAL = (ConvolutionExtends(), AttentionExtends(), Language())
HEADS, DEEP = odd_heads.OddHeads(), deep_networks.DeepNetworks()
Numbers = Callable[[RunConfig], tuple[float, float]]
"""Score, higher being better, and κ by configuration."""


def made_up(config: RunConfig, run_id: int, numbers: Numbers, first: float = 1) -> AuditedRun:
    """A run whose score and κ are given, with a little noise of their own."""
    rng = np.random.default_rng(int(config.digest()[:12], 16))
    score, kappa = numbers(config)
    score += 0.001 * rng.normal()
    spectra = []
    for kind, layer in product(("weight", "layer_hessian"), range(1, 4)):
        k = kappa * math.exp(0.01 * rng.normal()) * (first if layer == 1 else 1)
        found = Condition(k, 1.0, math.inf, k, 3, 4, 0.0, floors=same_at_all(k))
        spectra.append(Spectrum(layer, kind, config.epochs, (), found))
    epochs = (EpochMetrics(config.epochs, 0.1, 3 - score, score, 0.01),)
    return AuditedRun(run_id, "", config, 1, epochs, tuple(spectra), ())


def bench_of(claim: Claim, numbers: Numbers, first: float = 1) -> Bench:
    needs = claim.needs(SEEDS)
    return Bench(SEEDS, {own: made_up(own, i, numbers, first) for i, own in enumerate(needs, 1)})


def judgement_of(claim: Claim, numbers: Numbers) -> Judgement:
    return judged(claim, claim.observe(bench_of(claim, numbers)))


def is_narrower(config: RunConfig) -> bool:
    return config.layer == "dense" and (config.channels == (8, 16) or config.width in (32, 36))


def gained(gain: float, ratio: float, only: str | None = None) -> Numbers:
    """B=4 above the narrower network by this much, and dense's κ over that of B=4; on one set."""

    def numbers(config: RunConfig) -> tuple[float, float]:
        if config.layer == "dense":
            return (0.5 if is_narrower(config) else 0.8), 100.0
        counts = only is None or config.dataset.startswith(only)
        return 0.5 + gain * counts, 100.0 / (ratio if counts else 1)

    return numbers


@pytest.mark.parametrize("claim", EQUAL[1:], ids=lambda claim: claim.name)
def test_a_system_holds_if_structure_is_worth_its_weights_and_conditions_better(
    claim: EqualWeights,
) -> None:
    assert judgement_of(claim, gained(0.1, 2.0)).verdict == HOLDS
    assert judgement_of(claim, gained(-0.1, 1.0)).verdict == CONTRADICTED
    assert judgement_of(claim, gained(0.0, 0.5)).verdict == CONTRADICTED
    assert judgement_of(claim, gained(0.0, 1.0)).verdict == NOT_SUPPORTED
    by_score, by_kappa = (judgement_of(claim, gained(*own)) for own in ((0.1, 0.5), (0.0, 2.0)))
    assert (by_score.verdict, by_score.condition) == (CONDITIONAL, "the score is meant")
    assert (by_kappa.verdict, by_kappa.condition) == (CONDITIONAL, "κ is meant")


def test_a_system_that_holds_on_some_sets_names_them() -> None:
    found = judgement_of(ConvolutionExtends(), gained(0.1, 2.0, only="fashion"))
    assert (found.verdict, found.condition) == (CONDITIONAL, "on Fashion-MNIST")
    assert found.measured == "worth it on 1 of 3 sets, κ better on 1"


@pytest.mark.parametrize("claim", EQUAL[1:], ids=lambda claim: claim.name)
def test_every_network_has_its_own_best_rate(claim: EqualWeights) -> None:
    """A rate that is better for one network alone changes that network's score alone."""

    def with_rate(config: RunConfig) -> tuple[float, float]:
        score, kappa = gained(0.1, 2.0)(config)
        return score + 0.1 * (config.B == 4 and config.learning_rate == 0.01), kappa

    (system, *_) = claim.systems
    plain, better = (
        Observations(claim.name, claim.observe(bench_of(claim, own)))
        for own in (gained(0.1, 2.0), with_rate)
    )
    for arm in system.arms:
        own, other = (
            np.mean([*found.values(system.score, arm).values()]) for found in (plain, better)
        )
        sign = -1 / math.log(2) if system.is_text else 1
        assert other - own == pytest.approx(0.1 * sign * (arm == B4), abs=0.003)


@pytest.mark.parametrize("claim", EQUAL, ids=lambda claim: claim.name)
def test_the_narrower_network_has_about_as_many_weights(claim: EqualWeights) -> None:
    for system in claim.systems:
        configs = {setting.model: own[0] for setting, own in system.configs([0]).items()}
        n, n_out, image = SHAPES[system.name]
        counts = {
            arm: build_network(config, n, n_out, image).n_parameters
            for arm, config in configs.items()
        }
        assert counts[NARROWER] == pytest.approx(counts[B4], rel=0.05)
        for arm in {"low-rank", "block-diagonal", "grouped", "monarch"} & set(counts):
            assert counts[arm] == pytest.approx(counts[B4], rel=0.15 if arm == "monarch" else 0.05)
        assert counts["cdlinear B=8"] < counts[B4] < counts[DENSE]


SHAPES = {
    "digits": (64, 10, (8, 8, 1)),
    "Fashion-MNIST": (784, 10, (28, 28, 1)),
    "CIFAR-10": (3072, 10, (32, 32, 3)),
    "tiny Shakespeare": (64, 65, None),
}


def test_intervals_of_sets_with_one_split_are_of_trainings() -> None:
    claim = AttentionExtends()
    data = Observations(claim.name, claim.observe(bench_of(claim, gained(0.1, 2.0))))
    measured = [placed(one, data, trainings=claim.trainings) for one in claim.measure(data)]
    digits, fashion = (system.score for system in claim.systems)
    found = {one.quantity: one.estimand for one in measured if one.baseline == NARROWER}
    assert found == {digits: SPLITS, fashion: TRAININGS}
    assert for_population(claim, measured).verdict == HOLDS


def test_parity_is_what_no_smooth_trend_gives() -> None:
    weights, logs = odd_heads.parity_weights(), np.log(odd_heads.HEADS)
    odd = np.array(odd_heads.HEADS) % 2
    for trend in (np.ones(8), logs, logs**2, 3 - 2 * logs + 0.5 * logs**2):
        assert weights @ trend == pytest.approx(0, abs=1e-12)
        assert weights @ (trend + 0.3 * odd) == pytest.approx(0.3)


def test_odd_heads_hold_or_fall_on_average_over_the_arms() -> None:
    def numbers(parity: float, also_wide: bool = True) -> Numbers:
        def own(config: RunConfig) -> tuple[float, float]:
            assert config.heads is not None
            counts = also_wide or config.head_width == odd_heads.HEAD_WIDTH
            return 0.9 + 0.01 * math.log(config.heads) + parity * (config.heads % 2) * counts, 1.0

        return own

    assert judgement_of(HEADS, numbers(0.01)).verdict == HOLDS
    assert judgement_of(HEADS, numbers(0.001)).verdict == CONTRADICTED
    assert judgement_of(HEADS, numbers(0.006, also_wide=False)).verdict == HOLDS
    assert judgement_of(HEADS, numbers(0.0025)).verdict == NOT_SUPPORTED


def test_heads_are_compared_at_equal_width_of_all_of_each_and_at_equal_weights() -> None:
    counts: dict[str, dict[int, int]] = {}
    for config in HEADS.needs([0]):
        network = build_network(config, 64, 10, (8, 8, 1))
        assert config.heads is not None
        each = config.head_width or (config.width or 0) // config.heads
        if each * config.heads == odd_heads.ALL_WIDTH:
            arm = odd_heads.FIXED_WIDTH
        elif config.width == odd_heads.WIDTH and config.heads != 4:
            arm = odd_heads.FIXED_HEADS
        else:
            arm = odd_heads.FIXED_WEIGHTS
        counts.setdefault(arm, {})[config.heads] = network.n_parameters
    for arm, own in counts.items():
        if arm == odd_heads.FIXED_WIDTH:
            assert len(own) == 8
            assert len(set(own.values())) == 1
        if arm == odd_heads.FIXED_WEIGHTS:
            assert len(own) == 8
            assert max(own.values()) / own[4] < 1.05
            assert min(own.values()) / own[4] > 0.95
        if arm == odd_heads.FIXED_HEADS:
            assert sorted(own) == sorted(own, key=own.__getitem__)


def test_conditioning_compounds_if_the_advantage_grows_up_to_17_layers() -> None:
    def numbers(growth: dict[str, float]) -> Numbers:
        def own(config: RunConfig) -> tuple[float, float]:
            plain = config.architecture == "mlp"
            n = len(config.hidden) + 1 if plain else (config.depth or 0) + 2
            advantage = 2 * n ** growth["plain" if plain else "residual"]
            return 0.9, 1000.0 if config.layer == "dense" else 1000.0 / advantage

        return own

    grow, shrink, same = 0.5, -0.5, 0.0
    assert judgement_of(DEEP, numbers({"plain": grow, "residual": grow})).verdict == HOLDS
    assert (
        judgement_of(DEEP, numbers({"plain": shrink, "residual": shrink})).verdict == CONTRADICTED
    )
    assert judgement_of(DEEP, numbers({"plain": same, "residual": shrink})).verdict == NOT_SUPPORTED
    found = judgement_of(DEEP, numbers({"plain": same, "residual": grow}))
    assert (found.verdict, found.condition) == (CONDITIONAL, "in residual networks")


def test_the_first_layer_has_no_part_in_depth() -> None:
    same, other = (bench_of(DEEP, gained(0.1, 2.0), first) for first in (1, 1e6))
    assert DEEP.observe(same) == DEEP.observe(other)


def test_each_of_these_claims_is_on_request_and_over_ten_seeds() -> None:
    for claim in (*EQUAL, HEADS, DEEP):
        assert claim.on_request
        assert {config.seed for config in claim.needs(range(30))} == set(range(N_SEEDS))
