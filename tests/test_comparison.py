"""Comparisons with dense: paired by seed, like for like, and silent where there is no baseline."""

from collections.abc import Mapping, Sequence

import pytest

from cdbench.claims.evidence.comparison import ACCURACY, MIN_PAIRS, WEIGHT, compare
from cdbench.config.run_config import RunConfig
from cdbench.records.run import EpochMetrics
from cdbench.records.spectra import Condition, Spectrum
from cdbench.statistics.estimands import SPLITS
from cdbench.store.audit_queries import AuditedRun

SEEDS = range(5)


def run_of(config: RunConfig, accuracy: float, kappas: Mapping[str, Sequence[float]]) -> AuditedRun:
    """A run of one epoch with these condition numbers, layer by layer."""
    spectra = [
        Spectrum(layer, kind, config.epochs, (), Condition(kappa, 1, kappa, kappa, 1, 1, 0))
        for kind, values in kappas.items()
        for layer, kappa in enumerate(values, 1)
    ]
    epochs = (EpochMetrics(config.epochs, 0, 0, accuracy, 0),)
    return AuditedRun(1, "u", config, 10, epochs, tuple(spectra), ())


def runs_of(B: Sequence[int] = (4,), seeds: Sequence[int] = SEEDS) -> dict[RunConfig, AuditedRun]:
    """Dense at 90 % plus the seed, blocks two points below, and ten times better conditioned."""
    runs = {}
    for seed in seeds:
        dense = RunConfig(seed=seed).baseline()
        hard = {"weight": [100.0 * (seed + 1), 50.0], "layer_hessian": [1e6, 1e3]}
        runs[dense] = run_of(dense, 0.9 + seed / 100, hard)
        for size in B:
            config = RunConfig(B=size, seed=seed)
            easy = {kind: [value / 10 for value in values] for kind, values in hard.items()}
            runs[config] = run_of(config, 0.88 + seed / 100, easy)
    return runs


def test_differences_are_paired_and_ratios_are_dense_over_model() -> None:
    runs = runs_of()
    found = {m.quantity: m for m in compare(list(runs), runs)}
    assert found[ACCURACY].estimate == pytest.approx(-0.02)
    assert (found[ACCURACY].subject, found[ACCURACY].baseline) == ("cdlinear B=4", "dense")
    # A seed's spread is common to both, so that the difference has none.
    assert found[ACCURACY].low == pytest.approx(-0.02)
    for quantity in (WEIGHT, "layer_hessian κ, layer 1", "layer_hessian κ, layer 2"):
        assert found[quantity].estimate == pytest.approx(10)
        assert found[quantity].subject == "dense"
    assert {m.n for m in found.values()} == {len(SEEDS)}


def test_both_intervals_are_told_and_named() -> None:
    runs = runs_of()
    for config in runs:
        if config.layer == "cdlinear":
            kappas = {"weight": [3.0 + config.seed**2]}
            runs[config] = run_of(config, 0.85 + config.seed**2 / 500, kappas)
    found = compare(list(runs), runs)
    assert [m.quantity for m in found] == [ACCURACY, WEIGHT]
    for one in found:
        assert one.estimand == SPLITS
        assert None not in (one.low, one.high, one.wide_low, one.wide_high)
        assert (one.wide_low or 9) < (one.low or 0) < (one.high or 0) < (one.wide_high or 0)


def test_every_model_is_compared_with_the_baseline_of_its_own_knobs() -> None:
    runs = runs_of(B=(2, 4))
    fast = {}
    for config, run in runs.items():
        other = RunConfig.from_mapping({**vars(config), "learning_rate": 0.2})
        worse = run.test_accuracy - (0.1 if config.layer == "cdlinear" else 0)
        fast[other] = run_of(other, worse, {})
    every = runs | fast
    gaps = {m.subject: m.estimate for m in compare(list(every), every) if m.quantity == ACCURACY}
    assert gaps == {
        "cdlinear B=2 learning_rate=0.1": pytest.approx(-0.02),
        "cdlinear B=4 learning_rate=0.1": pytest.approx(-0.02),
        "cdlinear B=2 learning_rate=0.2": pytest.approx(-0.12),
        "cdlinear B=4 learning_rate=0.2": pytest.approx(-0.12),
    }


def test_nothing_is_said_without_baseline_or_with_too_few_seeds() -> None:
    runs = runs_of()
    alone = {config: run for config, run in runs.items() if config.layer == "cdlinear"}
    assert compare(list(alone), alone) == []
    few = runs_of(seeds=range(MIN_PAIRS - 1))
    assert compare(list(few), few) == []


def test_seeds_count_that_both_sides_have() -> None:
    runs = {
        config: run
        for config, run in runs_of(seeds=range(2 * MIN_PAIRS)).items()
        if (config.layer == "dense") == (config.seed < MIN_PAIRS)
    }
    assert compare(list(runs), runs) == []
    both = runs | runs_of(seeds=range(MIN_PAIRS))
    assert {m.n for m in compare(list(both), both)} == {MIN_PAIRS}


def test_runs_without_a_kind_are_compared_by_the_others() -> None:
    runs = runs_of()
    older = {
        config: run_of(config, run.test_accuracy, {"weight": [2.0, 4.0]})
        for config, run in runs.items()
    }
    assert [m.quantity for m in compare(list(older), older)] == [ACCURACY, WEIGHT]
    halves = {c: older[c] if c.layer == "cdlinear" else run for c, run in runs.items()}
    assert [m.quantity for m in compare(list(halves), halves)] == [ACCURACY, WEIGHT]
