"""What runs keep of their networks: the same however they are trained, and what applies them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.datasets import limits, load_dataset, split_of
from cdbench.engine.building import build_network
from cdbench.records.run import Run
from cdbench.running.execution import execute, execute_together
from cdbench.running.sweep import execute_in_batches
from cdbench.trained.evaluation import is_same_transform, score_on
from cdbench.trained.runs import kept_model

KEEPING = Diagnostics(spectra=False, weights=True)
TINY: dict[str, Any] = {"dataset": "iris", "hidden": (6,), "epochs": 3, "B": 2, "product": "gather"}
KNOBS: list[dict[str, Any]] = [
    {"normalization": "batch", "input": "whiten", "dtype": "float32"},
    {"validation": 0.2, "early_stopping": 1, "epochs": 9, "permute": 5},
    {"architecture": "residual-mlp", "layer": "dense", "B": None, "normalization": "batch"},
    {"product": "fft", "B": 3, "input": "center"},
    {"dataset": "teacher:low-rank:4,samples=80", "task": "regression"},
]


def digest(run: Run) -> str:
    assert run.weights is not None
    return run.weights.digest


def test_a_run_in_a_stack_keeps_the_weights_of_the_run_alone() -> None:
    knobs = TINY | {"validation": 0.2, "early_stopping": 1, "epochs": 9, "learning_rate": 0.5}
    configs = [RunConfig(**knobs, seed=seed) for seed in range(5)]
    together = execute_together([(config, KEEPING) for config in configs])
    alone = [execute(config, diagnostics=KEEPING) for config in configs]
    assert len({len(run.epochs) for run in alone}) > 1  # some end earlier than others
    assert list(map(digest, together)) == list(map(digest, alone))


@pytest.mark.long
def test_workers_send_the_weights_of_the_run_alone() -> None:
    configs = [RunConfig(**TINY, seed=seed) for seed in range(4)]
    needs = dict.fromkeys(configs, KEEPING)
    for together in (True, False):
        batches = execute_in_batches(configs, 2, needs, together=together)
        found = {run.config: digest(run) for batch in batches for run in batch}
        assert found == {config: digest(execute(config, diagnostics=KEEPING)) for config in configs}


@pytest.mark.parametrize("knobs", KNOBS, ids=str)
def test_a_kept_model_scores_on_its_test_split_what_its_run_did(knobs: dict[str, Any]) -> None:
    run = execute(RunConfig(**TINY | knobs), diagnostics=KEEPING)
    assert run.weights is not None, run.error
    model = kept_model(run, run.weights)
    split, last = split_of(model.config), run.epochs[-1]
    score = score_on(model, split)
    assert is_same_transform(model.inputs, split.inputs)
    tolerance = 1e-6 if run.config.dtype == "float32" else 1e-13
    assert score.loss == pytest.approx(last.test_loss, rel=tolerance)
    assert score.accuracy == last.test_accuracy
    if score.r2 is not None:
        assert score.r2 == pytest.approx(last.test_r2, rel=1e-12)


def test_a_kept_model_computes_by_the_product_that_its_run_did() -> None:
    """A batch is no larger than the split, which a model that was kept does not have."""
    config = RunConfig(dataset="iris", B=4, epochs=1, batch_size=100_000)
    run = execute(config, diagnostics=KEEPING)
    assert run.weights is not None
    assert build_network(config, 4, 3).product != run.product_used
    assert kept_model(run, run.weights).network.product == run.product_used


def test_a_regression_gives_quantities_in_the_targets_own_unit() -> None:
    run = execute(RunConfig(**TINY | KNOBS[-1]), diagnostics=KEEPING)
    assert run.weights is not None, run.error
    model, data = kept_model(run, run.weights), load_dataset(run.config)
    (_, y), (X, y_test) = data._sides(run.config.seed, 0.0)
    assert model.target == (y.mean(), y.std())
    error = np.mean((model.predict(np.asarray(X)) - y_test) ** 2)
    assert error == pytest.approx(run.epochs[-1].test_loss, rel=1e-10)


def test_a_large_set_keeps_the_transform_of_one_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    knobs = TINY | {"input": "whiten", "permute": 3, "normalization": "batch"}
    small = execute(RunConfig(**knobs), diagnostics=KEEPING).weights
    monkeypatch.setattr(limits, "LARGE", 0)
    large = execute(RunConfig(**knobs), diagnostics=KEEPING)
    assert small is not None
    assert large.weights is not None, large.error
    # Correlations are summed in other portions, the rest is the same bit for bit.
    shifts = [repr(weights.inputs.affine.shift) for weights in (small, large.weights)]
    assert shifts[0] == shifts[1]
    one, other = kept_model(large, small), kept_model(large, large.weights)
    X = load_dataset(large.config).X
    np.testing.assert_allclose(one.inputs(X), other.inputs(X), rtol=1e-9, atol=1e-9)
    score = score_on(other, split_of(large.config))
    assert score.loss == pytest.approx(large.epochs[-1].test_loss, rel=1e-12)


def test_transforms_of_other_numbers_are_not_the_same() -> None:
    weights = execute(RunConfig(**TINY, input="center"), diagnostics=KEEPING).weights
    assert weights is not None
    one = weights.inputs
    shift = one.affine.shift
    assert shift is not None
    moved = replace(one, affine=replace(one.affine, shift=np.nextafter(shift, 1)))
    assert is_same_transform(one, replace(one))
    assert not is_same_transform(one, moved)
    assert not is_same_transform(one, replace(one, order=np.arange(4)))
    assert not is_same_transform(one, replace(one, affine=replace(one.affine, divisor=None)))
