"""The claims on conditioning: κ like for like, both theorems, and how κ grows.

Each rule reaches every verdict it can reach on made-up observations; each computed number obeys a
law that is known otherwise.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest

from cdbench.claims import comparable_kappa, dense_kappa_growth, input_only_spectrum, theorem1
from cdbench.claims import theorem2 as two
from cdbench.claims.base import Bench, paper_models
from cdbench.claims.evidence import whitened as white
from cdbench.claims.evidence.brute_force import couplings, hessian
from cdbench.claims.evidence.kappa_curves import cut
from cdbench.claims.evidence.kappas import (
    BESIDE,
    DAMPED_AT,
    DECISIVE,
    DENSE,
    MODELS,
    PUBLISHED,
    RANKS,
    SQUARED,
    WEIGHT,
    damped,
    of_layers,
    of_network,
    running_ratios,
)
from cdbench.config.run_config import RunConfig
from cdbench.datasets import load_dataset
from cdbench.diagnostics.spectra import KINDS
from cdbench.diagnostics.spectra.base import LayerState
from cdbench.engine.layers import EVALUATION, CDLinear
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Observation,
)
from cdbench.records.noise_floors import FLOORS
from cdbench.records.published import PUBLISHED_KAPPA_RATIOS
from cdbench.records.spectra import Condition, Curvature, Spectrum
from cdbench.running.execution import execute
from cdbench.statistics.estimates import Observations
from cdbench.statistics.exponents import exponent_of_medians
from cdbench.store.audit_queries import AuditedRun
from tests.judging import judged

pytestmark = pytest.mark.usefixtures("one_blas_thread", "fewer_resamples")

N_SEEDS = 20


def spread(middle: float, stream: int, sigma: float = 0.3, n: int = N_SEEDS) -> Iterable[float]:
    """Positive numbers around ``middle``, as skew as κ is."""
    return [float(x) for x in middle * np.random.default_rng(stream).lognormal(0, sigma, n)]


def series(quantity: str, subject: str, values: Iterable[float]) -> list[Observation]:
    return [Observation(quantity, subject, place, value) for place, value in enumerate(values)]


# Exponents


def test_exponent_of_exact_powers_is_found() -> None:
    sizes = {("κ it's", f"n={n}"): n for n in (8, 16, 64)}
    observations = [
        Observation(*case, place, 1 + scale * n**1.7)
        for case, n in sizes.items()
        for place, scale in enumerate((0.5, 3.0, 100.0))
    ]
    found = exponent_of_medians(Observations("c", observations), "p", "s", sizes, beyond=1.0)
    assert found.estimate == pytest.approx(1.7)
    assert found.n == 9
    assert found.low is not None
    assert found.high is not None
    assert found.low < 1.7 < found.high


# Claim 6


def kappas(
    factors: Mapping[tuple[str, str], float], other: float, highest: float = 1.0
) -> list[Observation]:
    """Made-up κ in which dense / CDLinear is around the given factors, else around ``other``.

    Above the highest level no factor is left of an advantage.
    """
    found = []
    values: dict[tuple[str, str], list[float]] = {}
    at = {name: (name, 0.0) for name in (*DECISIVE, *BESIDE, *RANKS)}
    at |= {cut(name, level): (name, level) for name in DECISIVE for level in FLOORS}
    at |= {damped(name, level): (name, level) for name in DECISIVE for level in DAMPED_AT}
    for i, (quantity, (own, level)) in enumerate(at.items()):
        values[quantity, DENSE] = list(spread(1e6, i))
        for j, model in enumerate(MODELS):
            factor = factors.get((own, model), other) if level <= highest else 1.0
            values[quantity, model] = list(spread(1e6 / factor, 100 + 10 * i + j))
    for key, row in values.items():
        found += series(*key, row)
    return found + running_ratios(values)


COMPARABLE = comparable_kappa.ComparableKappa()
# Around the published factors: intervals hold them. Reached are those that lie above.
PAPERS = {(q, m): f for q in DECISIVE for m, f in zip(MODELS, (310, 12_000), strict=True)}


def test_published_factors_in_every_comparable_quantity_hold() -> None:
    above = {key: 5.0 * factor for key, factor in PAPERS.items()}
    assert judged(COMPARABLE, kappas(above, 1.0)).verdict == HOLDS
    assert judged(COMPARABLE, kappas(above, 1.0, highest=1e-6)).verdict == HOLDS
    assert judged(COMPARABLE, kappas(above, 1.0, highest=1e-7)).verdict == CONDITIONAL


def test_published_factors_in_some_quantities_hold_for_those() -> None:
    some = {(DECISIVE[1], MODELS[0]): 500.0, (DECISIVE[2], MODELS[1]): 50_000.0}
    judgement = judged(COMPARABLE, kappas(some, 2.0))
    assert judgement.verdict == CONDITIONAL
    assert judgement.condition == (
        "κ is that of layer 1's Hessian (B=4, up to a floor of 1e-01), layer 2's Hessian (B=8, up "
        "to a floor of 1e-01)"
    )
    assert "2 of 8" in judgement.reason


@pytest.mark.parametrize(("highest", "told"), [(0.0, "at rounding level only"), (1e-7, "1e-07")])
def test_an_advantage_of_directions_without_power_is_named_so(highest: float, told: str) -> None:
    times = {key: 5.0 * factor for key, factor in PAPERS.items()}
    judgement = judged(COMPARABLE, kappas(times, 1.0, highest))
    assert judgement.verdict == CONDITIONAL
    assert (judgement.condition or "").count(told) == 8
    assert "Above 1e-04 of the trace CDLinear is better conditioned in 0 of 8" in judgement.reason


def test_an_interval_that_only_touches_the_factor_does_not_reach_it() -> None:
    ratio = COMPARABLE.measure(Observations(COMPARABLE.name, kappas(PAPERS, 1.0)))[0]
    for model in MODELS:
        factor = PUBLISHED_KAPPA_RATIOS[DENSE, model]
        reached = comparable_kappa.reaches(model)
        assert not reached(replace(ratio, low=0.9 * factor, high=2 * factor))
        assert reached(replace(ratio, low=factor, high=2 * factor))


@pytest.mark.parametrize("factor", [0.1, 1.0, 100.0])
def test_smaller_factors_contradict_whatever_is_not_comparable(factor: float) -> None:
    apart = {(q, m): 1e5 for q in (PUBLISHED, SQUARED) for m in MODELS}
    assert judged(COMPARABLE, kappas(apart, factor)).verdict == CONTRADICTED


def test_interval_from_below_one_to_above_the_factor_supports_nothing() -> None:
    observations = [o for o in kappas({}, 2.0) if (o.quantity, o.subject) != (WEIGHT, MODELS[0])]
    observations += series(WEIGHT, MODELS[0], [1e3, 1e7] * (N_SEEDS // 2))
    assert judged(COMPARABLE, observations).verdict == NOT_SUPPORTED


def condition(kappa: float, rank: int = 4) -> Condition:
    return Condition(kappa, 1.0, math.inf if rank < 4 else kappa, kappa, rank, 4, 0.0)


def curvature(matrix: str, coordinates: str, damped: float) -> Curvature:
    return Curvature(
        matrix, coordinates, 25, "train", 9, "lanczos", 8, 3, 0.0, damped, 0.0, math.inf, None,
        1.0, 0.0, 2.0, 1e-3, damped, (), (),
    )  # fmt: skip


def made_up_run(config: RunConfig) -> AuditedRun:
    """A run whose κ of kind number n and layer l is 10 n + l; its layer 2 lacks a rank."""
    spectra = []
    for layer, (n, kind) in product((1, 2, 3), enumerate(KINDS)):
        rank = 3 if (kind, layer) == ("layer_hessian", 2) else 4
        spectra.append(Spectrum(layer, kind, 25, (), condition(10 * n + layer, rank)))
    coordinates = ["own"] if config.layer == "dense" else ["own", "weight-space"]
    curvatures = [
        curvature(matrix, c, 100.0 * (1 + i))
        for matrix in ("gauss_newton", "hessian")
        for i, c in enumerate(coordinates)
    ]
    return AuditedRun(7, "u", config, 1, (), tuple(spectra), tuple(curvatures))


def test_quantities_of_a_run_are_means_over_layers_and_each_layers_own() -> None:
    cdlinear, dense = made_up_run(RunConfig(B=4)), made_up_run(RunConfig(B=4).baseline())
    number = {kind: 10 * n for n, kind in enumerate(KINDS)}
    ours, theirs = of_layers(cdlinear), of_layers(dense)
    assert ours[PUBLISHED] == theirs[PUBLISHED] == theirs[SQUARED] == number["published"] + 2
    assert ours[SQUARED] == number["block_power"] + 2
    assert ours[WEIGHT] == number["weight"] + 2
    assert ours["weight κ, layer 3"] == number["weight"] + 3
    assert ours["layer_hessian κ, layer 2"] == number["layer_hessian"] + 2
    assert [ours[name] for name in RANKS] == [1.0, 0.75, 1.0]
    assert of_network(cdlinear)["gauss_newton damped κ, weight-space"] == 200
    assert of_network(dense)["gauss_newton damped κ, weight-space"] == 100


def test_running_ratios_begin_with_the_papers_three_seeds() -> None:
    theirs, ours = [8.0, 2.0, 2.0, 100.0], [1.0, 2.0, 1.0, 1.0]
    rows = {(q, DENSE): theirs for q in (PUBLISHED, SQUARED, WEIGHT)}
    rows |= {(q, m): ours for q in (PUBLISHED, SQUARED, WEIGHT) for m in MODELS}
    found = Observations("c", running_ratios(rows))
    means = found.values(f"running ratio of means, {WEIGHT}", MODELS[0])
    medians = found.values(f"running median ratio, {WEIGHT}", MODELS[0])
    assert means == {3: 12 / 4, 4: 112 / 5}
    assert medians == {3: 2, 4: 5}


def test_comparable_kappa_observes_every_run_once() -> None:
    models = paper_models(range(4))
    runs = {config: made_up_run(config) for configs in models.values() for config in configs}
    found = COMPARABLE.observe(Bench(range(4), runs))
    keys = [(o.quantity, o.subject, o.place) for o in found]
    assert len(set(keys)) == len(keys)
    assert {(q, m) for q in (*DECISIVE, *BESIDE, *RANKS) for m in (DENSE, *MODELS)} <= {
        key[:2] for key in keys
    }
    assert {o.run_id for o in found if not o.quantity.startswith("running")} == {7}


# Claim 7

ONE = theorem1.Theorem1()


def theorem1_case(
    own: float = 1e-15, coupling: float = 0.0, ratio: float = 1.0, sigma: float = 0.01
) -> list[Observation]:
    found = []
    for name in (theorem1.EIGENVALUES, theorem1.CIRCULANT, theorem1.OUTPUTS):
        found += series(name, theorem1.RANDOM, [0.0, own])
    for case in (theorem1.RANDOM, theorem1.COUNTER_EXAMPLE, "digits B=4", "digits B=8"):
        found += series(theorem1.INPUTS, case, [0.0, coupling])
    for i, B in enumerate(theorem1.BLOCK_SIZES):
        name = theorem1.kappa_of(B)
        found += series(name, theorem1.THEOREM, spread(14, i, 0.001))
        found += series(name, theorem1.EXACT, spread(14 * ratio, i + 2, sigma))
    for kind, kappa in ((theorem1.THEOREM, 1.0), (theorem1.EXACT, math.inf)):
        found += series(theorem1.COUNTER_EXAMPLE_KAPPA, kind, [kappa])
    return found


@pytest.mark.parametrize(
    ("case", "verdict"),
    [
        (theorem1_case(), HOLDS),
        (theorem1_case(own=1e-3), CONTRADICTED),
        (theorem1_case(coupling=0.1, ratio=1.3), CONDITIONAL),
        (theorem1_case(coupling=0.1, ratio=100.0), CONTRADICTED),
        (theorem1_case(coupling=0.1, ratio=2.0, sigma=2.0), NOT_SUPPORTED),
    ],
)
def test_theorem_1_is_judged_by_its_rule(case: list[Observation], verdict: str) -> None:
    assert judged(ONE, case).verdict == verdict


def layer_and_inputs(K_o: int, K_i: int, B: int, N: int) -> tuple[CDLinear, np.ndarray]:
    rng = np.random.default_rng(B)
    return CDLinear(K_i * B, K_o * B, B), rng.normal(size=(N, K_i * B))


def test_brute_force_hessian_is_the_second_derivative_of_the_loss() -> None:
    layer, X = layer_and_inputs(2, 2, 3, 4)
    H = hessian(layer, X).reshape(12, 12)
    rng = np.random.default_rng(0)
    target, at, u, v = rng.normal(size=(4, 6)), *rng.normal(size=(3, 2, 2, 3))

    def loss(c: np.ndarray) -> float:
        y, _ = layer.forward({"c": c, "bias": np.zeros(6)}, X, EVALUATION)
        return float(0.5 * ((y - target) ** 2).sum() / len(X))

    # The loss is quadratic, so that a mixed difference of any step is exact.
    mixed = loss(at + u + v) - loss(at + u) - loss(at + v) + loss(at)
    assert u.ravel() @ H @ v.ravel() == pytest.approx(mixed, rel=1e-10)


@pytest.mark.parametrize("B", [1, 2, 5, 8])
def test_brute_force_hessian_has_the_spectrum_of_layer_hessian(B: int) -> None:
    layer, X = layer_and_inputs(1, 3, B, 40)
    state = LayerState(layer, {}, (layer.n_out, layer.n_in), X, white.EPS)
    H = hessian(layer, X).reshape(3 * B, 3 * B)
    found = np.sort(KINDS["layer_hessian"](state).values)
    np.testing.assert_allclose(np.linalg.eigvalsh(H), found, rtol=1e-10)


def test_couplings_are_norms_over_the_diagonals() -> None:
    H = np.zeros((2, 2, 1, 2, 2, 1))
    for i in (0, 1):
        for j in (0, 1):
            H[i, j, 0, i, j, 0] = 2.0
    H[0, 0, 0, 0, 1, 0] = H[0, 1, 0, 0, 0, 0] = 4.0
    H[0, 1, 0, 1, 1, 0] = 1.0
    between_outputs, between_inputs = couplings(H)
    assert between_outputs == pytest.approx(1 / 4)
    assert between_inputs == pytest.approx(math.sqrt(32 / 16))


def test_blocks_of_random_layers_are_as_the_theorem_says_but_for_the_coupling_of_inputs() -> None:
    found = Observations("c", theorem1.random_layers(theorem1.N_RANDOM_LAYERS))
    for name in (theorem1.EIGENVALUES, theorem1.CIRCULANT, theorem1.OUTPUTS):
        assert max(found.values(name, theorem1.RANDOM).values()) < 1e-12
    assert max(found.values(theorem1.INPUTS, theorem1.RANDOM).values()) > 0.1


def test_counter_example_is_singular_where_the_theorem_sees_a_multiple_of_one() -> None:
    found = Observations("c", theorem1.counter_example())
    assert found.values(theorem1.COUNTER_EXAMPLE_KAPPA, theorem1.THEOREM) == {0: 1}
    assert found.values(theorem1.COUNTER_EXAMPLE_KAPPA, theorem1.EXACT) == {0: math.inf}
    assert found.values(theorem1.INPUTS, theorem1.COUNTER_EXAMPLE)[0] == pytest.approx(1)


# Claim 8

SPECTRUM = input_only_spectrum.InputOnlySpectrum()


def courses(factors: Mapping[int, float], sigma: float = 0.01) -> list[Observation]:
    """Spectra of which training multiplies each layer's statistics by a factor."""
    found = []
    for i, model in enumerate(MODELS):
        for layer, factor in factors.items():
            moved = list(spread(factor, 10 * i + layer, sigma if factor != 1 else 0.0))
            change = [abs(x - 1) for x in moved]
            found += series(input_only_spectrum.change(layer), model, change)
            for statistic in input_only_spectrum.STATISTICS:
                quantity = input_only_spectrum.followed(statistic, layer, model)
                found += series(quantity, input_only_spectrum.epoch(0), [3.0] * len(moved))
                values = [3 * x for x in moved]
                found += series(quantity, input_only_spectrum.epoch(25), values)
    return found


@pytest.mark.parametrize(
    ("case", "verdict"),
    [
        (courses({1: 1, 2: 1.001, 3: 1}), HOLDS),
        (courses({1: 1, 2: 7, 3: 0.2}), CONDITIONAL),
        (courses({1: 1.001, 2: 7, 3: 0.2}), CONTRADICTED),
        (courses({1: 1, 2: 7, 3: 1}), NOT_SUPPORTED),
        (courses({1: 1, 2: 7, 3: 1.05}, sigma=2.0), NOT_SUPPORTED),
    ],
)
def test_input_only_spectrum_is_judged_by_its_rule(case: list[Observation], verdict: str) -> None:
    assert judged(SPECTRUM, case).verdict == verdict


@pytest.fixture(scope="module")
def bench() -> Bench:
    """The needs of the claims on trained networks, but the curvature, for two seeds."""
    seeds, runs = (100, 101), {}
    for number, (config, diagnostics) in enumerate(SPECTRUM.needs(seeds).items()):
        run = execute(config, diagnostics=diagnostics)
        assert run.n_parameters is not None
        runs[config] = AuditedRun(
            number, run.uuid, config, run.n_parameters, run.epochs, run.spectra, ()
        )
    return Bench(seeds, runs)


def test_training_moves_the_spectra_of_all_layers_but_the_first(bench: Bench) -> None:
    found = Observations(SPECTRUM.name, SPECTRUM.observe(bench))
    for model in MODELS:
        changes = [found.values(input_only_spectrum.change(n), model) for n in (1, 2, 3)]
        assert set(changes[0].values()) == {0.0}
        assert all(value > 0.05 for deeper in changes[1:] for value in deeper.values())
        course = input_only_spectrum.followed("κ", 2, model)
        epochs = [input_only_spectrum.epoch(e) for e in range(0, 26, 5)]
        assert found.subjects(course) == epochs


def test_theorem_1_observes_kappa_of_the_first_layer_by_seed(bench: Bench) -> None:
    found = Observations(ONE.name, ONE.observe(bench))
    X = load_dataset(RunConfig()).split(100).X_train
    for B in theorem1.BLOCK_SIZES:
        exact = found.values(theorem1.kappa_of(B), theorem1.EXACT)
        read_off = found.values(theorem1.kappa_of(B), theorem1.THEOREM)
        assert set(exact) == set(read_off) == set(bench.seeds)
        eta = np.mean(np.abs(np.fft.fft(X.reshape(len(X), -1, B))) ** 2, axis=0)
        assert read_off[100] == pytest.approx(eta.max() / eta.min())
        # The diagonal of a Hermitian matrix lies within its spectrum.
        assert all(read_off[seed] < exact[seed] for seed in bench.seeds)
        assert min(found.values(theorem1.INPUTS, f"digits B={B}").values()) > 0.1


# Claim 9

TWO = two.Theorem2()


def whitened_case(
    in_N: float = -0.5,
    in_B: float = -0.5,
    in_n: float = 0.5,
    population: float = 1.0,
    unit: float = 1.0,
    sigma: float = 0.01,
) -> list[Observation]:
    """Made-up κ - 1 that go as powers of N, B and n."""
    found = []

    def add(quantity: str, B: int, N: int, n: int, scatter: float) -> None:
        excess = 4.0 * (N / 256) ** in_N * B**in_B * (n / 64) ** in_n
        values = spread(excess, N + 7 * B + n, scatter, n=10)
        found.extend(series(quantity, white.subject(B), [1 + value for value in values]))

    for kind in white.KINDS:
        for B in white.BLOCK_SIZES:
            for N in white.SAMPLES:
                add(white.over_samples(kind, N), B, N, white.WIDTH, 0.01)
        for B in white.WIDE_BLOCK_SIZES:
            for n in white.WIDTHS:
                add(white.over_widths(kind, n), B, white.WIDE_SAMPLES, n, sigma)
    for B in (1, 2, 4, 8):
        found += series(white.POPULATION, white.subject(B), [population])
    for B in white.DIGITS_BLOCK_SIZES:
        for quantity in (white.UNIT_VARIANCE, *white.WHITENED.values()):
            found += series(quantity, white.subject(B), [unit] * 10)
    return found + predicted()


@cache
def predicted() -> list[Observation]:
    return white.predictions(white.SAMPLES, white.BLOCK_SIZES)


@pytest.mark.parametrize(
    ("case", "verdict"),
    [
        (whitened_case(in_B=0.5, in_n=0.0), HOLDS),
        (whitened_case(), CONDITIONAL),
        (whitened_case(in_B=0.5, in_n=0.0, unit=50.0), CONTRADICTED),
        (whitened_case(population=1.01), CONTRADICTED),
        (whitened_case(in_N=-0.25), CONTRADICTED),
        (whitened_case(in_B=1.0), CONTRADICTED),
        (whitened_case(in_n=0.3, sigma=1.0), NOT_SUPPORTED),
        (whitened_case(in_B=0.6), NOT_SUPPORTED),
    ],
)
def test_theorem_2_is_judged_by_its_rule(case: list[Observation], verdict: str) -> None:
    assert judged(TWO, case).verdict == verdict


def test_theorem_2_names_its_condition() -> None:
    assert judged(TWO, whitened_case()).condition == "the width n is fixed"


@pytest.mark.parametrize("n", [12, 16])
def test_population_kappa_is_one_for_every_block_size(n: int) -> None:
    found = white.population(n)
    assert found[0].subject == "dense"
    assert len(found) == sum(n % B == 0 for B in range(1, n + 1))
    assert [o.value for o in found] == pytest.approx([1.0] * len(found), abs=1e-12)


@pytest.mark.parametrize("B", [1, 3, 4])
def test_unit_variance_is_what_the_theorem_asks_for(B: int) -> None:
    X = np.random.default_rng(B).lognormal(size=(50, 12)) * np.arange(12)
    X[:, :B] = 0.3 if B == 1 else X[:, B : B + 1]  # a block without any but the mean
    power = np.mean(np.abs(np.fft.fft(white.unit_variance(X, B).reshape(50, -1, B))) ** 2, axis=0)
    expected = np.ones_like(power)
    expected[0, 0 if B == 1 else 1 :] = 0.0
    np.testing.assert_allclose(power, expected, atol=1e-12)


def test_unit_variance_of_equal_blocks_is_singular_all_the_same() -> None:
    block = np.random.default_rng(0).normal(size=(200, 4))
    X = white.unit_variance(np.concatenate([block, block], axis=1), 4)
    assert white.condition_of("theorem1", 4, X).kappa == pytest.approx(1)
    assert white.condition_of("layer_hessian", 4, X).rank == 8  # of 16


def test_marchenko_pastur_is_the_law_of_many_wide_samples() -> None:
    assert white.marchenko_pastur(0.25) == pytest.approx(9)
    X = white.gaussian_samples(1000, 250, 0)
    for B, q in ((1, 1 / 4), (2, 1 / 8)):
        kappa = white.condition_of("layer_hessian", B, X).kappa
        assert kappa == pytest.approx(white.marchenko_pastur(q), rel=0.08)


@pytest.mark.parametrize(("n", "B", "N"), [(8, 1, 60), (12, 3, 60), (8, 4, 60), (8, 8, 60)])
def test_diagonal_law_is_the_median_of_kappa_of_theorem_1(n: int, B: int, N: int) -> None:
    kinds = ("theorem1", "layer_hessian") if B == n else ("theorem1",)
    for kind in kinds:
        draws = [
            white.condition_of(kind, B, white.gaussian_samples(N, n, r)).kappa for r in range(400)
        ]
        excess = white.diagonal_law(n, B, N) - 1
        assert np.median(draws) - 1 == pytest.approx(excess, rel=0.08)


def test_finite_samples_are_observed_case_by_case() -> None:
    found = white.finite_samples((100, 400), (1, 4), 3) + white.finite_widths((8, 16), (4,), 2)
    keys = {(o.quantity, o.subject, o.place) for o in found}
    assert len(keys) == len(found) == 2 * 3 * 2 * 2 + 2 * 2 * 1 * 2
    data = Observations("c", found)
    for N in (100, 400):
        dense, blocks = (
            data.values(white.over_samples("layer_hessian", N), white.subject(B)) for B in (1, 4)
        )
        # In weight space the block-circulant Hessian is a compression of the dense one.
        assert all(blocks[place] <= dense[place] for place in dense)


def test_digits_whitened_on_their_own_split_have_kappa_one_for_dense_alone() -> None:
    data = Observations("c", white.digits([100]))
    dense, B4 = white.subject(1), white.subject(4)
    train = white.WHITENED["X_train"]
    assert data.values(train, dense)[100] == pytest.approx(1, abs=1e-9)
    assert data.values(train, B4)[100] > 1.1  # the blank pixels share blocks with others
    assert data.values(white.UNIT_VARIANCE, B4)[100] > 2


# Claim 10

GROWTH = dense_kappa_growth.DenseKappaGrowth()


def growth(square: float, sigma: float = 0.2) -> list[Observation]:
    found = []
    for name, exponent in ((dense_kappa_growth.SQUARE, square), (dense_kappa_growth.WIDE, 0.1)):
        for n in dense_kappa_growth.SIZES:
            subject = dense_kappa_growth.subject(n)
            found += series(name, subject, spread(n**exponent, n, sigma))
    return found


@pytest.mark.parametrize(
    ("case", "verdict"),
    [
        (growth(1.0), HOLDS),
        (growth(2.0), CONTRADICTED),
        (growth(0.5), CONTRADICTED),
        (growth(1.1), NOT_SUPPORTED),
        (growth(1.0, sigma=3.0), NOT_SUPPORTED),
    ],
)
def test_growth_is_judged_by_its_rule(case: list[Observation], verdict: str) -> None:
    assert judged(GROWTH, case).verdict == verdict


def test_median_kappa_of_gaussian_matrices_is_edelmans_and_marchenko_pasturs() -> None:
    data = Observations("c", dense_kappa_growth.condition_numbers((48, 64), 400))
    for n in (48, 64):
        subject = dense_kappa_growth.subject(n)
        square = list(data.values(dense_kappa_growth.SQUARE, subject).values())
        law = data.values(dense_kappa_growth.EDELMAN, subject)[0]
        assert np.median(np.sqrt(square)) == pytest.approx(math.sqrt(law), rel=0.1)
        wide = list(data.values(dense_kappa_growth.WIDE, subject).values())
        assert np.median(wide) == pytest.approx(white.marchenko_pastur(0.5), rel=0.35)


# Texts
