"""The claims on whitening and depth: the start, one step, normalisation, deeper networks.

Each rule reaches its verdicts on made-up numbers; each computed number obeys a law that is known
otherwise.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest

from cdbench.claims import depth, normalisation_whitens, one_step, white_start
from cdbench.claims.base import Bench, Claim
from cdbench.claims.evidence import weight_products
from cdbench.claims.evidence.kappa_curves import DECIDING
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.datasets import load_dataset
from cdbench.engine.layers import EVALUATION, CDLinear, Dense, Params, WeightLayer
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Observation,
)
from cdbench.records.run import EpochMetrics
from cdbench.records.spectra import Condition, Spectrum
from cdbench.running.execution import execute
from cdbench.statistics.estimates import Observations
from cdbench.store.audit_queries import AuditedRun
from tests.floors import at_floors, same_at_all
from tests.judging import judged

pytestmark = pytest.mark.usefixtures("one_blas_thread")

SEEDS = tuple(range(12))
Kappa = Callable[[RunConfig, str, int], float]
"""κ by configuration, kind and layer."""


def around(middle: float, *key: object, sigma: float = 0.05) -> list[float]:
    """Positive numbers around ``middle``, one a seed, that depend on the key alone."""
    stream = [ord(letter) for letter in str(key)]
    return [float(x) for x in middle * np.random.default_rng(stream).lognormal(0, sigma, 12)]


def series(quantity: str, subject: str, values: list[float]) -> list[Observation]:
    return [Observation(quantity, subject, seed, x) for seed, x in zip(SEEDS, values, strict=True)]


def seed_by_seed(observations: Observations, quantity: str, subject: str) -> list[float]:
    return list(observations.values(quantity, subject).values())


def made_up(config: RunConfig, kappa: Kappa) -> AuditedRun:
    """A run whose κ is given, with a little noise of its own; rank 3 of 4."""
    rng = np.random.default_rng(int(config.digest()[:12], 16))
    spectra = []
    for kind, layer in product(normalisation_whitens.KINDS, range(1, len(config.hidden) + 2)):
        k = kappa(config, kind, layer) * math.exp(0.01 * rng.normal())
        found = Condition(k, 1.0, math.inf, k, 3, 4, 0.0, floors=same_at_all(k))
        spectra.append(Spectrum(layer, kind, config.epochs, (), found))
    epochs = (EpochMetrics(config.epochs, 0.1, 0.1, 0.97, 0.01),)
    return AuditedRun(0, "", config, 1, epochs, tuple(spectra), ())


def observed(claim: Claim, kappa: Kappa) -> list[Observation]:
    runs = {config: made_up(config, kappa) for config in claim.needs(SEEDS)}
    return claim.observe(Bench(SEEDS, runs))


# κ = 1 at the start

WHITE = white_start.WhiteStart()


def started(first: float, deeper: float, sigma: float = 0.05) -> list[Observation]:
    found = []
    for layer, model in product((1, 2, 3), ("dense", "cdlinear B=4", "cdlinear B=8")):
        kappas = around(first if layer == 1 else deeper, layer, model, sigma=sigma)
        for inputs in white_start.INPUTS:
            found += series(white_start.kappa_of(layer, inputs), model, kappas)
        found += series(white_start.rank_of(layer), model, [1.0] * 12)
    for layer in (1, 2, 3):
        found += series(white_start.kappa_of(layer), white_start.IDEAL, [1.0] * 12)
    return found


@pytest.mark.parametrize(
    ("case", "verdict"),
    [
        (started(1.3, 1.4), HOLDS),
        (started(1.3, 300), CONDITIONAL),
        (started(5, 300), CONTRADICTED),
        (started(5, 1.1), CONTRADICTED),
        (started(2, 300, sigma=1.0), NOT_SUPPORTED),
        (started(1.3, 2, sigma=0.3), NOT_SUPPORTED),
    ],
)
def test_white_start_is_judged_by_its_rule(case: list[Observation], verdict: str) -> None:
    assert judged(WHITE, case).verdict == verdict


@pytest.mark.parametrize("config", [RunConfig(B=8, input="whiten", seed=100, epochs=1)])
def test_start_is_that_of_a_run(config: RunConfig) -> None:
    run = execute(config, diagnostics=Diagnostics(spectra_every=1))
    hessians = [s for s in run.spectra if (s.kind, s.epoch) == ("layer_hessian", 0)]
    own = [condition.kappa_nonnull for condition in white_start.start(config)]
    expected = [s.condition.kappa_nonnull for s in sorted(hessians, key=lambda s: s.layer)]
    assert own == pytest.approx(expected)


def test_first_layer_starts_as_the_blank_pixels_of_a_block_say() -> None:
    """With the identity on b of a block's B entries its η is b at every frequency."""
    observations = Observations(WHITE.name, WHITE.observe(Bench((100, 101), {})))
    for seed, B in product((100, 101), (1, 4, 8)):
        X = load_dataset(RunConfig()).split(seed).X_train
        varying = (X.std(axis=0) > 0).reshape(-1, B).sum(axis=1)
        model = "dense" if B == 1 else f"cdlinear B={B}"
        kappa = observations.values(white_start.kappa_of(1), model)[seed]
        assert kappa == pytest.approx(B / varying[varying > 0].min())
        rank = observations.values(white_start.rank_of(1), model)[seed]
        assert rank == (varying > 0).mean()


# One step

STEP = one_step.OneStep()


def stepped(at_4: float, at_8: float, sigma: float = 0.003) -> list[Observation]:
    levels = {"dense": 1.0, "cdlinear B=4": at_4, "cdlinear B=8": at_8}
    return [
        own
        for (model, level), case in product(levels.items(), one_step.CASES)
        for own in series(case, model, around(level, case, model, sigma=sigma))
    ]


@pytest.mark.parametrize(
    ("case", "verdict", "condition"),
    [
        (stepped(0.98, 0.99), HOLDS, None),
        (stepped(0.9, 0.99), CONDITIONAL, "B=8"),
        (stepped(0.9, 0.5), CONTRADICTED, None),
        (stepped(0.95, 0.95, sigma=0.02), NOT_SUPPORTED, None),
        (stepped(0.6, 0.955, sigma=0.05), NOT_SUPPORTED, None),
    ],
)
def test_one_step_is_judged_by_its_rule(
    case: list[Observation], verdict: str, condition: str | None
) -> None:
    judgement = judged(STEP, case)
    assert (judgement.verdict, judgement.condition) == (verdict, condition)


@pytest.mark.parametrize("B", [1, 3, 4])
def test_gradient_is_that_of_the_layer(B: int) -> None:
    rng = np.random.default_rng(B)
    X, target = rng.normal(size=(20, 12)), rng.normal(size=(20, 24))
    layer: WeightLayer = Dense(12, 24) if B == 1 else CDLinear(12, 24, B)
    shape = (24, 12) if B == 1 else (24 // B, 12 // B, B)
    name = next(iter(layer.parameter_shapes()))
    c = rng.normal(size=shape)
    params: Params = {name: c, "bias": np.zeros(24)}
    y, pullback = layer.forward(params, X, EVALUATION)
    grads: Params = {key: np.empty_like(value) for key, value in params.items()}
    pullback((y - target) / len(X), grads)
    ours = one_step.quadratic(X, target, B).gradient(c.reshape(24 // B, -1).T)
    np.testing.assert_allclose(ours, grads[name].reshape(24 // B, -1).T, rtol=1e-9, atol=1e-12)


def test_share_is_what_the_eigenvalues_say() -> None:
    """Each error shrinks by 1 - step · λ, and weighs λ."""
    loss = one_step.Quadratic(np.diag([4.0, 3.0, 0.0]), np.array([[4.0], [6.0], [0.0]]))
    c = np.array([[3.0], [1.0], [7.0]])  # 2 and -1 from the optimum 1, 2; the last is null
    expected = 1 - (4 * 4 * 0 + 3 * 1 / 16) / (4 * 4 + 3 * 1)
    assert loss.share(c, loss.gradient(c), 1 / 4) == pytest.approx(expected)
    assert loss.share(c, loss.gradient(c), 0.0) == 0.0


@pytest.mark.parametrize("B", [1, 2, 4])
def test_one_step_reaches_the_optimum_on_jointly_white_inputs(B: int) -> None:
    X = np.sqrt(8) * np.eye(8)
    target = np.random.default_rng(B).normal(size=(8, 4))
    loss = one_step.quadratic(X, target, B)
    c = np.ones_like(loss.g)
    assert loss.share(c, loss.gradient(c), 1 / B) == pytest.approx(1)


def test_step_on_the_digits_is_exact_for_dense_and_worst_by_a_batch_of_few() -> None:
    found = Observations(STEP.name, STEP.observe(Bench((100, 101, 102), {})))
    assert seed_by_seed(found, one_step.FULL, "dense") == pytest.approx([1.0] * 3)
    for model in ("cdlinear B=4", "cdlinear B=8"):
        # λ is 3/4 to 1 of the step's, by the blank pixels: at least 1 - 1/16.
        for case in (one_step.FULL, one_step.ZERO):
            assert all(15 / 16 < share < 1 for share in seed_by_seed(found, case, model))
        assert all(share < 0.9 for share in seed_by_seed(found, one_step.BATCH, model))
        assert all(share < 0.9 for share in seed_by_seed(found, one_step.NOT_WHITE, model))


# Normalisation

WHITENS = normalisation_whitens.NormalisationWhitens()
Levels = Mapping[str, tuple[float, float, float]]
"""κ of theorem1 and of layer_hessian at B=4, and of dense's layer_hessian, by normalisation."""

PLAIN = {"none": (100.0, 1000.0, 1e5)}


def normalised(levels: Levels) -> Kappa:
    def kappa(config: RunConfig, kind: str, layer: int) -> float:
        del layer
        separate, together, dense = levels[config.normalization]
        if config.layer == "dense":
            return dense
        return separate if kind == "theorem1" else together

    return kappa


@pytest.mark.parametrize(
    ("batch", "layer", "verdict", "words"),
    [
        ((2, 3, 1e3), (50, 500, 1e3), HOLDS, None),
        (
            (2, 3, 30),
            (50, 500, 1e3),
            CONDITIONAL,
            "batch normalisation is meant, and only this: white",
        ),
        (
            (50, 500, 1e3),
            (5, 500, 1e3),
            CONDITIONAL,
            "layer normalisation is meant, and only this: white",
        ),
        (
            (50, 500, 1e3),
            (50, 500, 1e6),
            CONDITIONAL,
            "layer normalisation is meant, and only this: less",
        ),
        ((50, 500, 1e3), (50, 500, 1e3), CONTRADICTED, None),
    ],
)
def test_normalisation_is_judged_by_its_rule(
    batch: tuple[float, float, float],
    layer: tuple[float, float, float],
    verdict: str,
    words: str | None,
) -> None:
    judgement = judged(
        WHITENS, observed(WHITENS, normalised(PLAIN | {"batch": batch, "layer": layer}))
    )
    assert judgement.verdict == verdict
    assert (judgement.condition or "").startswith(words or "")


def test_advantage_that_grows_with_some_seeds_and_falls_with_others_supports_nothing() -> None:
    levels = PLAIN | dict.fromkeys(normalisation_whitens.NORMALIZATIONS, (50.0, 500.0, 5e4))

    def kappa(config: RunConfig, kind: str, layer: int) -> float:
        own = normalised(levels)(config, kind, layer)
        varies = (config.layer, config.normalization) == ("dense", "layer")
        return own * 10.0 ** ((-1) ** config.seed) if varies else own

    assert judged(WHITENS, observed(WHITENS, kappa)).verdict == NOT_SUPPORTED


def test_advantage_of_directions_without_power_is_named_so() -> None:
    levels = PLAIN | {"batch": (2.0, 3.0, 1e3), "layer": (50.0, 500.0, 1e3)}
    runs = {config: made_up(config, normalised(levels)) for config in WHITENS.needs(SEEDS)}
    for config, run in runs.items():  # above the lowest floors both families are alike
        if (config.layer, config.normalization) == ("dense", "none"):
            ours = runs[replace(RunConfig(B=4), seed=config.seed)].spectra
            spectra = [
                replace(own, condition=replace(own.condition, floors=theirs.condition.floors))
                for own, theirs in zip(run.spectra, ours, strict=True)
            ]
            runs[config] = replace(run, spectra=tuple(spectra))
    judgement = judged(WHITENS, WHITENS.observe(Bench(SEEDS, runs)))
    assert (judgement.condition or "").endswith("an advantage there is at rounding level only")


def test_no_advantage_without_normalisation_contradicts_whatever_it_realises() -> None:
    levels = {"none": (100.0, 1000.0, 10.0), "batch": (2.0, 3.0, 1e3), "layer": (2.0, 3.0, 1e3)}
    assert judged(WHITENS, observed(WHITENS, normalised(levels))).verdict == CONTRADICTED


def test_advantage_and_what_is_removed_are_of_all_layers_together() -> None:
    def kappa(config: RunConfig, kind: str, layer: int) -> float:
        if config.layer == "dense":
            return 10.0 ** (layer + 1)
        return 10.0**layer if config.normalization == "none" else 10.0 ** (layer / 4)

    found = Observations(WHITENS.name, observed(WHITENS, kappa))
    advantages = seed_by_seed(found, normalisation_whitens.ADVANTAGE, "none")
    assert advantages == pytest.approx([10.0] * 10, rel=0.1)
    advantages = seed_by_seed(found, normalisation_whitens.ADVANTAGE, "layer")
    assert advantages == pytest.approx([10.0**2.5] * 10, rel=0.1)
    removed = seed_by_seed(found, normalisation_whitens.REMOVED, "batch")
    assert removed == pytest.approx([0.75] * 10, rel=0.05)


# Depth

DEPTH = depth.Depth()


def deep(
    trained: tuple[float, float], multiplied: tuple[float, float], sigma: float = 0.1
) -> list[Observation]:
    """Advantages of the shallowest and of the deepest, in both quantities."""
    found = []
    for quantity, (low, high) in zip(depth.CASES, (trained, multiplied), strict=True):
        subjects = depth.CASES[quantity]
        levels = np.geomspace(low, high, len(subjects))
        for subject, level in zip(subjects, levels, strict=True):
            values = around(float(level), quantity, subject, sigma=sigma)
            found += series(depth.advantage(quantity), subject, values)
            found += series(f"{quantity}, dense", subject, values)
            found += series(f"{quantity}, {weight_products.MODEL}", subject, [1.0] * 12)
    for quantity, n, model in product(
        (depth.RANK, depth.ACCURACY), depth.DEPTHS, ("dense", weight_products.MODEL)
    ):
        found += series(f"{quantity}, {model}", depth.hidden(n), [0.9] * 12)
    return found


@pytest.mark.parametrize(
    ("case", "verdict", "words"),
    [
        (deep((10, 100), (5, 5000)), HOLDS, ""),
        (deep((100, 10), (5, 5000)), CONDITIONAL, "the product of the initial weights"),
        (deep((10, 100), (5, 5)), CONDITIONAL, "the trained layers' Hessians"),
        (deep((100, 10), (50, 5)), CONTRADICTED, ""),
        (deep((100, 10), (5, 5), sigma=0.5), NOT_SUPPORTED, ""),
    ],
)
def test_depth_is_judged_by_its_rule(case: list[Observation], verdict: str, words: str) -> None:
    judgement = judged(DEPTH, at_floors(case))
    assert judgement.verdict == verdict
    assert words in (judgement.condition or "")


def test_growth_with_depth_that_ends_at_a_floor_is_named_so() -> None:
    grows, stays = deep((10, 100), (5, 5000)), deep((100, 10), (50, 5))
    judgement = judged(DEPTH, at_floors(grows, stays, highest=1e-8))
    to = "(up to a floor of 1e-08)"
    assert judgement.condition == (
        f"κ is that of the trained layers' Hessians {to} or the product of the initial weights {to}"
    )
    assert judged(DEPTH, at_floors(stays, grows, highest=1e-8)).verdict == CONDITIONAL


def test_advantage_is_of_all_layers_but_the_first() -> None:
    def kappa(config: RunConfig, kind: str, layer: int) -> float:
        if layer == 1:
            return 1e9 if config.layer == "dense" else 1.0
        return 10.0 ** len(config.hidden) if config.layer == "dense" else 10.0

    found = Observations(DEPTH.name, observed(DEPTH, kappa))
    for n in depth.DEPTHS:
        values = seed_by_seed(found, depth.advantage(depth.HESSIANS), depth.hidden(n))
        assert values == pytest.approx([10.0 ** (n - 1)] * 10, rel=0.1)
        (rank, *_) = seed_by_seed(found, f"{depth.RANK}, dense", depth.hidden(n))
        assert rank == 0.75
    assert len(seed_by_seed(found, depth.advantage(depth.PRODUCT), depth.factors(12))) == 12


def test_kappa_of_a_product_is_found_far_beyond_the_rounding_of_its_largest_value() -> None:
    """W_n = Q_n D Q_(n-1)ᵀ with orthogonal Q multiply to a matrix of singular values Dⁿ."""
    rng = np.random.default_rng(0)
    Q = [np.linalg.qr(rng.normal(size=(8, 8)))[0] for _ in range(13)]
    D = np.geomspace(1e-3, 1, 8)
    matrices = [b * D @ a.T for a, b in pairwise(Q)]
    found = weight_products.kappas_of_products(matrices)
    assert list(found) == list(range(1, 13))
    assert [found[n][0] for n in found] == pytest.approx([1e6**n for n in found], rel=1e-9)


def test_kappa_of_a_product_above_a_floor_is_of_the_directions_that_reach_it() -> None:
    """σ² of Dⁿ are known; the largest is 1, so that the trace is a little more."""
    D = np.geomspace(1e-3, 1, 8)
    found = weight_products.kappas_of_products([np.diag(D)] * 4)
    for n, kappas in found.items():
        power = D ** (2 * n)
        cuts = [1 / min(p for p in power if p >= level * sum(power)) for level in DECIDING]
        assert kappas == pytest.approx(cuts, rel=1e-9)


def test_matrices_of_a_product_are_drawn_as_the_layers_draw_them() -> None:
    found = weight_products.product_kappas(100)
    rng = np.random.default_rng([100, weight_products.STREAM])
    W = rng.normal(0, np.sqrt(2 / 64), size=(64, 64))
    assert found["dense"][1][0] == pytest.approx(np.linalg.cond(W) ** 2)
    c = np.random.default_rng([100, weight_products.STREAM]).normal(size=(16, 16, 4))
    blocks = np.fft.fft(c).transpose(2, 0, 1)  # W is unitarily similar to these
    sigma = np.linalg.svd(blocks, compute_uv=False)
    assert found[weight_products.MODEL][1][0] == pytest.approx((sigma.max() / sigma.min()) ** 2)


def test_needs_of_ten_seeds_share_the_papers_own_runs() -> None:
    needs = WHITENS.needs(range(100, 130))
    assert len(needs) == 60
    assert {RunConfig(seed=100), replace(RunConfig(seed=109), normalization="batch")} <= set(needs)
    deeper = DEPTH.needs(range(100, 130))
    assert len(deeper) == 60
    assert {config.learning_rate for config in deeper} == {depth.RATE}
