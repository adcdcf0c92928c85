"""The claims on Table 1: counts, gradients, accuracies, losses and the published κ."""

import math
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from cdbench.claims import accuracy, gradients, parameters, published_kappa, training_loss
from cdbench.claims.base import Bench, Claim, Measurements
from cdbench.claims.table1 import B4, B8, DENSE, measure_cells, n_digits
from cdbench.engine.layers import CDLinear
from cdbench.engine.layers.base import BoundLayer
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    REPRODUCED,
    Judgement,
    Observation,
)
from cdbench.records.published import (
    PUBLISHED_COMPRESSION,
    PUBLISHED_KAPPA_RATIOS,
    PUBLISHED_ROWS,
    PUBLISHED_SEEDS,
    comes_out,
    n_come_out,
)
from cdbench.statistics.estimates import Observations, deviation, glass_delta
from cdbench.store.audit_queries import audited_runs
from cdbench.store.database import open_for_reading
from tests.judging import judged

SEEDS = range(30)
Values = dict[tuple[str, str], dict[float, float]]


def judgement_of(claim: Claim, values: Values) -> Judgement:
    """What the claim judges of these values by quantity and subject, place by place."""
    return judged(
        claim,
        [
            Observation(quantity, subject, place, value)
            for (quantity, subject), found in values.items()
            for place, value in found.items()
        ],
    )


def by_seed(values: np.ndarray) -> dict[float, float]:
    return dict(enumerate(values.tolist()))


def noise(stream: int) -> np.ndarray:
    """Thirty numbers of mean 0 and deviation 1."""
    z = np.random.default_rng(stream).normal(size=len(SEEDS))
    return np.asarray((z - z.mean()) / z.std(ddof=1))


def cells(quantity: str, printed: Mapping[str, tuple[float, float]]) -> Values:
    """Three values a model that have just the printed mean and deviation (ddof 0)."""
    steps = np.array([-1.0, 0.0, 1.0]) * math.sqrt(1.5)
    return {(quantity, model): by_seed(m + s * steps) for model, (m, s) in printed.items()}


# What is printed, and how it is compared


@pytest.mark.parametrize(
    ("value", "printed", "equal"),
    [
        (8970, "8,970", True),
        (8971, "8,970", False),
        (3.7689, "3.8×", True),
        (3.74, "3.8×", False),
        (0.00114, "0.0011", True),
        (0.00116, "0.0011", False),
        (5.949e6, "5.9e6", True),
        (5.951e6, "5.9e6", False),
        (5.1e2, "5.1e2", True),
        (math.inf, "5.9e6", False),
        (math.nan, "5.9e6", False),
    ],
)
def test_value_comes_out_as_printed_if_it_rounds_to_it(
    value: float, printed: str, equal: bool
) -> None:
    assert comes_out(value, printed) is equal


def test_cell_is_a_mean_and_a_deviation() -> None:
    assert n_come_out([98.149, 0.472], "98.15 % ± 0.47 %") == 2
    assert n_come_out([98.149, 0.482], "98.15 % ± 0.47 %") == 1
    assert n_come_out([0.472, 98.149], "98.15 % ± 0.47 %") == 0


@pytest.mark.parametrize("name", ["deviation", "glass_delta"])
def test_statistic_is_what_its_query_gives(name: str) -> None:
    z = np.random.default_rng(0).normal(0.98, 0.005, (2, 20))
    observed = [
        Observation("it's", subject, place, value)
        for subject, row in zip(("a", "b"), z, strict=True)
        for place, value in by_seed(row).items()
    ]
    data = Observations("c", observed)
    if name == "deviation":
        found, expected = deviation(data, "it's", "a"), z[0].std()
    else:
        found = glass_delta(data, "it's", "a", "b")
        expected = (z[0] - z[1]).mean() / z[1].std(ddof=1)
        assert found.low is not None
        assert found.high is not None
        assert found.low < found.estimate < found.high
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE observations (claim, quantity, subject, place, value)")
    database.executemany(
        "INSERT INTO observations VALUES (?, ?, ?, ?, ?)",
        [("c", o.quantity, o.subject, o.place, o.value) for o in observed],
    )
    (derived,) = database.execute(found.sql).fetchone()
    database.close()
    assert found.estimate == pytest.approx(expected, rel=1e-12)
    assert derived == pytest.approx(expected, rel=1e-9)


# Claim 1


@pytest.fixture(scope="module")
def counted() -> list[Observation]:
    return parameters.Parameters().observe(Bench((), {}))


def test_counts_are_those_of_the_closed_form(counted: list[Observation]) -> None:
    found = Observations("parameters", counted)
    for B in parameters.BLOCK_SIZES:
        widths = [-(-n // B) * B for n in (64, 64, 64, 10)]
        count = sum(n_in * n_out // B + n_out for n_in, n_out in pairwise(widths))
        assert found.values(parameters.NETWORK, f"B={B}")[64] == 8970 / count
        factors = found.values(parameters.WEIGHTS, f"B={B}")
        assert set(factors.values()) == {B}
        assert len(factors) == 25


def test_parameters_are_reproduced(counted: list[Observation]) -> None:
    judgement = judged(parameters.Parameters(), counted)
    assert judgement.verdict == REPRODUCED
    assert "6 of 6" in judgement.measured
    assert "3.77" in judgement.reason


@pytest.mark.parametrize(
    ("quantity", "subject", "verdict"),
    [
        (parameters.COUNT, B8, CONTRADICTED),
        (parameters.WEIGHTS, "B=3", CONDITIONAL),
        (parameters.NETWORK, "B=3", REPRODUCED),
    ],
)
def test_parameters_are_judged_by_what_the_rule_names(
    counted: list[Observation], quantity: str, subject: str, verdict: str
) -> None:
    first = next(o for o in counted if (o.quantity, o.subject) == (quantity, subject))
    altered = [replace(o, value=o.value * 1.02) if o is first else o for o in counted]
    judgement = judged(parameters.Parameters(), altered)
    assert judgement.verdict == verdict
    if verdict == CONDITIONAL:
        assert judgement.condition is not None
        assert judgement.condition.startswith("B = 1, 2, 4, 5")


def test_printed_compression_follows_from_the_printed_counts() -> None:
    count = {m: float(row.n_parameters.replace(",", "")) for m, row in PUBLISHED_ROWS.items()}
    for (more, less), printed in PUBLISHED_COMPRESSION.items():
        assert comes_out(count[more] / count[less], printed)


# Claim 2


def test_central_difference_of_a_quadratic_is_exact_at_any_step() -> None:
    a = np.array([[1.0, -2.0], [0.5, 3.0]])
    found = gradients.central_difference(lambda: float((a**2).sum()), a, 1.0)
    np.testing.assert_array_equal(found, 2 * a)
    np.testing.assert_array_equal(a, [[1.0, -2.0], [0.5, 3.0]])


@pytest.mark.parametrize("wrong", ["c", "bias", "input"])
def test_a_wrong_entry_of_a_gradient_is_seen(wrong: str) -> None:
    class Wrong(CDLinear):
        def bind(self, params, x, context):
            y, run, pullback = super().bind(params, x, context)

            def off(dy, grads):
                dx = pullback(dy, grads)
                {"input": dx, **grads}[wrong].flat[1] *= 1 + 1e-3
                return dx

            return BoundLayer(y, run, off)

    errors = dict(
        zip(("c", "bias", "input"), gradients.layer_errors(Wrong(6, 9, 3), 0), strict=True)
    )
    assert errors.pop(wrong) == pytest.approx(1e-3, rel=1e-6)
    assert max(errors.values()) < 1e-8


@pytest.mark.parametrize("B", [1, 3, 8])
def test_errors_of_a_network_are_far_below_the_published_one(B: int) -> None:
    errors = gradients.network_errors(B)
    assert 0 < max(errors) < 1e-8


def test_a_network_whose_layers_are_wrong_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    bind = CDLinear.bind

    def off(self, params, x, context):
        y, run, pullback = bind(self, params, x, context)
        return BoundLayer(y, run, lambda dy, grads: 1.001 * pullback(dy, grads))

    monkeypatch.setattr(CDLinear, "bind", off)
    assert min(gradients.network_errors(4)) > 1e-4


@pytest.mark.long
def test_every_case_of_the_gradients_is_named_once_and_below() -> None:
    observed = gradients.Gradients().observe(Bench((), {}))
    assert len({(o.quantity, o.subject, o.place) for o in observed}) == len(observed) == 16 * 14
    judgement = judged(gradients.Gradients(), observed)
    assert judgement.verdict == HOLDS
    assert max(o.value for o in observed) < 1e-7


@pytest.mark.parametrize(
    ("wrong", "verdict"),
    [((), HOLDS), ((3, 5), CONDITIONAL), (range(1, 17), CONTRADICTED)],
)
def test_gradients_are_judged_by_block_size(wrong: tuple[int, ...], verdict: str) -> None:
    errors = {
        (quantity, f"B={B}"): {1.0: 1e-9, 2.0: 2e-4 if at_fault and B in wrong else 1e-10}
        for B in gradients.BLOCK_SIZES
        for quantity, at_fault in ((gradients.LAYER, B < 5), (gradients.NETWORK, B >= 5))
    }
    judgement = judgement_of(gradients.Gradients(), errors)
    assert judgement.verdict == verdict
    if verdict == CONDITIONAL:
        assert judgement.condition is not None
        assert judgement.condition.startswith("B = 1, 2, 4, 6")


# Claim 3

ACCURACIES = {DENSE: (0.9815, 0.0047), B4: (0.975, 0.0023), B8: (0.9639, 0.0113)}


@pytest.mark.parametrize(
    ("gap", "verdict", "told"),
    [
        (0.0, HOLDS, "perhaps no gap"),
        (-0.2, HOLDS, "a gap that is there"),
        (0.2, HOLDS, "a gap that is there"),
        (-1.0, NOT_SUPPORTED, "a gap that is there"),
        (-3.0, CONTRADICTED, "a gap that is there"),
        (3.0, CONTRADICTED, "a gap that is there"),
    ],
)
def test_accuracy_is_judged_by_the_gap_in_deviations_of_dense(
    gap: float, verdict: str, told: str
) -> None:
    deviation_of_dense = 0.006
    dense = 0.98 + deviation_of_dense * noise(1)
    own = dense + deviation_of_dense * (gap + 0.3 * noise(2))
    judgement = judgement_of(
        accuracy.Accuracy(),
        {
            (accuracy.ACCURACY, DENSE): by_seed(dense),
            (accuracy.ACCURACY, B4): by_seed(own),
            (accuracy.ACCURACY, B8): by_seed(own - 0.01),
            **cells(accuracy.TABLE_CELL, ACCURACIES),
        },
    )
    assert judgement.verdict == verdict
    assert told in judgement.reason
    assert "6 of 6" in judgement.measured
    assert f"{100 * deviation_of_dense * gap:+.2f} points".replace("-", "−") in judgement.reason
    assert len(judgement.measured) <= 70


def test_accuracy_counts_the_printed_numbers_that_come_out() -> None:
    both = {(accuracy.ACCURACY, model): by_seed(0.98 + 0.01 * noise(1)) for model in PUBLISHED_ROWS}
    other = ACCURACIES | {B8: (0.9639, 0.0115)}
    judgement = judgement_of(accuracy.Accuracy(), both | cells(accuracy.TABLE_CELL, other))
    assert judgement.verdict == HOLDS
    assert "5 of 6" in judgement.measured


# Claim 4

LOSSES = {DENSE: (0.0011, 0.0001), B4: (0.0007, 0.0002), B8: (0.0157, 0.0165)}


def losses(ratio_at: Callable[[int], float], spread: float = 0.2) -> Values:
    """Losses that fall with the epoch, those of B=4 in this ratio to dense's."""
    found: Values = {}
    for epoch in (*range(1, 11), 20, 25):
        dense = np.exp(-0.3 * epoch + 0.5 * noise(epoch))
        own = dense * ratio_at(epoch) * np.exp(spread * noise(100 + epoch))
        for model, values in ((DENSE, dense), (B4, own), (B8, 2 * dense)):
            found[training_loss.loss_at(epoch), model] = by_seed(values)
    return {**found, **cells(training_loss.TABLE_CELL, LOSSES)}


@pytest.mark.parametrize(
    ("ratio_at", "verdict", "condition"),
    [
        (lambda epoch: 1.3 if epoch <= 10 else 0.7, HOLDS, None),
        (lambda epoch: 1.3 if epoch <= 6 else 0.7, CONDITIONAL, "epochs 1-6"),
        (lambda epoch: 1.3 if epoch in {2, 5} else 0.7, CONDITIONAL, "epochs 2, 5"),
        (lambda epoch: 0.7, CONDITIONAL, "no early epoch"),
        (lambda epoch: 1.3, CONTRADICTED, None),
        (lambda epoch: 1.3 if epoch <= 10 else 1.0, NOT_SUPPORTED, None),
    ],
)
def test_training_loss_is_judged_by_the_ratio_at_epoch_20_and_before(
    ratio_at: Callable[[int], float], verdict: str, condition: str | None
) -> None:
    judgement = judgement_of(training_loss.TrainingLoss(), losses(ratio_at))
    assert judgement.verdict == verdict
    assert (judgement.condition or "").endswith(condition or "")
    assert (judgement.condition is None) == (condition is None)
    assert "6 of 6" in judgement.measured
    assert len(judgement.measured) <= 70


def test_training_loss_does_not_follow_one_run_that_spikes() -> None:
    values = losses(lambda epoch: 1.3 if epoch <= 10 else 0.7)
    values[training_loss.loss_at(20), B4][7] = 50.0
    assert judgement_of(training_loss.TrainingLoss(), values).verdict == HOLDS


# Claim 5

KAPPAS = {DENSE: 5.9e6, B4: 1.9e4, B8: 5.1e2}


def kappas(over_all: Mapping[str, float], printed: Mapping[str, float] = KAPPAS) -> Values:
    """Heavy-tailed κ with these medians over all seeds, and with those over the paper's."""
    found: Values = {}
    for stream, (model, middle) in enumerate(over_all.items()):
        tail = np.exp(noise(stream))
        found[published_kappa.KAPPA, model] = by_seed(middle * tail / np.median(tail))
    cell = published_kappa.TABLE_CELL
    return found | {(cell, model): dict.fromkeys((0, 1, 2), k) for model, k in printed.items()}


RATIOS_AS_PRINTED = {DENSE: 12_000 * 510, B4: 12_000 * 510 / 310, B8: 510}


@pytest.mark.parametrize(
    ("values", "verdict", "condition"),
    [
        (kappas(RATIOS_AS_PRINTED), REPRODUCED, None),
        (kappas({DENSE: 2e5, B4: 2e5 / 310, B8: 900}), CONDITIONAL, "the ratios (12,000×, 35×)"),
        (kappas(dict.fromkeys(KAPPAS, 1e3)), CONDITIONAL, "the ratios (310×, 12,000×, 35×)"),
        (kappas(RATIOS_AS_PRINTED, KAPPAS | {B4: 2.0e4}), NOT_SUPPORTED, None),
        (kappas(dict.fromkeys(KAPPAS, 1e3), dict.fromkeys(KAPPAS, 1e3)), CONTRADICTED, None),
    ],
)
def test_published_kappa_is_judged_by_its_digits_and_by_other_seeds(
    values: Values, verdict: str, condition: str | None
) -> None:
    judgement = judgement_of(published_kappa.PublishedKappa(), values)
    assert judgement.verdict == verdict
    assert (judgement.condition or "").startswith(condition or "")
    assert (judgement.condition is None) == (condition is None)
    assert len(judgement.measured) <= 70


def test_printed_kappa_cannot_give_the_printed_35() -> None:
    for (worse, better), printed in PUBLISHED_KAPPA_RATIOS.items():
        low, high = (
            (KAPPAS[worse] - sign * half_digit(KAPPAS[worse]))
            / (KAPPAS[better] + sign * half_digit(KAPPAS[better]))
            for sign in (1, -1)
        )
        half = half_digit(printed)
        overlap = low <= printed + half and printed - half <= high
        assert overlap == (printed != 35)


def half_digit(number: float) -> float:
    """Half a unit in the second digit."""
    return float(0.05 * 10.0 ** math.floor(math.log10(number)))


# All of them, on the paper's own runs


@pytest.fixture(scope="module")
def bench(paper_path: Path) -> Bench:
    return Bench(PUBLISHED_SEEDS, audited_runs(open_for_reading(str(paper_path)), range(1, 10)))


TRAINED = [accuracy.Accuracy(), training_loss.TrainingLoss(), published_kappa.PublishedKappa()]


@pytest.mark.parametrize("claim", TRAINED, ids=lambda claim: claim.name)
def test_every_number_is_of_one_run_and_has_its_own_place(claim: Claim, bench: Bench) -> None:
    observed = claim.observe(bench)
    assert len({(o.quantity, o.subject, o.place) for o in observed}) == len(observed)
    seed_of = {run.run_id: config.seed for config, run in bench.runs.items()}
    model_of = {run.run_id: config.model for config, run in bench.runs.items()}
    for o in observed:
        assert o.run_id is not None
        assert (o.subject, o.place) == (model_of[o.run_id], seed_of[o.run_id])


def test_printed_accuracies_and_losses_come_out_with_the_papers_runs(bench: Bench) -> None:
    for claim, quantity, column, unit in (
        (accuracy.Accuracy(), accuracy.TABLE_CELL, "test_accuracy", 100),
        (training_loss.TrainingLoss(), training_loss.TABLE_CELL, "training_loss", 1),
    ):
        data = Observations(claim.name, claim.observe(bench))
        printed = {model: getattr(row, column) for model, row in PUBLISHED_ROWS.items()}
        assert n_digits(Measurements(measure_cells(data, quantity)), quantity, printed, unit) == 6


def test_printed_kappas_come_out_with_the_papers_runs(bench: Bench) -> None:
    claim = published_kappa.PublishedKappa()
    assert judged(claim, claim.observe(bench)).measured.startswith("3 of 3 κ")


@pytest.mark.parametrize("claim", TRAINED, ids=lambda claim: claim.name)
def test_paper_seeds_are_needed_beside_any_others(claim: Claim) -> None:
    seeds = {config.seed for config in claim.needs(range(100, 110))}
    assert seeds == {*range(100, 110), *PUBLISHED_SEEDS}
    assert len(claim.needs(range(10))) == 30
