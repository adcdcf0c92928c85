"""The claims on matched networks, the step's size, harder tasks and the final loss.

Every rule is tried on made-up runs, in which the claim is true, false, or neither.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest

from cdbench.claims import final_loss, harder_tasks, parameter_matched, step_size
from cdbench.claims.base import Bench, Claim
from cdbench.claims.evidence.rate_grid import B4, B8, DENSE, RAW, WEIGHT_SPACE
from cdbench.claims.harder_tasks import EASY, EQUAL_RATE, HARDER, OWN_BEST
from cdbench.config.run_config import RunConfig
from cdbench.datasets import DATASETS
from cdbench.engine.building import build_network
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Observation,
)
from cdbench.records.run import EpochMetrics
from cdbench.running.execution import execute
from cdbench.statistics.estimates import Observations
from cdbench.store.audit_queries import AuditedRun
from tests import judging

pytestmark = pytest.mark.usefixtures("fewer_resamples")

SEEDS = range(10)
Make = Callable[[RunConfig], AuditedRun]
COUNTS = {DENSE: 8970, B4: 2380, B8: 1296}


def made_up(
    config: RunConfig,
    accuracy: float = 0.97,
    losses: tuple[float, float] = (1.0, 0.001),
    n_parameters: int = 1000,
) -> AuditedRun:
    """A run with an accuracy, the losses of its first and last epoch, and a size."""
    epochs = tuple(
        EpochMetrics(epoch, loss, 3 * loss, accuracy, 0.01)
        for epoch, loss in zip((1, config.epochs), losses, strict=True)
    )
    return AuditedRun(0, "", config, n_parameters, epochs, (), ())


def jitter(config: RunConfig, size: float) -> float:
    """A number of this size that depends on the configuration alone."""
    return size * float(np.random.default_rng(int(config.digest()[:12], 16)).normal())


def observed(claim: Claim, make: Make) -> list[Observation]:
    runs = {config: make(config) for config in claim.needs(SEEDS)}
    return claim.observe(Bench(tuple(SEEDS), runs))


def judged(claim: Claim, make: Make) -> Judgement:
    return judging.judged(claim, observed(claim, make))


def data_of(claim: Claim, make: Make) -> Observations:
    return Observations(claim.name, observed(claim, make))


# Parameter-matched

MATCHED = parameter_matched.ParameterMatched()


def with_matched(
    gap: float, gap_8: float = 0.0, papers_dense: int = 8970, tuned: float = 0.0
) -> Make:
    """Runs of B=4 and B=8 ahead by so much of the dense networks of their size.

    All vary from seed to seed, together, by about 0.003.
    """

    def make(config: RunConfig) -> AuditedRun:
        if config.layer == "dense":
            count = {64: papers_dense, 24: 2410, 14: 1270}[config.hidden[0]]
            accuracy = 0.97 if config.hidden[0] == 64 else 0.95
        else:
            count, accuracy = COUNTS[config.model], 0.95 + (gap if config.B == 4 else gap_8)
        if config.layer == "dense" and config.learning_rate == 0.2:
            accuracy += tuned
        accuracy += jitter(RunConfig(seed=config.seed), 0.003) + jitter(config, 0.0005)
        return made_up(config, accuracy, n_parameters=count)

    return make


@pytest.mark.parametrize(
    ("make", "verdict", "words"),
    [
        (with_matched(0.01), CONDITIONAL, "3.77× apart; matched: B=4 better +"),
        (with_matched(0.0), CONDITIONAL, "B=4 unclear"),
        (with_matched(-0.02), CONTRADICTED, "B=4 worse −"),
        (with_matched(-0.0018), NOT_SUPPORTED, "B=4"),
        (with_matched(0.01, -0.02, papers_dense=2385), HOLDS, "B=8 worse −"),
        (with_matched(-0.02, papers_dense=2385), CONTRADICTED, "1× apart"),
    ],
)
def test_parameter_matched_is_judged_by_counts_and_by_a_dense_network_as_small(
    make: Make, verdict: str, words: str
) -> None:
    judgement = judged(MATCHED, make)
    assert judgement.verdict == verdict
    assert words in judgement.measured


def test_the_condition_says_how_b4_fares_at_the_equal_rate_and_at_own_best_rates() -> None:
    """Dense is 0.02 better at a rate of its own."""
    better, level, turned = (
        str(judged(MATCHED, with_matched(gap, tuned=tuned)).condition)
        for gap, tuned in ((0.01, 0.0), (0.0, 0.0), (0.01, 0.02))
    )
    unclear = "not told apart from it"
    assert better.endswith("B=4 is better than it; at own best rates better than it")
    assert level.endswith(f"B=4 is {unclear}; at own best rates {unclear}")
    assert turned.endswith("B=4 is better than it; at own best rates worse than it")


def test_no_other_hidden_width_gives_a_count_closer_to_cdlinears() -> None:
    def count(config: RunConfig) -> int:
        return build_network(config, 64, 10).n_parameters

    for model, width in parameter_matched.WIDTHS.items():
        own = count(RunConfig(B={B4: 4, B8: 8}[model]))
        distance = {
            h: abs(count(RunConfig(layer="dense", hidden=(h, h))) - own) for h in range(1, 65)
        }
        assert min(distance, key=distance.__getitem__) == width
        assert distance[width] < parameter_matched.MATCHED * own


def test_matched_networks_differ_from_the_papers_dense_in_width_alone() -> None:
    needed = MATCHED.needs(SEEDS)
    narrow = [config for config in needed if config.hidden != (64, 64)]
    assert len(narrow) == 2 * len(parameter_matched.DENSES) * len(SEEDS)
    papers = [config for config in narrow if config.learning_rate == 0.1]
    assert len(papers) == 2 * len(SEEDS)
    assert {replace(config, hidden=(64, 64)) for config in papers} <= set(needed)


# The step's size

STEPS = step_size.StepSize()


def with_steps(equal: float, left: float, best_dense: float = 0.98, noise: float = 0.0005) -> Make:
    """Runs of B=8 behind by ``equal`` at rate 0.1 and by ``left`` at each one's own best."""

    def make(config: RunConfig) -> AuditedRun:
        rate, scaling = config.learning_rate, config.learning_rate_scaling
        at_papers = (scaling, rate) == (RAW, 0.1)
        if config.layer == "dense":
            accuracy = 0.975 if at_papers else best_dense if rate == 0.2 else 0.9
        elif config.B == 8:
            at_best = (scaling, rate) == (WEIGHT_SPACE, 0.4)
            accuracy = 0.975 - equal if at_papers else best_dense - left if at_best else 0.8
        else:
            accuracy = 0.97 if at_papers else 0.9
        return made_up(config, accuracy + jitter(config, noise))

    return make


@pytest.mark.parametrize(
    ("make", "verdict", "condition"),
    [
        (with_steps(0.02, 0.018), HOLDS, None),
        (with_steps(0.02, 0.004), CONTRADICTED, None),
        (with_steps(0.02, -0.01), CONTRADICTED, None),
        (with_steps(0.02, 0.01, noise=0.002), CONDITIONAL, "left at own best rates are meant"),
        (with_steps(0.02, 0.0075, noise=0.02), NOT_SUPPORTED, None),
        (with_steps(0.0, 0.0), NOT_SUPPORTED, None),
        (with_steps(-0.01, -0.01), NOT_SUPPORTED, None),
    ],
)
def test_step_size_is_judged_by_the_share_of_the_gap_that_a_better_step_leaves(
    make: Make, verdict: str, condition: str | None
) -> None:
    judgement = judged(STEPS, make)
    assert judgement.verdict == verdict
    assert (condition or "") in (judgement.condition or "")


def test_gaps_are_those_at_the_equal_rate_and_at_the_own_best_ones() -> None:
    data = data_of(STEPS, with_steps(0.02, 0.005, best_dense=0.985, noise=0))
    expected = {
        step_size.EQUAL_RATE: 0.02,
        step_size.BOTH: 0.005,
        step_size.ONLY_OURS: 0.975 - (0.985 - 0.005),
    }
    for comparison, gap in expected.items():
        values = data.values(step_size.gap_of(B8), comparison).values()
        assert list(values) == pytest.approx([gap] * len(SEEDS))
    steps = [set(data.values(step_size.STEP, model).values()) for model in (DENSE, B8)]
    assert steps == [{0.2}, {0.4}]


@pytest.mark.parametrize(
    ("claim", "steps"), [(STEPS, step_size.STEP), (MATCHED, parameter_matched.TUNED)]
)
def test_own_best_rate_of_a_seed_is_not_chosen_by_that_seed(claim: Claim, steps: str) -> None:
    """Whatever the first seed's runs are, the rate is the one that suits the other half."""

    def make(favourite: float) -> Make:
        def run(config: RunConfig) -> AuditedRun:
            first = config.seed == SEEDS[0]
            best = favourite if first else 0.1
            good = (config.learning_rate, config.learning_rate_scaling) == (best, RAW)
            return made_up(config, 0.95 if good else -9.0 if first else 0.9)

        return run

    usual, other = (data_of(claim, make(rate)).values(steps, B8) for rate in (0.1, 0.05))
    if steps == step_size.STEP:
        assert usual[SEEDS[0]] == other[SEEDS[0]]
    else:  # the accuracy then is that of a rate that does not suit the seed
        assert (usual[SEEDS[0]], other[SEEDS[0]]) == (0.95, -9)


# Harder tasks

TASKS = harder_tasks.HarderTasks()
LEVELS = {"digits": 0.97, "digits-noise": 0.6, "digits-few": 0.9} | dict.fromkeys(HARDER[2:], 0.5)
EVERYWHERE = ", ".join(HARDER)
GAP = 0.01
Gaps = Mapping[str, float] | float


def gap_on(gaps: Gaps, name: str) -> float:
    if name == EASY:
        return GAP
    return gaps.get(name, GAP) if isinstance(gaps, Mapping) else gaps


def with_tasks(
    gaps: Gaps,
    best: Gaps | None = None,
    only_B8: bool = False,
    levels: Mapping[str, float] = LEVELS,
    noise: float = 0.001,
) -> Make:
    """Runs behind dense by 0.01 on the digits and by these gaps on other sets, at rate 0.05.

    At the middle rate of each model's grid all are 0.005 better, and the gaps are ``best``.
    """

    def make(config: RunConfig) -> AuditedRun:
        level, rate = levels[config.dataset], config.learning_rate
        middle = rate == (0.1 if config.layer == "dense" else 0.05)
        accuracy = level + 0.005 * middle
        if config.layer != "dense":
            wider = not only_B8 or config.B == 8
            own = gap_on(gaps, config.dataset) if wider else GAP
            accuracy = level - own if rate == 0.05 else level - 0.2
            if best is not None and rate == 0.1:  # the own best is then another rate
                accuracy = level + 0.005 - gap_on(best, config.dataset)
        return made_up(config, accuracy + jitter(config, noise))

    return make


@pytest.mark.parametrize(
    ("make", "verdict", "condition"),
    [
        (with_tasks(0.1, 0.05), HOLDS, None),
        (
            with_tasks(0.1, 0.01),
            CONDITIONAL,
            f"{EQUAL_RATE}: {EVERYWHERE}",
        ),
        (
            with_tasks({"digits-few": 0.1}),
            CONDITIONAL,
            f"{EQUAL_RATE}: digits-few; {OWN_BEST}: digits-few",
        ),
        (with_tasks(0.1, only_B8=True), NOT_SUPPORTED, None),
        (
            with_tasks({"digits-few": 0.1, "digits-noise": -0.02}, only_B8=True),
            NOT_SUPPORTED,
            None,
        ),
        (with_tasks(0.01, noise=0.005), NOT_SUPPORTED, None),
        (with_tasks(-0.01), CONTRADICTED, None),
        (with_tasks({"digits-few": -0.01}), CONTRADICTED, None),
        (with_tasks(0.1, levels=dict.fromkeys(LEVELS, 0.97)), NOT_SUPPORTED, None),
        (
            with_tasks({"digits-few": 0.1}, levels=LEVELS | {"digits-noise": 0.99}),
            CONDITIONAL,
            f"{EQUAL_RATE}: digits-few; {OWN_BEST}: digits-few",
        ),
        (with_tasks(0.1, 0.05, levels=LEVELS | {"digits-few": 0.99}), HOLDS, None),
    ],
)
def test_the_gap_widens_if_it_does_at_equal_and_at_own_best_rates_on_every_harder_set(
    make: Make, verdict: str, condition: str | None
) -> None:
    judgement = judged(TASKS, make)
    assert (judgement.verdict, judgement.condition) == (verdict, condition)


def test_widening_is_the_difference_of_the_two_gaps() -> None:
    found = judging.measured(TASKS, data_of(TASKS, with_tasks({"digits-pairs": 0.13}, noise=0)))
    for name, change in (("digits-pairs", 0.12), ("digits-few", 0.0)):
        wider = found.find(harder_tasks.gap_at(EQUAL_RATE, B4), name, EASY)
        assert wider.estimate == pytest.approx(change, abs=1e-12)
    # Dense errs in 0.5 of the pairs, and CDLinear in 0.63.
    ratio = found.find(harder_tasks.error_on("digits-pairs"), B8, DENSE)
    assert ratio.estimate == pytest.approx(1.26)


def test_harder_tasks_are_made_from_the_digits_at_the_papers_scale_for_few_seeds() -> None:
    needed = TASKS.needs(range(100))
    assert {config.dataset for config in needed} == {EASY, *HARDER} <= set(DATASETS)
    assert {config.input for config in needed} == {"scale"}
    assert {config.seed for config in needed} == set(range(harder_tasks.MAX_SEEDS))
    assert len(needed) == 5 * 9 * harder_tasks.MAX_SEEDS


@pytest.mark.parametrize("name", HARDER)
def test_networks_train_on_the_harder_sets(name: str) -> None:
    for B in (None, 8):
        layer = "cdlinear" if B else "dense"
        run = execute(RunConfig(dataset=name, input="scale", layer=layer, B=B, epochs=3, seed=100))
        losses = [epoch.training_loss for epoch in run.epochs]
        assert losses[-1] < losses[0]


# The final loss

FINAL = final_loss.FinalLoss()


def with_final(four: float, eight: float, noise: float = 0.05) -> Make:
    """Runs whose final losses are so many times dense's."""

    def make(config: RunConfig) -> AuditedRun:
        times = {DENSE: 1.0, B4: four, B8: eight}[config.model]
        late = 0.001 * times * float(np.exp(jitter(config, noise)))
        return made_up(config, losses=(1.0, late))

    return make


@pytest.mark.parametrize(
    ("make", "verdict"),
    [
        (with_final(0.6, 2.5), HOLDS),
        (with_final(0.6, 14), CONTRADICTED),
        (with_final(0.1, 1), CONTRADICTED),
        (with_final(0.1, 14), CONTRADICTED),
        (with_final(1, 3.16), NOT_SUPPORTED),
        (with_final(1, 3.16, noise=2), NOT_SUPPORTED),
    ],
)
def test_final_losses_are_similar_within_half_a_decade_of_dense_both(
    make: Make, verdict: str
) -> None:
    assert judged(FINAL, make).verdict == verdict


def test_final_loss_is_that_of_the_last_epoch_and_falls_from_the_first() -> None:
    found = judging.measured(FINAL, data_of(FINAL, with_final(0.5, 20, noise=0)))
    assert found.find(final_loss.FINAL, B8, DENSE).estimate == pytest.approx(20)
    assert found.find(final_loss.FINAL, B8).estimate == pytest.approx(0.02)
    assert found.find(final_loss.FALL, B4).estimate == pytest.approx(2000)
    assert found.find(final_loss.TEST, B4, DENSE).estimate == pytest.approx(0.5)
