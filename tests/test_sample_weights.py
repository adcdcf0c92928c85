"""Weights of samples in the losses and in training, and losses of several quantities."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import r2_score

from cdbench.config.run_config import RunConfig
from cdbench.engine.building import build_network
from cdbench.engine.losses import Loss, Softmax, SquaredError, softmax_cross_entropy
from cdbench.engine.split import Split
from cdbench.engine.stack import stacks
from cdbench.engine.tasks import TASKS
from cdbench.engine.trainer import Trainer

RNG = np.random.default_rng(3)
N, N_OUT = 9, 3
OUTPUTS = RNG.normal(size=(N, N_OUT))
CLASSES = RNG.integers(0, N_OUT, N)
QUANTITIES = RNG.normal(size=(N, N_OUT))
WEIGHTS = RNG.uniform(0, 2, N)


def gradient_of(loss: Loss, targets: Any, weights: Any = None) -> Any:
    loss.gradient(targets, weights)
    return loss.dy.copy()


@pytest.mark.parametrize(("kind", "targets"), [(Softmax, CLASSES), (SquaredError, QUANTITIES)])
def test_a_weight_multiplies_its_samples_part_of_the_gradient(kind, targets):
    plain = gradient_of(kind(OUTPUTS), targets)
    np.testing.assert_array_equal(gradient_of(kind(OUTPUTS), targets, np.ones(N)), plain)
    weighted = gradient_of(kind(OUTPUTS), targets, WEIGHTS)
    np.testing.assert_allclose(weighted, WEIGHTS[:, None] * plain, rtol=1e-15)


def test_the_gradient_of_several_quantities_is_that_of_central_differences():
    def mean_loss(outputs):
        return np.sum(WEIGHTS[:, None] * (outputs - QUANTITIES) ** 2) / 2 / N

    h, numeric = 1e-6, np.empty_like(OUTPUTS)
    for index in np.ndindex(OUTPUTS.shape):
        step = np.zeros_like(OUTPUTS)
        step[index] = h
        numeric[index] = (mean_loss(OUTPUTS + step) - mean_loss(OUTPUTS - step)) / (2 * h)
    found = gradient_of(SquaredError(OUTPUTS), QUANTITIES.ravel(), WEIGHTS)
    np.testing.assert_allclose(found, numeric, atol=1e-9)


def test_one_quantity_among_several_has_the_gradient_that_it_has_alone():
    together = gradient_of(SquaredError(OUTPUTS), QUANTITIES)
    for own in range(N_OUT):
        alone = gradient_of(SquaredError(OUTPUTS[:, own, None]), QUANTITIES[:, own])
        np.testing.assert_array_equal(together[:, own, None], alone)


def test_several_quantities_are_scored_by_all_their_squares():
    task = TASKS["regression"]
    score = task.score(*task.tally(task.bind(OUTPUTS), QUANTITIES.ravel()), QUANTITIES, 4.0)
    assert score.loss == pytest.approx(4 * np.mean((OUTPUTS - QUANTITIES) ** 2))
    expected = r2_score(QUANTITIES, OUTPUTS, multioutput="variance_weighted")
    assert score.r2 == pytest.approx(expected, abs=1e-13)


def trained(split: Split, n_outputs: int, **knobs: Any) -> tuple[Any, Any]:
    config = RunConfig(hidden=(8,), layer="cdlinear:4", batch_size=1000, seed=1, **knobs)
    network = build_network(config, split.X_train.shape[1], n_outputs)
    parameters = network.initial_parameters(np.random.default_rng(0))
    trainer = Trainer(network, parameters, split, config)
    told = []
    for _ in range(5):
        trainer.step(1, np.arange(len(split.X_train)))
        told.append(float(trainer.losses(1, 1)[0][0]))
    return parameters, told


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_weight_counts_a_sample_so_often_in_full_batches(task):
    rng = np.random.default_rng(8)
    X, often = rng.normal(size=(20, 6)), rng.integers(0, 4, 20)
    y: Any = rng.integers(0, 3, 20) if task == "classification" else rng.normal(size=(20, 3))
    none = X[:0], y[:0]
    repeated = Split(np.repeat(X, often, axis=0), np.repeat(y, often, axis=0), *none)
    weighted = Split(X, y, *none, weights=often / often.mean())
    expected, told = trained(repeated, 3, task=task)
    found, told_weighted = trained(weighted, 3, task=task)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(told_weighted, told, rtol=1e-12)
    assert np.abs(trained(Split(X, y, *none), 3, task=task)[0] - expected).max() > 1e-3


def test_the_told_loss_of_a_short_last_batch_is_its_own_weighted_mean():
    X, weights = RNG.normal(size=(7, 4)), np.array([1, 2, 0.5, 1, 1, 3, 0.25])
    y = np.array([0, 1, 2, 0, 1, 2, 0])
    config = RunConfig(hidden=(4,), layer="dense", batch_size=5, learning_rate=1e-300)
    network = build_network(config, 4, 3)
    parameters = network.initial_parameters(np.random.default_rng(0))
    trainer = Trainer(network, parameters, Split(X, y, X[:0], y[:0], weights=weights), config)
    for number, batch in enumerate(trainer.batches(np.arange(7)), 1):
        trainer.step(number, batch)
    logits, _ = network.forward(network.views(parameters), X)
    each = np.array([softmax_cross_entropy(logits[i : i + 1], y[i : i + 1])[0] for i in range(7)])
    expected = [np.mean((weights * each)[own]) for own in (slice(5), slice(5, 7))]
    np.testing.assert_allclose(trainer.losses(1, 2)[0], expected, rtol=1e-12)


def test_weighted_splits_are_not_stacked():
    config = RunConfig(hidden=(8,), layer="dense")
    network, y = build_network(config, 6, 3), np.zeros(20, int)
    X = np.zeros((20, 6))
    assert stacks(network, Split(X, y, X, y), config)
    assert not stacks(network, Split(X, y, X, y, weights=np.ones(20)), config)
