"""The claims that are computed: constants, capacities, rows and columns, odd B, white inputs.

Each rule reaches every verdict it can reach on made-up observations; each computed number obeys a
law that is known otherwise.
"""

import math
from collections.abc import Iterable, Mapping

import numpy as np
import pytest

from cdbench.claims import first_row, odd_kappa, shannon_capacity, sodium_splitting
from cdbench.claims import theorem2_hypothesis as hypothesis
from cdbench.claims.base import Bench, Measurements
from cdbench.claims.evidence.kappa_curves import DECIDING, kappa_at
from cdbench.claims.odd_block_sizes import OddBlockSizes
from cdbench.config.numbers import ALPHA_CD
from cdbench.config.run_config import RunConfig
from cdbench.diagnostics.spectra import KINDS, LayerState, condition
from cdbench.engine.layers import CDLinear
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    REPRODUCED,
    Observation,
)
from cdbench.records.spectra import Condition, Spectrum
from cdbench.statistics.estimates import Observations
from cdbench.store.audit_queries import AuditedRun
from tests.floors import at_floors, same_at_all
from tests.judging import judged

pytestmark = pytest.mark.usefixtures("one_blas_thread")

NO_BENCH = Bench((), {})


def replaced(
    observations: Iterable[Observation], values: Mapping[tuple[str, str], float]
) -> list[Observation]:
    """The observations, but for new values of some quantities and subjects."""
    return [
        Observation(o.quantity, o.subject, o.place, values.get((o.quantity, o.subject), o.value))
        for o in observations
    ]


# The sodium doublet

SODIUM = sodium_splitting.SodiumSplitting()
CHOICES = [
    sodium_splitting.choice(charge, constant)
    for charge in sodium_splitting.CHARGES
    for constant in sodium_splitting.CONSTANTS
]


def doublet(splitting: float, alphas: Mapping[str, float], other: float) -> list[Observation]:
    """Made-up α of the choices."""
    printed = sodium_splitting.ALPHA["printed"]
    values = {(printed, name): alphas.get(name, other) for name in CHOICES}
    values[sodium_splitting.SPLITTING, "measured"] = splitting
    return replaced(SODIUM.observe(NO_BENCH), values)


@pytest.mark.parametrize(
    ("case", "verdict", "condition"),
    [
        (doublet(0.00207, {}, 0.01183), REPRODUCED, None),
        (doublet(0.00213, {}, 0.01183), CONDITIONAL, "the splitting is 0.00207 eV"),
        (
            doublet(0.00207, {CHOICES[3]: 0.0118}, 0.02),
            CONDITIONAL,
            "Z_eff and constant are Z_eff 2.20 (Slater), R∞hc",
        ),
        (doublet(0.00207, {CHOICES[3]: 0.005}, 0.02), NOT_SUPPORTED, None),
        (doublet(0.00207, {CHOICES[3]: 0.03}, 0.02), CONTRADICTED, None),
        (doublet(0.00207, {CHOICES[3]: 0.003}, 0.0117), CONTRADICTED, None),
    ],
)
def test_sodium_splitting_is_judged_by_its_rule(
    case: list[Observation], verdict: str, condition: str | None
) -> None:
    judgement = judged(SODIUM, case)
    assert (judgement.verdict, judgement.condition) == (verdict, condition)


def test_constants_are_those_of_codata() -> None:
    from scipy import constants as codata

    assert pytest.approx(codata.h * codata.c / codata.e * 100) == sodium_splitting.HC
    rydberg = codata.value("Rydberg constant times hc in eV")
    assert pytest.approx(rydberg, rel=1e-9) == sodium_splitting.RYDBERG
    assert pytest.approx(codata.fine_structure, rel=1e-9) == sodium_splitting.FINE_STRUCTURE


def test_charge_of_the_doublet_makes_alpha_the_fine_structure_constant() -> None:
    """With the hydrogen-like constant, which gives 10.95 GHz for hydrogen's 2p; 10.97 measured."""
    measured = sodium_splitting.MEASURED_SPLITTING
    alpha = sodium_splitting.alpha(measured, "doublet", "(ℓ+½)R∞hc")
    assert alpha == pytest.approx(1 / 137.036, rel=1e-6)
    hydrogen = alpha**2 * sodium_splitting.CONSTANTS["(ℓ+½)R∞hc"] / (2**3 * 1.5 * 2)
    assert hydrogen / sodium_splitting.HC * 29.9792458 == pytest.approx(10.95, abs=0.01)  # GHz


def test_splitting_is_that_of_the_two_lines() -> None:
    """Of D2 and D1, 588.995 and 589.592 nm in air, whose refractive index is 1.000277."""
    lines = [sodium_splitting.HC * 1e7 / (1.000277 * nm) for nm in (588.9950, 589.5924)]
    assert lines[0] - lines[1] == pytest.approx(sodium_splitting.MEASURED_SPLITTING, rel=1e-3)


def test_alpha_gives_the_splitting_back() -> None:
    data = Observations("c", SODIUM.observe(NO_BENCH))
    for name, splitting in (("printed", 0.00207), ("measured", 17.19594 * sodium_splitting.HC)):
        for charge, Z in sodium_splitting.CHARGES.items():
            for constant, energy in sodium_splitting.CONSTANTS.items():
                subject = sodium_splitting.choice(charge, constant)
                alpha = data.values(sodium_splitting.ALPHA[name], subject)[0]
                assert energy * alpha**2 * Z**4 / 27 / 1 / 1.5 / 2 == pytest.approx(splitting)
    for constant, energy in sodium_splitting.CONSTANTS.items():
        Z = data.values(sodium_splitting.CHARGE, constant)[0]
        assert energy * ALPHA_CD**2 * Z**4 / 81 == pytest.approx(0.00207)


# Shannon capacity

CAPACITY = shannon_capacity.ShannonCapacity()


def channels(leads: Mapping[tuple[str, str], Iterable[float]]) -> list[Observation]:
    """Observations in which α_CD leads by the given bits, symbols by symbols, else falls short."""
    found = [o for o in CAPACITY.observe(NO_BENCH) if (o.quantity, o.subject) not in leads]
    for (quantity, kind), values in leads.items():
        pairs = zip(shannon_capacity.SYMBOLS, values, strict=True)
        found += [Observation(quantity, kind, q, value) for q, value in pairs]
    return found


LEAD, REACHED_LEAD = shannon_capacity.LEAD, shannon_capacity.REACHED_LEAD
ALL, SOME, NONE = [0.1] * 7, [0.1] * 3 + [-0.1] * 4, [0.0] * 7


@pytest.mark.parametrize(
    ("case", "verdict", "condition"),
    [
        (channels({}), CONTRADICTED, None),
        (channels({(LEAD, kind): ALL for kind in shannon_capacity.CHANNELS}), HOLDS, None),
        (
            channels(
                {(LEAD, "symmetric"): ALL, (LEAD, "neighbour"): ALL, (REACHED_LEAD, "erasure"): ALL}
            ),
            HOLDS,
            None,
        ),
        (channels({(LEAD, "erasure"): ALL}), CONDITIONAL, "the channel is erasure"),
        (channels({(REACHED_LEAD, "erasure"): SOME}), CONDITIONAL, "the channel is some erasure"),
        (channels({(LEAD, "erasure"): NONE}), NOT_SUPPORTED, None),
    ],
)
def test_shannon_capacity_is_judged_by_its_rule(
    case: list[Observation], verdict: str, condition: str | None
) -> None:
    judgement = judged(CAPACITY, case)
    assert (judgement.verdict, judgement.condition) == (verdict, condition)


def entropy(*shares: float) -> float:
    return -sum(p * math.log2(p) for p in shares if p)


def test_capacities_are_those_in_closed_form() -> None:
    data = Observations("c", CAPACITY.observe(NO_BENCH))
    for q in shannon_capacity.SYMBOLS:
        for rate in shannon_capacity.RATES:
            noise = entropy(rate, 1 - rate)
            moved = 1 if q > 2 else 0  # to the left or to the right, which two symbols do not tell
            closed = {
                "symmetric": math.log2(q) - noise - rate * math.log2(q - 1),
                "neighbour": math.log2(q) - noise - rate * moved,
                "erasure": (1 - rate) * math.log2(q),
            }
            for kind, expected in closed.items():
                name = shannon_capacity.subject(kind, q)
                found = data.values(shannon_capacity.CAPACITY, name)[rate]
                assert found == pytest.approx(expected, abs=1e-10), (name, rate)
                assert data.values(shannon_capacity.REACHED, name)[rate] == pytest.approx(1)


def test_capacity_of_the_z_channel_needs_unequal_symbols() -> None:
    """Its capacity is log2(1 + (1 - p) p^(p / (1 - p))) bits."""
    p = 0.3
    channel = np.array([[1.0, 0.0], [p, 1 - p]])
    expected = math.log2(1 + (1 - p) * p ** (p / (1 - p)))
    assert shannon_capacity.capacity(channel) == pytest.approx(expected, abs=1e-10)
    assert shannon_capacity.information(np.array([0.5, 0.5]), channel) < expected - 1e-3


def test_lead_is_over_the_best_other_rate() -> None:
    values = dict.fromkeys(shannon_capacity.RATES, 1.0)
    values |= {ALPHA_CD: 3.0, 0.0: 2.5}
    assert shannon_capacity.lead(values) == pytest.approx(0.5)


# Odd B and κ

ODD_KAPPA = odd_kappa.OddKappa()
SEEDS = range(12)


def odd_case(trained: float, drawn: float, sigma: float = 0.1) -> list[Observation]:
    """Made-up κ, in which odd B have the given factor over their even neighbours."""
    found = []
    for quantity, factor in ((odd_kappa.TRAINED, trained), (odd_kappa.RANDOM, drawn)):
        for seed in SEEDS:
            noise = np.random.default_rng([seed, 7]).lognormal(0, sigma, 9)
            kappas = {B: 1e4 / B * (factor if B % 2 else 1) * noise[B] for B in range(2, 9)}
            values = {RunConfig(B=B).model: kappa for B, kappa in kappas.items()}
            values |= odd_kappa.together(kappas)
            found += [Observation(quantity, name, seed, value) for name, value in values.items()]
    for B in range(2, 9):
        found += [Observation(odd_kappa.REAL, RunConfig(B=B).model, seed, 0.5) for seed in SEEDS]
    return found


@pytest.mark.parametrize(
    ("case", "verdict"),
    [
        (odd_case(0.5, 0.5), HOLDS),
        (odd_case(0.5, 2.0), HOLDS),
        (odd_case(2.0, 0.5), CONTRADICTED),
        (odd_case(1.0, 0.2, sigma=0.5), CONDITIONAL),
        (odd_case(1.0, 1.0, sigma=3.0), NOT_SUPPORTED),
    ],
)
def test_odd_kappa_is_judged_by_its_rule(case: list[Observation], verdict: str) -> None:
    assert judged(ODD_KAPPA, at_floors(case)).verdict == verdict


def test_kappa_of_odd_blocks_at_rounding_only_is_named_so() -> None:
    weak, even = odd_case(0.5, 0.5), odd_case(1.0, 1.0, sigma=0.5)
    judgement = judged(ODD_KAPPA, at_floors(weak, even, highest=0.0))
    assert judgement.condition == "κ is taken at rounding level only"
    judgement = judged(ODD_KAPPA, at_floors(weak, even, highest=1e-8))
    assert judgement.condition == "κ is taken up to a floor of 1e-08"


def run_with(config: RunConfig, kappa: float) -> AuditedRun:
    """A run whose middle layer's weight κ is the given one; its other layers' are not."""
    spectra = tuple(
        Spectrum(layer, kind, 25, (), condition)
        for kind in KINDS
        for layer in (1, 2, 3)
        for value in [kappa if (kind, layer) == ("weight", 2) else 1e9]
        for floors in [same_at_all(value)]
        for condition in [Condition(value, 1, value, value, 4, 4, 0.0, floors=floors)]
    )
    return AuditedRun(7, "", config, 1, (), spectra, ())


def test_factor_of_odd_block_sizes_is_found_in_runs() -> None:
    configs = ODD_KAPPA.needs(SEEDS)
    assert set(configs) <= set(OddBlockSizes().needs(SEEDS))
    runs = {}
    for config in configs:
        B = config.B or 1
        runs[config] = run_with(config, 2.0 ** (10 - B) * (0.25 if B % 2 else 1))
    data = Observations(ODD_KAPPA.name, ODD_KAPPA.observe(Bench(SEEDS, runs)))
    found = Measurements(ODD_KAPPA.measure(data))
    pairs = [(odd_kappa.ALL_ODD, odd_kappa.ALL_EVEN)]
    pairs += [(f"cdlinear B={B}", f"neighbours of B={B}") for B in (3, 5, 7)]
    for pair in pairs:  # κ is geometric in B, so that the neighbours' mean is even B's own line
        assert found.find(odd_kappa.TRAINED, *pair).estimate == pytest.approx(0.25)
    assert found.find(odd_kappa.TRAINED, "cdlinear B=3").estimate == pytest.approx(2.0**5)


def test_kappa_of_random_layers_is_that_of_the_kind_weight() -> None:
    drawn, shares = odd_kappa.random_layers(5)
    rng = np.random.default_rng([5, odd_kappa.STREAM])
    for B in range(2, 9):
        width = {3: 66, 5: 65, 6: 66, 7: 70}.get(B, 64)
        layer, logs = CDLinear(width, width, B), []
        for _ in range(odd_kappa.DRAWS):
            c = rng.normal(0, math.sqrt(2 / width), (width // B, width // B, B))
            state = LayerState(layer, {"c": c}, (width, width), np.empty((0, width)), 2e-16)
            found = condition(KINDS["weight"](state), floors=True)
            logs.append([math.log(kappa_at(found, level)) for level in DECIDING])
        assert drawn[B] == pytest.approx(np.exp(np.mean(logs, axis=0)))
    assert shares[2] == 1  # it has no other frequencies


def test_real_frequencies_are_nearest_to_singular_more_often_than_they_are_many() -> None:
    shares = [odd_kappa.random_layers(seed)[1] for seed in range(4)]
    for B in range(3, 9):
        n_real, n_complex = (1, (B - 1) // 2) if B % 2 else (2, B // 2 - 1)
        share = np.mean([own[B] for own in shares])
        assert share > n_real / (n_real + n_complex)


# Rows and columns

FIRST_ROW = first_row.FirstRow()


def row_case(rows: Iterable[int], columns: Iterable[int]) -> list[Observation]:
    """Made-up errors, in which Eq. 2 is met with c as row and as column at these B alone."""
    values = {}
    for side, met in (("row", set(rows)), ("column", set(columns))):
        for B in first_row.BLOCK_SIZES:
            error = 1e-16 if B in met else 1.3
            values[first_row.PRODUCT, first_row.subject(side, B)] = error
    return replaced(FIRST_ROW.observe(NO_BENCH), values)


@pytest.mark.parametrize(
    ("case", "verdict"),
    [
        (row_case(range(1, 17), [1, 2]), HOLDS),
        (row_case([1, 2, 5], range(1, 17)), CONDITIONAL),
        (row_case([1, 2], range(1, 17)), CONTRADICTED),
        (row_case([1, 2], [1, 2, 3, 4]), NOT_SUPPORTED),
    ],
)
def test_first_row_is_judged_by_its_rule(case: list[Observation], verdict: str) -> None:
    judgement = judged(FIRST_ROW, case)
    assert judgement.verdict == verdict
    assert judgement.condition in (None, "B = 5")


def test_rolled_rows_are_the_circulant_with_that_row() -> None:
    c = np.array([[[1.0, 2.0, 3.0]]])
    expected = [[1, 2, 3], [3, 1, 2], [2, 3, 1]]
    np.testing.assert_array_equal(first_row.circulants(c)[0, 0], expected)
    np.testing.assert_array_equal(first_row.array_of(first_row.circulants(c)), expected)


@pytest.mark.parametrize("B", [1, 2, 3, 8])
def test_columns_are_the_papers_index_formula(B: int) -> None:
    c = np.random.default_rng(B).normal(size=(2, 3, B))
    columns = first_row.array_of(np.swapaxes(first_row.circulants(c), 2, 3))
    np.testing.assert_array_equal(columns, CDLinear(3 * B, 2 * B, B).matrix({"c": c}))


def test_rows_and_columns_meet_eq_2_where_they_are_the_same_and_columns_everywhere() -> None:
    data = Observations("c", FIRST_ROW.observe(NO_BENCH))
    for B in first_row.BLOCK_SIZES:
        rows, columns = (
            list(data.values(first_row.PRODUCT, first_row.subject(side, B)).values())
            for side in ("row", "column")
        )
        assert max(columns) < 1e-14
        assert max(rows) < 1e-14 if B <= 2 else min(rows) > 0.05
        for beside in (first_row.SPECTRUM, first_row.EIGENVALUES, first_row.LAYER):
            assert max(data.values(beside, f"B={B}").values()) < 1e-12


# Theorem 2's hypothesis

HYPOTHESIS = hypothesis.Theorem2Hypothesis()


def hypothesis_case(
    kappas: Mapping[int, float], departure: float = 0.0, exponent: float = -0.5, sigma: float = 0.01
) -> list[Observation]:
    """Made-up κ of correlated blocks by B, and κ - 1 that goes as a power of N."""
    values = {}
    for correlation in hypothesis.CORRELATIONS:
        for B in hypothesis.BLOCK_SIZES:
            name = hypothesis.at(correlation, B)
            kappa = kappas.get(B, 1.0) if correlation else 1.0
            values[hypothesis.EXACT, name] = kappa
            values[hypothesis.VARIANCE, name] = departure if correlation else 0.0
    found = replaced(hypothesis.correlated(), values)
    model = "cdlinear B=4"
    for N in hypothesis.SAMPLES:
        noise = np.random.default_rng(N).lognormal(0, sigma, 12)
        power = 10 * (N / 256) ** exponent
        rows = enumerate(1 + power * noise)
        found += [Observation(hypothesis.over(N), model, *row) for row in rows]
        found.append(Observation(hypothesis.law_over(N), model, 0, 1 + power))
    return found


BROKEN = dict.fromkeys(hypothesis.BLOCK_SIZES, math.inf)


@pytest.mark.parametrize(
    ("case", "verdict"),
    [
        (hypothesis_case({}), HOLDS),
        (hypothesis_case(BROKEN), CONTRADICTED),
        (hypothesis_case(BROKEN, departure=1e-3), NOT_SUPPORTED),
        (hypothesis_case({}, exponent=-0.25), CONTRADICTED),
        (hypothesis_case({2: 3.0}), CONDITIONAL),
        (hypothesis_case({}, exponent=-0.4, sigma=1.0), NOT_SUPPORTED),
    ],
)
def test_theorem_2s_hypothesis_is_judged_by_its_rule(case: list[Observation], verdict: str) -> None:
    judgement = judged(HYPOTHESIS, case)
    assert judgement.verdict == verdict
    assert judgement.condition in (None, "B = 3, 4, 5, 7, 8")


def test_correlated_blocks_meet_the_hypothesis_and_have_the_kappa_of_two_lines_of_algebra() -> None:
    data = Observations("c", hypothesis.correlated())
    for correlation in hypothesis.CORRELATIONS:
        for B in hypothesis.BLOCK_SIZES:
            name = hypothesis.at(correlation, B)
            assert data.values(hypothesis.VARIANCE, name)[0] < 1e-12
            assert data.values(hypothesis.THEOREM, name)[0] == pytest.approx(1)
            equal = correlation == 1
            expected = math.inf if equal else (1 + correlation) / (1 - correlation)
            assert data.values(hypothesis.EXACT, name)[0] == pytest.approx(expected, rel=1e-12)
            assert data.values(hypothesis.RANK, name)[0] == (0.5 if equal else 1.0)


def test_departure_from_variance_one_is_seen_in_any_coefficient() -> None:
    X = hypothesis.two_blocks(4, 0.5)
    assert hypothesis.departure(X, 4) < 1e-12
    wave = np.tile([1.0, -1.0], 2)  # the last frequency of four, in the second block alone
    X[:, 4:] += 0.1 * np.outer(X[:, 4:] @ wave, wave) / 4
    assert hypothesis.departure(X, 4) == pytest.approx(1.1**2 - 1)


def test_local_exponents_of_white_samples_come_nearer_to_a_half(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hypothesis, "REPLICATES", dict.fromkeys(hypothesis.SAMPLES, 3))
    observations = hypothesis.correlated() + hypothesis.white_samples()
    found = Measurements(HYPOTHESIS.measure(Observations(HYPOTHESIS.name, observations)))
    spans = [(256, 1024), (1024, 8192), (8192, 65536)]
    law = [found.find(hypothesis.LOCAL_LAW, hypothesis.span(*ends)).estimate for ends in spans]
    assert law == sorted(law)
    assert law[-1] == pytest.approx(-0.5, abs=0.04)
    for ends, expected in zip(spans, law, strict=True):
        own = found.find(hypothesis.LOCAL, hypothesis.span(*ends)).estimate
        assert own == pytest.approx(expected, abs=0.12)


# Texts
