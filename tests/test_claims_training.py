"""The claims on training: dropout, Fisher, Figure 2, cost, speed and odd block sizes.

Every rule is tried on made-up runs, in which the claim is true, false, or neither.
"""

import math
from collections.abc import Callable, Mapping
from functools import cache
from statistics import fmean

import numpy as np
import pytest

from cdbench.claims import cost, dropout_rate, figure2, fisher_flatness, odd_block_sizes
from cdbench.claims import training_speed as speed
from cdbench.claims.base import Bench, Claim
from cdbench.claims.evidence.forward_cost import (
    BATCH,
    REPETITIONS,
    claimed_share,
    forward_times,
    multiplications,
)
from cdbench.claims.evidence.rate_grid import (
    B4,
    B8,
    DENSE,
    RAW,
    WEIGHT_SPACE,
    Setting,
    first_epoch,
    own_best,
)
from cdbench.config.numbers import ALPHA_CD
from cdbench.config.run_config import RunConfig
from cdbench.diagnostics.spectra import KINDS
from cdbench.engine.products import PRODUCTS
from cdbench.engine.products.real_dft import real_dft_work
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    REPRODUCED,
    Judgement,
    Observation,
)
from cdbench.records.run import EpochMetrics
from cdbench.records.spectra import Condition, Spectrum
from cdbench.statistics.estimates import Observations
from cdbench.store.audit_queries import AuditedRun
from tests import judging
from tests.floors import same_at_all

pytestmark = pytest.mark.usefixtures("fewer_resamples")

FLATNESS = fisher_flatness.FisherFlatness()

SEEDS = range(12)


Make = Callable[[RunConfig], AuditedRun]


def made_up(
    config: RunConfig,
    accuracies: Mapping[int, float] | float = 0.97,
    condition: Callable[[str, int, int], tuple[float, float, int]] = lambda *_: (10, 0.5, 10),
    n_parameters: int = 1000,
    duration_s: float = 0.01,
    power: float = math.inf,
) -> AuditedRun:
    """A run with accuracies from epochs on, and (κ, flatness, rank) by kind, layer, epoch."""
    steps = accuracies if isinstance(accuracies, Mapping) else {1: accuracies}
    epochs, accuracy = [], 0.1
    for epoch in range(1, config.epochs + 1):
        accuracy = steps.get(epoch, accuracy)
        epochs.append(EpochMetrics(epoch, 0.1, 0.1, accuracy, duration_s))
    spectra = tuple(
        spectrum(layer, kind, epoch, *condition(kind, layer, epoch), power)
        for kind in KINDS
        for layer in (1, 2, 3)
        for epoch in range(0, config.epochs + 1, 5)
    )
    return AuditedRun(0, "", config, n_parameters, tuple(epochs), spectra, ())


@cache
def spectrum(
    layer: int, kind: str, epoch: int, kappa: float, flatness: float, rank: int, power: float
) -> Spectrum:
    """A spectrum whose κ is at most ``power`` above every noise floor."""
    found = Condition(
        *(kappa, 1, kappa, kappa, rank, rank, 0.0, flatness),
        floors=same_at_all(min(kappa, power)),
    )
    return Spectrum(layer, kind, epoch, (), found)


@cache
def jitter(config: RunConfig, size: float) -> float:
    """A number of this size that depends on the configuration alone."""
    return size * float(np.random.default_rng(int(config.digest()[:12], 16)).normal())


def observed(claim: Claim, make: Make) -> list[Observation]:
    runs = {config: make(config) for config in claim.needs(SEEDS)}
    return claim.observe(Bench(tuple(SEEDS), runs))


def judged(claim: Claim, make: Make) -> Judgement:
    return judging.judged(claim, observed(claim, make))


# Dropout


def with_dropout(gains: Mapping[tuple[str, float], float], size: float = 0.001) -> Make:
    """Runs whose accuracy has these gains, by model and rate; None stands for any model."""

    def make(config: RunConfig) -> AuditedRun:
        gain = gains.get((config.model, config.dropout), gains.get(("any", config.dropout), 0))
        return made_up(config, 0.9 + gain + jitter(config, size))

    return make


@pytest.mark.parametrize(
    ("gains", "size", "verdict", "words"),
    [
        ({("any", 0.0): -0.01}, 0.001, HOLDS, "it gains +1.0"),
        ({}, 0.001, NOT_SUPPORTED, "no dropout at all does as well"),
        ({("any", 0.0): -0.01, (B8, 0.2): 0.02}, 0.001, CONTRADICTED, "cdlinear B=8, dropout 0.2"),
        ({("any", 0.0): 0.02}, 0.001, CONTRADICTED, "dropout 0 gains"),
        ({("any", 0.0): -0.01, (DENSE, 0.1): 0.005}, 0.001, NOT_SUPPORTED, "is open: dense"),
        ({("any", 0.0): -0.01}, 0.01, NOT_SUPPORTED, "is open"),
    ],
)
def test_dropout_rate_needs_no_tuning_if_no_other_gains_and_none_loses(
    gains: dict[tuple[str, float], float], size: float, verdict: str, words: str
) -> None:
    judgement = judged(dropout_rate.DropoutRate(), with_dropout(gains, size))
    assert judgement.verdict == verdict
    assert words in judgement.reason


def test_dropout_is_averaged_over_models_seed_by_seed() -> None:
    claim = dropout_rate.DropoutRate()
    data = Observations("", observed(claim, with_dropout({(DENSE, ALPHA_CD): 0.03}, 0)))
    together = data.values(dropout_rate.ACCURACY, "mean of the three models, dropout 0.0118")
    assert list(together.values()) == pytest.approx([0.91] * len(SEEDS))


# The Fisher regulariser


def with_fisher(
    flatter: Mapping[tuple[str, int], float],
    kappa: float = 1.0,
    only_late: bool = False,
    power: float = math.inf,
) -> Make:
    """Runs flatter by form and B, κ multiplied by ``kappa`` with trace-inverse.

    Above every noise floor κ is at most ``power``.
    """

    def make(config: RunConfig) -> AuditedRun:
        on = config.fisher_weight > 0
        gain = flatter.get((config.fisher_form, config.B or 1), 0.0) if on else 0.0
        factor = kappa if on and config.fisher_form == "trace-inverse" else 1.0

        noise = jitter(config, 0.001)

        def condition(kind: str, layer: int, epoch: int) -> tuple[float, float, int]:
            gained = 0 if epoch == 0 or (only_late and epoch < 25) else gain
            # The first layer's Hessian does not depend on the weights.
            own = 1.0 if (kind, layer) == ("layer_hessian", 1) else factor
            return 1000 * own * math.exp(noise), 0.5 + gained + noise, 64

        return made_up(config, condition=condition, power=power)

    return make


TRACE, LOG = "trace-inverse", "log-variance"
OURS = fisher_flatness.OUR_EPSILON
BOTH = {(TRACE, 4): 0.1, (TRACE, 8): 0.1}


@pytest.mark.parametrize(
    ("make", "verdict", "condition"),
    [
        (with_fisher(BOTH, kappa=0.5), CONDITIONAL, OURS),
        (
            with_fisher(BOTH, kappa=2.0),
            CONDITIONAL,
            f"{OURS}; {TRACE} at B=4 and B=8; flatness is meant, not κ",
        ),
        (
            with_fisher(BOTH, kappa=0.5, power=100),
            CONDITIONAL,
            f"{OURS}; {TRACE} at B=4 and B=8; κ follows at rounding level only",
        ),
        (with_fisher({(TRACE, 8): 0.1}, 0.5), CONDITIONAL, f"{OURS}; {TRACE} at B=8"),
        (
            with_fisher({(LOG, 4): 0.1}),
            CONDITIONAL,
            f"{OURS}; {LOG} at B=4; flatness is meant, not κ",
        ),
        (with_fisher(dict.fromkeys(BOTH, -0.1)), CONTRADICTED, None),
        (with_fisher({}), NOT_SUPPORTED, None),
        (with_fisher(dict.fromkeys(BOTH, 0.005)), NOT_SUPPORTED, None),
        (with_fisher(BOTH, kappa=0.5, only_late=True), NOT_SUPPORTED, None),
    ],
)
def test_fisher_flattens_if_every_epoch_is_flatter_and_better_conditioned(
    make: Make, verdict: str, condition: str | None
) -> None:
    judgement = judged(FLATNESS, make)
    assert (judgement.verdict, judgement.condition) == (verdict, condition)


def test_fisher_leaves_out_the_first_layers_hessian() -> None:
    measurements = judging.measured(FLATNESS, observed(FLATNESS, with_fisher(BOTH, 0.5)))
    subjects = ("cdlinear B=4, trace-inverse", "cdlinear B=4, none")
    ratio = measurements.find(fisher_flatness.HESSIAN, *subjects)
    assert ratio.estimate == pytest.approx(0.5, rel=0.01)


# Figure 2


def with_decades(
    own: tuple[float, float],
    comparable: tuple[float, float] = (2, 2),
    count: int = 10,
    seed_2: tuple[float, float] | None = None,
) -> Make:
    """Runs whose last layer spans these decades, of dense and of CDLinear."""

    def make(config: RunConfig) -> AuditedRun:
        spans = seed_2 if seed_2 and config.seed == 2 else own

        noise = jitter(config, 0.01)

        def condition(kind: str, layer: int, epoch: int) -> tuple[float, float, int]:
            span = (comparable if kind == "weight" else spans)[config.layer != "dense"]
            return (10 ** (span + noise) if layer == 3 else 1.0), 0.5, count

        return made_up(config, condition=condition)

    return make


@pytest.mark.parametrize(
    ("make", "verdict", "condition"),
    [
        (with_decades((5.5, 0.5), count=9), REPRODUCED, None),
        (with_decades((5.5, 0.5), (5, 1)), HOLDS, None),
        (
            with_decades((5.5, 0.5)),
            CONDITIONAL,
            "dense's five decades are meant and CD's flatness is meant",
        ),
        (
            with_decades((2, 0.5), (2, 1)),
            CONDITIONAL,
            "CD's flatness is meant and spectra are compared like for like",
        ),
        (
            with_decades((1, 0.5), (2, 1), seed_2=(5.5, 0.5)),
            CONDITIONAL,
            "CD's flatness is meant and spectra are compared like for like",
        ),
        (with_decades((1, 2), (2, 1)), CONTRADICTED, None),
        (with_decades((5.5, 2)), NOT_SUPPORTED, None),
        (with_decades((1, 2), seed_2=(5.5, 2)), NOT_SUPPORTED, None),
    ],
)
def test_figure_2_is_judged_by_its_own_seed_and_by_all(
    make: Make, verdict: str, condition: str | None
) -> None:
    judgement = judged(figure2.Figure2(), make)
    assert (judgement.verdict, judgement.condition) == (verdict, condition)


def test_figure_2_has_its_seed_whatever_the_audits_are() -> None:
    needed = figure2.Figure2().needs(range(100, 110))
    assert {config.seed for config in needed} == {2, *range(100, 110)}


# Cost


def with_times(
    monkeypatch: pytest.MonkeyPatch,
    ratios: Mapping[str, Mapping[int, float]],
    epoch: float = 2.0,
) -> Make:
    """Runs whose epochs take ``epoch`` times dense's; products take these ratios of its time."""

    def times(n: int, blocks: tuple[int, ...]) -> dict[str, list[float]]:
        rng = np.random.default_rng(n)
        found = {"dense": 1e-3} | {
            f"{product} B={B}": 1e-3 * own[B] for product, own in ratios.items() for B in blocks
        }
        return {name: (t * rng.uniform(0.95, 1.05, 9)).tolist() for name, t in found.items()}

    monkeypatch.setattr(cost, "forward_times", times)
    monkeypatch.setattr(cost, "PRODUCTS", dict.fromkeys(ratios))
    return lambda config: made_up(config, duration_s=0.01 * (1 if config.B is None else epoch))


def ratios(*values: float) -> dict[int, float]:
    return dict(zip(cost.BLOCKS, values, strict=True))


GATHER = {"gather": ratios(1.5, 1.5, 1.5, 1.5)}


@pytest.mark.parametrize(
    ("products", "epoch", "verdict", "condition"),
    [
        (GATHER | {"fft": ratios(0.6, 0.4, 0.3, 0.2)}, 2, HOLDS, None),
        (
            GATHER | {"fft": ratios(1.5, 1, 0.6, 0.4)},
            2,
            CONDITIONAL,
            "n = 1024, fft B=16, fft B=32",
        ),
        (
            {"fft": ratios(0.6, 0.6, 0.6, 0.6)},
            70,
            CONDITIONAL,
            "n = 1024, fft B=4, fft B=8, fft B=16, fft B=32; falling slower with B; "
            "epochs' gap not closed",
        ),
        (GATHER | {"fft": ratios(3, 3, 2, 2)}, 2, CONTRADICTED, None),
        (GATHER | {"fft": ratios(3, 3, 2, 1)}, 2, NOT_SUPPORTED, None),
        (GATHER, 2, NOT_SUPPORTED, None),
        ({"gather": ratios(0.9, 1, 1.1, 1)}, 2, NOT_SUPPORTED, None),
    ],
)
def test_cost_is_judged_at_the_largest_width_with_margins(
    monkeypatch: pytest.MonkeyPatch,
    products: dict[str, dict[int, float]],
    epoch: float,
    verdict: str,
    condition: str | None,
) -> None:
    judgement = judged(cost.Cost(), with_times(monkeypatch, products, epoch))
    assert (judgement.verdict, judgement.condition) == (verdict, condition)


def test_every_product_is_timed_beside_dense() -> None:
    times = forward_times(32, (4, 8))
    assert set(times) == {"dense"} | {f"{name} B={B}" for name in PRODUCTS for B in (4, 8)}
    assert all(len(own) == REPETITIONS and min(own) > 0 for own in times.values())


@pytest.mark.parametrize(("B", "saving"), [(4, 3.2), (8, 5.8), (16, 11.1), (32, 21.8), (64, 43.1)])
def test_frequencies_save_what_the_limit_says(B: int, saving: float) -> None:
    n, K = 2**30, 2**30 // B  # where transforms of samples no longer count
    of_c = real_dft_work(B, K, K).multiplications / BATCH
    assert n**2 / (multiplications("fft", n, B) - of_c) == pytest.approx(saving, rel=0.02)


@pytest.mark.parametrize("B", [4, 8, 16, 32])
def test_fft_multiplies_less_than_is_claimed_at_large_n_and_gather_as_much_as_dense(B: int) -> None:
    assert multiplications("fft", 1024, B) < claimed_share(B) * 1024**2
    # At the paper's n the transforms, which are matrix products, count for more and more.
    assert (multiplications("fft", 64, B) < claimed_share(B) * 64**2) == (B == 4)
    assert multiplications("gather", 64, B) == 64**2


# Speed

Speeds = dict[tuple[str, str, float], int]


def with_epochs(epochs: Speeds) -> Make:
    """Runs that take so many epochs to 95 %, two more to 97 %; 20 in any other setting."""

    def make(config: RunConfig) -> AuditedRun:
        rate = config.learning_rate or 0
        first = epochs.get((config.model, config.learning_rate_scaling, rate), 20)
        return made_up(config, {first: 0.955, first + 2: 0.975})

    return make


def at_best(dense: int, four: int, eight: int) -> Speeds:
    """Each model at a rate of its own; at the recipe's CDLinear is slow."""
    return {
        (DENSE, RAW, 0.1): dense,
        (B4, WEIGHT_SPACE, 0.4): four,
        (B8, RAW, 0.05): eight,
    }


EVERY_CASE = f"{B4} to 95 %, {B4} to 97 %, {B8} to 95 %, {B8} to 97 %"
EQUAL_AT_BEST = at_best(9, 5, 5) | {(DENSE, RAW, 0.2): 5}


@pytest.mark.long
@pytest.mark.parametrize(
    ("epochs", "verdict", "condition"),
    [
        (at_best(6, 4, 3), HOLDS, None),
        (at_best(3, 3, 5), NOT_SUPPORTED, None),
        (at_best(3, 5, 8), NOT_SUPPORTED, None),
        (at_best(6, 4, 6), CONDITIONAL, f"own best rate ({B4} to 95 %, {B4} to 97 %)"),
        (
            EQUAL_AT_BEST | {(B4, RAW, 0.1): 5, (B8, RAW, 0.1): 5},
            CONDITIONAL,
            f"equal rate 0.1 ({EVERY_CASE})",
        ),
        (
            EQUAL_AT_BEST | {(B4, WEIGHT_SPACE, 0.1): 5, (B8, WEIGHT_SPACE, 0.1): 5},
            CONDITIONAL,
            f"equal step on W ({EVERY_CASE})",
        ),
        (at_best(6, 6, 6), NOT_SUPPORTED, None),
        (at_best(6, 4, 8), NOT_SUPPORTED, None),
    ],
)
def test_speed_is_judged_at_each_models_own_best_rate(
    epochs: Speeds, verdict: str, condition: str | None
) -> None:
    judgement = judged(speed.TrainingSpeed(), with_epochs(epochs))
    assert (judgement.verdict, judgement.condition) == (verdict, condition)


def test_run_that_never_gets_there_counts_as_one_epoch_past_the_last() -> None:
    run = made_up(RunConfig(), {3: 0.95, 9: 0.96})
    assert [first_epoch(run, target) for target in (0.95, 0.955, 0.97)] == [3, 9, 26]


def test_step_on_weights_is_b_times_the_raw_rate() -> None:
    settings = [Setting(DENSE, RAW, 0.1), Setting(B8, RAW, 0.1), Setting(B8, WEIGHT_SPACE, 0.1)]
    assert [setting.step for setting in settings] == pytest.approx([0.1, 0.8, 0.1])


def random_epochs(seeds: range, stream: int = 0) -> dict[Setting, dict[int, int]]:
    rng = np.random.default_rng(stream)
    settings = [Setting(B4, RAW, rate) for rate in (0.05, 0.1, 0.2, 0.4)]
    return {setting: {s: int(rng.integers(1, 27)) for s in seeds} for setting in settings}


def test_own_best_rate_of_a_seed_does_not_depend_on_that_seed() -> None:
    seeds = range(12)
    epochs = random_epochs(seeds)
    before = own_best(epochs, seeds)[B4]
    for setting in epochs:
        changed = {other: own | {0: 1 if other == setting else 26} for other, own in epochs.items()}
        assert own_best(changed, seeds)[B4][0] == before[0]


def test_own_best_rate_is_not_faster_than_chance_where_all_rates_are_alike() -> None:
    seeds = range(12)
    found = []
    for stream in range(300):
        epochs = random_epochs(seeds, stream)
        chosen = own_best(epochs, seeds)[B4]
        found += [epochs[chosen[seed]][seed] for seed in seeds]
    assert fmean(found) == pytest.approx(13.5, abs=4 * 7.5 / math.sqrt(len(found)))


def test_own_best_rate_is_found_where_one_is_best() -> None:
    seeds = range(12)
    epochs = random_epochs(seeds)
    best = Setting(B8, RAW, 0.1)
    epochs |= {best: dict.fromkeys(seeds, 2), Setting(B8, RAW, 0.2): dict.fromkeys(seeds, 3)}
    assert own_best(epochs, seeds)[B8] == dict.fromkeys(seeds, best)


# Odd block sizes

PARAMETERS = {1: 8970, 2: 4554, 3: 3312, 4: 2380, 5: 1960, 6: 1728, 7: 1694, 8: 1296}


def with_odd(gain: float, size: float) -> Make:
    """Runs whose accuracy is linear in ln(parameters), but for a gain of odd sizes and noise."""

    def make(config: RunConfig) -> AuditedRun:
        B = config.B or 1
        accuracy = 0.8 + 0.02 * math.log(PARAMETERS[B]) + gain * (B in odd_block_sizes.ODD)
        return made_up(config, accuracy + jitter(config, size), n_parameters=PARAMETERS[B])

    return make


@pytest.mark.parametrize(
    ("gain", "size", "verdict", "words"),
    [
        (0.01, 0.002, HOLDS, "are better than"),
        (-0.01, 0.002, CONTRADICTED, "are worse than"),
        (0.0, 0.001, NOT_SUPPORTED, "are as good as"),
        (0.0, 0.02, NOT_SUPPORTED, "cannot be told from"),
        (0.002, 0.0001, NOT_SUPPORTED, "are as good as"),
    ],
)
def test_odd_block_sizes_are_compared_with_even_ones_of_as_many_parameters(
    gain: float, size: float, verdict: str, words: str
) -> None:
    judgement = judged(odd_block_sizes.OddBlockSizes(), with_odd(gain, size))
    assert judgement.verdict == verdict
    assert words in judgement.reason


def test_excess_over_neighbours_is_the_gain_where_accuracy_is_linear() -> None:
    data = Observations("", observed(odd_block_sizes.OddBlockSizes(), with_odd(0.01, 0)))
    for subject in data.subjects(odd_block_sizes.EXCESS):
        values = data.values(odd_block_sizes.EXCESS, subject).values()
        assert list(values) == pytest.approx([0.01] * len(SEEDS))
