"""The claims on what the paper calls a Hessian: Eq. 8, W⊤W, Theorem 2's agreement, diagnostics.

Each rule reaches every verdict it can reach on made-up observations; each computed number obeys a
law that is known otherwise.
"""

import math
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from itertools import product

import numpy as np
import pytest
from scipy.stats import spearmanr

from cdbench.claims import batch_diagnostic as batch
from cdbench.claims import hessian_wtw as wtw
from cdbench.claims import kappa_of_input as spread_of
from cdbench.claims import quantitative_agreement as agreement
from cdbench.claims import trace_inverse as trace
from cdbench.claims.base import Bench, Claim
from cdbench.claims.evidence.kappa_curves import cut
from cdbench.claims.evidence.retrained import last_batches, retrained
from cdbench.config.run_config import RunConfig
from cdbench.datasets import split_of
from cdbench.diagnostics.spectra import KINDS
from cdbench.engine.building import build_network
from cdbench.engine.products.base import Array
from cdbench.engine.training import train
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Measurement,
    Observation,
)
from cdbench.records.spectra import Condition, Spectrum
from cdbench.running.execution import execute
from cdbench.statistics.estimates import Observations
from cdbench.statistics.factors import beyond, within
from cdbench.statistics.rank_correlation import rank_correlation
from cdbench.store.audit_queries import AuditedRun
from tests.floors import at_floors, same_at_all
from tests.judging import judged

pytestmark = pytest.mark.usefixtures("one_blas_thread", "fewer_resamples")

N_SEEDS = 20


def spread(middle: float, stream: int, sigma: float = 0.3) -> list[float]:
    """Positive numbers around ``middle``, as skew as κ is."""
    rng = np.random.default_rng(stream)
    return [float(x) for x in middle * rng.lognormal(0, sigma, N_SEEDS)]


def series(quantity: str, subject: str, values: Iterable[float]) -> list[Observation]:
    return [Observation(quantity, subject, place, value) for place, value in enumerate(values)]


def pair(
    quantity: str, ours: str, theirs: str, ratio: float, sigma: float, stream: int
) -> list[Observation]:
    """Two subjects with this median ratio; ``sigma`` 0 makes their ranks the same."""
    base = spread(100, stream)
    noise = spread(ratio, stream + 1000, sigma)
    own = [a * b for a, b in zip(base, noise, strict=True)]
    return series(quantity, theirs, base) + series(quantity, ours, own)


# The rank correlation, factors


@pytest.mark.parametrize("values", [None, 3])
def test_rank_correlation_is_scipys_with_and_without_ties(values: int | None) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=25) if values is None else rng.integers(values, size=25).astype(float)
    y = x + 0.5 * rng.normal(size=25)
    y[3], y[4] = np.inf, y[5]
    data = Observations("c", series("q", "x", x) + series("q", "y", y))
    found = rank_correlation(data, "q", "x", "y")
    assert found.estimate == pytest.approx(float(spearmanr(x, y).statistic))
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.estimate < found.high <= 1
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE observations (claim, quantity, subject, place, value)")
        database.executemany(
            "INSERT INTO observations VALUES ('c', 'q', ?, ?, ?)",
            [(o.subject, o.place, o.value) for o in data],
        )
        (derived,) = database.execute(found.sql).fetchone()
    assert derived == pytest.approx(found.estimate, rel=1e-9)


def test_rank_correlation_of_what_does_not_vary_is_zero() -> None:
    data = Observations("c", series("q", "x", [1.0] * 5) + series("q", "y", range(5)))
    found = rank_correlation(data, "q", "x", "y")
    assert (found.estimate, found.low, found.high) == (0, 0, 0)


def test_rank_correlation_wants_the_same_places() -> None:
    data = Observations("c", series("q", "x", range(5)) + series("q", "y", range(6)))
    with pytest.raises(ValueError, match="not the same places"):
        rank_correlation(data, "q", "x", "y")


@pytest.mark.parametrize(
    ("low", "high", "answer"),
    [
        (0.6, 1.9, (True, False)),
        (1.9, 2.1, (False, False)),
        (2.1, 9, (False, True)),
        (0.1, 0.49, (False, True)),
        (0.1, 9, (False, False)),
        (None, None, (False, False)),
    ],
)
def test_ratio_is_within_or_beyond_a_factor_or_neither(
    low: float | None, high: float | None, answer: tuple[bool, bool]
) -> None:
    ratio = Measurement("q", "s", "median paired ratio", 1.0, 9, "", "b", low, high)
    assert (within(ratio, 2), beyond(ratio, 2)) == answer


# Eq. 8


def traces(ratio: float, sigma: float, error: float = 1e-15) -> list[Observation]:
    found = [
        Observation(trace.SINGLE, f"B={B}", case, error)
        for B in trace.SINGLE_SIZES
        for case in range(3)
    ]
    cases = product((trace.INITIAL, trace.TRAINED), trace.BLOCK_SIZES, trace.LAYERS)
    for stream, case in enumerate(cases):
        name = trace.trace_of(*case)
        found += pair(name, trace.EQUATION, trace.TRACE, ratio, sigma, stream)
        found += series(name, trace.GRAM, spread(100, stream))
    return found


@pytest.mark.parametrize(
    ("ratio", "sigma", "error", "verdict"),
    [
        (1.001, 0.001, 1e-15, HOLDS),
        (40, 0.001, 1e-15, CONDITIONAL),
        (40, 3, 1e-15, CONTRADICTED),
        (1, 0.001, 1e-3, CONTRADICTED),
        (40, 0.2, 1e-15, NOT_SUPPORTED),
    ],
)
def test_equation_8_is_judged_by_its_ratio_and_else_by_its_ranks(
    ratio: float, sigma: float, error: float, verdict: str
) -> None:
    assert judged(trace.TraceInverse(), traces(ratio, sigma, error)).verdict == verdict


def test_equation_8_is_exact_for_one_block_and_not_for_two() -> None:
    assert max(o.value for o in trace.single_blocks()) < 1e-13
    # Two output blocks, both of C = 1: W⊤W = 2, so the trace is B / (2 + ε), Eq. 8 2B / (1 + ε).
    B, epsilon = 4, 0.01
    c = np.zeros((2, 1, B))
    c[..., 0] = 1
    W = np.concatenate([np.eye(B)] * 2)
    assert trace.equation_8(c, epsilon) == pytest.approx(2 * B / (1 + epsilon))
    assert trace.trace_of_inverse(W, epsilon, B) == pytest.approx(B / (2 + epsilon))
    # Of W⊤ the trace has B null directions more.
    expected = B / (2 + epsilon) + B / epsilon
    assert trace.trace_of_inverse(W.T, epsilon, 2 * B) == pytest.approx(expected)


def test_traces_are_of_the_layers_at_initialisation_and_trained() -> None:
    data = Observations("c", trace.TraceInverse().observe(Bench((100,), {})))
    cases = list(product((trace.INITIAL, trace.TRAINED), trace.BLOCK_SIZES, trace.LAYERS))
    for state, B, layer in cases:
        (value,) = data.values(trace.trace_of(state, B, layer), trace.TRACE).values()
        again = retrained(RunConfig(B=B, seed=100))
        flat = again.initial if state == trace.INITIAL else again.trained
        place = again.network.weight_layers[layer - 1]
        W = place.layer.matrix(again.network.views(flat)[place.position])
        inverse = np.linalg.inv(W.T @ W + trace.EPSILON * np.eye(W.shape[1]))
        assert value == pytest.approx(np.trace(inverse), rel=1e-8)


# W⊤W


def both_kappas(ratios: Iterable[float], sigma: float) -> list[Observation]:
    found = series(wtw.IN_INPUT, wtw.RANDOM, [1e-16] * N_SEEDS)
    for layer, ratio in zip(wtw.LAYERS, ratios, strict=True):
        found += pair(wtw.kappa_of(layer), wtw.HESSIAN, wtw.WEIGHT, ratio, sigma, layer)
    return found


@pytest.mark.parametrize(
    ("ratios", "sigma", "verdict"),
    [
        ((1.2, 0.9, 1.1), 0.2, HOLDS),
        ((100, 1e-3, 50), 0.01, CONDITIONAL),
        ((100, 1, 1), 3, CONTRADICTED),
        ((1, 1, 0.001), 3, CONTRADICTED),
        ((1, 1, 1), 4, NOT_SUPPORTED),
        ((100, 100, 100), 0.3, NOT_SUPPORTED),
    ],
)
def test_w_transposed_w_is_the_hessian_if_its_kappa_is_at_every_layer(
    ratios: tuple[float, ...], sigma: float, verdict: str
) -> None:
    case = at_floors(both_kappas(ratios, sigma))
    assert judged(wtw.HessianWtw(), case).verdict == verdict


@pytest.mark.parametrize(
    ("highest", "named"), [(0.0, "at rounding level only"), (1e-7, "up to a floor of 1e-07")]
)
def test_w_transposed_w_that_is_the_hessian_at_some_floors_is_named_so(
    highest: float, named: str
) -> None:
    equal, off = (both_kappas([ratio] * 3, 0.2) for ratio in (1, 100))
    judgement = judged(wtw.HessianWtw(), at_floors(equal, off, highest))
    assert judgement.condition == f"κ is taken {named}"


def test_w_transposed_w_is_the_hessian_in_the_input() -> None:
    assert max(map(wtw.in_input, range(100, 105))) < 1e-12


# Runs


def made_up(config: RunConfig) -> AuditedRun:
    """A run whose κ of kind number n and layer l is 10 n + l; its full κ is infinite."""
    spectra = [
        Spectrum(layer, kind, 25, (), condition)
        for layer, (n, kind) in product((1, 2, 3), enumerate(KINDS))
        for full in [10 * n + layer if kind == "published" else math.inf]
        for floors in [same_at_all(5 * n + layer)]
        for condition in [Condition(1, 1, full, 10 * n + layer, 3, 4, 0.0, floors=floors)]
    ]
    return AuditedRun(7, "u", config, 1, (), tuple(spectra), ())


NUMBER = {kind: 10 * n for n, kind in enumerate(KINDS)}


def observed(claim: Claim) -> Observations:
    seeds = range(100, 103)
    runs = {config: made_up(config) for config in claim.needs(seeds)}
    return Observations(claim.name, claim.observe(Bench(tuple(seeds), runs)))


def test_runs_give_the_non_null_kappa_of_the_kinds_that_are_meant() -> None:
    data = observed(wtw.HessianWtw())
    assert data.values(wtw.kappa_of(2), wtw.HESSIAN)[101] == NUMBER["layer_hessian"] + 2
    assert data.values(wtw.kappa_of(3), wtw.WEIGHT)[100] == NUMBER["weight"] + 3
    above = cut(wtw.kappa_of(3), 1e-6)
    assert data.values(above, wtw.WEIGHT)[100] == NUMBER["weight"] / 2 + 3
    data = observed(spread_of.KappaOfInput())
    for model in ("dense", "cdlinear B=4", "cdlinear B=8"):
        name = spread_of.kappa_of(3, model)
        assert data.values(name, spread_of.HESSIAN)[102] == NUMBER["layer_hessian"] + 3
        assert data.values(name, spread_of.SPREAD)[102] == NUMBER["theorem1"] + 3
    data = observed(agreement.QuantitativeAgreement())
    assert data.values(agreement.TABLE, "cdlinear B=8")[101] == NUMBER["published"] + 2
    assert data.values(agreement.HESSIANS[1], "cdlinear B=4")[101] == NUMBER["layer_hessian"] + 2
    assert data.values(agreement.ADVANTAGE, "cdlinear B=4")[101] == 1


# Theorem 2's agreement


def agreeing(
    table: float, hessians: Mapping[int, float], sigma: float = 0.3, eight: float | None = None
) -> list[Observation]:
    """κ at these multiples of the bound; ``eight`` of Table 1's at B=8, if another."""
    found = series(agreement.TABLE, agreement.DENSE, spread(1e6, 99))
    for B in agreement.BLOCK_SIZES:
        factor = eight if eight is not None and B == 8 else table
        factors = {agreement.TABLE: factor, agreement.ADVANTAGE: 1.0}
        factors |= {q: hessians.get(n, 1e3) for n, q in enumerate(agreement.HESSIANS, 1)}
        for stream, (quantity, times) in enumerate(factors.items()):
            values = spread(times * agreement.bound(B), 10 * B + stream, sigma)
            found += series(quantity, agreement.model(B), values)
            given = [agreement.bound(B)] * N_SEEDS
            found += series(quantity, agreement.theorem(B), given)
        for quantity in (agreement.TABLE, agreement.HESSIANS[0]):
            name = agreement.change_of(quantity)
            found += series(name, agreement.model(B), [0.0] * 3)
    return found


@pytest.mark.parametrize(
    ("observations", "verdict", "condition"),
    [
        (agreeing(3, {}), HOLDS, None),
        (agreeing(1e4, {1: 2}), CONDITIONAL, "κ is the Hessian's, in layer 1"),
        (
            agreeing(1e4, {1: 2, 3: 5}),
            CONDITIONAL,
            "κ is the Hessian's, in layer 1 and 3",
        ),
        (agreeing(1e4, {}), CONTRADICTED, None),
        (agreeing(1e4, {}, eight=2), NOT_SUPPORTED, None),
        (agreeing(10, {}), NOT_SUPPORTED, None),
    ],
)
def test_agreement_is_up_to_an_order_of_magnitude(
    observations: list[Observation], verdict: str, condition: str | None
) -> None:
    judgement = judged(agreement.QuantitativeAgreement(), observations)
    assert (judgement.verdict, judgement.condition) == (verdict, condition)


def test_table_1s_quantity_does_not_contain_the_inputs_and_the_hessian_does() -> None:
    found = {o.quantity: o.value for o in agreement.other_inputs(RunConfig(B=4, seed=100))}
    assert found[agreement.change_of(agreement.TABLE)] == 0
    # Normal inputs are nearly white: κ of the digits, about 1,300, falls to about 1.6.
    assert found[agreement.change_of(agreement.HESSIANS[0])] > 0.99


def test_bound_is_theorem_2s_at_the_papers_number_of_samples() -> None:
    assert agreement.bound(4) == pytest.approx(1.0528, abs=1e-4)
    assert len(split_of(RunConfig(B=4, seed=100)).X_train) == agreement.SAMPLES


# The input's spread


def constants(
    own: Mapping[int, float], sigma: float = 0.1, eight: float | None = None
) -> list[Observation]:
    """κ of these multiples of the input's spread, by layer; dense's is 100, ``eight`` B=8's."""
    found = []
    for stream, (layer, model) in enumerate(
        product(spread_of.LAYERS, (*spread_of.MODELS, spread_of.DENSE))
    ):
        others = {spread_of.DENSE: 100.0, "cdlinear B=8": eight or own[layer]}
        ratio = others.get(model, own[layer])
        name = spread_of.kappa_of(layer, model)
        found += pair(name, spread_of.HESSIAN, spread_of.SPREAD, ratio, sigma, stream)
    return found


@pytest.mark.parametrize(
    ("own", "sigma", "verdict", "condition"),
    [
        ({1: 2, 2: 3, 3: 8}, 0.1, HOLDS, None),
        ({1: 50, 2: 3, 3: 8}, 0.1, CONDITIONAL, "the layer is 2 or 3"),
        ({1: 3, 2: 10, 3: 10}, 1, CONDITIONAL, "the layer is 1"),
        ({1: 50, 2: 20, 3: 12}, 0.1, CONTRADICTED, None),
        ({1: 10, 2: 10, 3: 10}, 1, NOT_SUPPORTED, None),
    ],
)
def test_constant_is_small_up_to_ten(
    own: dict[int, float], sigma: float, verdict: str, condition: str | None
) -> None:
    judgement = judged(spread_of.KappaOfInput(), at_floors(constants(own, sigma)))
    assert (judgement.verdict, judgement.condition) == (verdict, condition)


def test_a_constant_that_is_small_at_some_floors_is_named_so() -> None:
    small, large = constants({1: 2, 2: 3, 3: 50}), constants({1: 50, 2: 3, 3: 50})
    judgement = judged(spread_of.KappaOfInput(), at_floors(small, large, 0.0))
    assert judgement.condition == "the layer is 1 (at rounding level only) or 2"
    judgement = judged(spread_of.KappaOfInput(), at_floors(large, small, 1e-8))
    assert judgement.condition == "the layer is 1 (at floors of 1e-07, 1e-06 only) or 2"


@pytest.mark.parametrize(("four", "eight"), [(50, 2), (2, 50)])
def test_constant_is_to_be_small_at_both_block_sizes(four: float, eight: float) -> None:
    own = dict.fromkeys(spread_of.LAYERS, four)
    case = at_floors(constants(own, eight=eight))
    assert judged(spread_of.KappaOfInput(), case).verdict == CONTRADICTED


# The diagnostic of mini-batches


def diagnostics(own: Mapping[int, tuple[float, float]]) -> list[Observation]:
    """Diagnostics of these ratios to the truth and departures from its ranks, by layer."""
    found = []
    for stream, (B, layer) in enumerate(product(batch.BLOCK_SIZES, batch.LAYERS)):
        name = batch.kappa_of(B, layer)
        found += pair(name, batch.BATCHES, batch.HESSIAN, *own[layer], stream)
        found += series(name, batch.WHOLE, spread(100, 500 + stream))
    return found


@pytest.mark.parametrize(
    ("own", "verdict", "condition"),
    [
        ({1: (0.9, 0.02), 2: (1, 0.02), 3: (1, 0.02)}, HOLDS, None),
        (
            {1: (0.01, 0.02), 2: (1, 0.02), 3: (1, 0.02)},
            CONDITIONAL,
            "layer 1 and 2 and 3, up to a factor",
        ),
        ({1: (0.01, 5), 2: (1, 0.02), 3: (1, 0.02)}, CONDITIONAL, "layer 2 and 3"),
        ({1: (0.01, 5), 2: (0.1, 5), 3: (0.1, 5)}, CONTRADICTED, None),
        ({1: (0.01, 5), 2: (0.1, 0.25), 3: (0.1, 0.25)}, NOT_SUPPORTED, None),
    ],
)
def test_diagnostic_is_judged_by_ranks_and_by_scale(
    own: dict[int, tuple[float, float]], verdict: str, condition: str | None
) -> None:
    judgement = judged(batch.BatchDiagnostic(), diagnostics(own))
    assert (judgement.verdict, judgement.condition) == (verdict, condition)


def test_diagnostic_of_a_network_is_that_of_a_stored_run() -> None:
    config = RunConfig(B=4, seed=100)
    run = execute(config)
    stored = {(s.kind, s.layer): s.condition.kappa_nonnull for s in run.spectra}
    data = Observations("c", batch.BatchDiagnostic().observe(Bench((100,), {})))
    for layer in batch.LAYERS:
        name = batch.kappa_of(4, layer)
        for subject, kind in ((batch.WHOLE, "theorem1"), (batch.HESSIAN, "layer_hessian")):
            (value,) = data.values(name, subject).values()
            assert value == pytest.approx(stored[kind, layer], rel=1e-9)


def test_last_batches_are_the_last_that_training_saw() -> None:
    config = RunConfig(B=4, seed=100, epochs=3)
    split = split_of(config)
    seen: list[Array] = []
    network = build_network(config, 64, 10)
    parameters = network.initial_parameters(np.random.default_rng(100))

    def on_batch(epoch: int, step: int, x: Array) -> None:
        if epoch == config.epochs:
            seen.append(x.copy())

    for _ in train(network, parameters, split, config, on_batch):
        pass
    batches = last_batches(config, split.X_train)
    assert len(batches) == len(seen) == 23
    assert all(np.array_equal(a, b) for a, b in zip(batches, seen, strict=True))


def test_diagnostic_is_the_median_of_kappa_of_the_batches_power() -> None:
    config = RunConfig(B=8, seed=100)
    X = split_of(config).X_train
    kappas = []
    for x in last_batches(config, X):
        power = np.mean(np.abs(np.fft.fft(x.reshape(len(x), -1, 8))) ** 2, axis=0)
        kept = power[power > 1e-12 * power.max()]  # blank blocks have none
        kappas.append(kept.max() / kept.min())
    data = Observations("c", batch.BatchDiagnostic().observe(Bench((100,), {})))
    (value,) = data.values(batch.kappa_of(8, 1), batch.BATCHES).values()
    assert value == pytest.approx(float(np.median(kappas)))
