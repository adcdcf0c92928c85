"""Training: a generator that yields what each epoch gave."""

import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cdbench.config import RunConfig
from cdbench.datasets import Split
from cdbench.errors import DivergenceError
from cdbench.layers import CDLinear, Context, Params
from cdbench.losses import softmax_cross_entropy
from cdbench.network import Network
from cdbench.optimizers import OPTIMIZERS
from cdbench.products.base import Array
from cdbench.regularizers import REGULARIZERS
from cdbench.run import EpochMetrics

DROPOUT_STREAM = 1
"""Key of the dropout's own random stream, so that switching it on changes no other draw."""


def train(
    network: Network, parameters: Array, split: Split, config: RunConfig
) -> Iterator[EpochMetrics]:
    """Train ``parameters`` in place, and yield each epoch's metrics as it ends (Sec. VI.1).

    The order of samples comes from a fresh generator of the run's seed: one permutation an epoch.

    Parameters
    ----------
    network : Network
        Built for the split's features and classes.
    parameters : (n_parameters,) float
        The initial parameters; they hold the trained ones after the last epoch.
    split : Split
        The data, in the run's dtype.
    config : RunConfig
        The run.

    Yields
    ------
    EpochMetrics
        Of each epoch in turn.

    Raises
    ------
    DivergenceError
        If a batch's loss or the test loss is not finite.
    """
    order = np.random.default_rng(config.seed)
    step = _Step(network, parameters, config)
    starts = range(0, len(split.y_train), config.batch_size)
    for epoch in range(1, config.epochs + 1):
        began = time.perf_counter()
        permutation = order.permutation(len(split.y_train))
        losses = []
        # Overflow is reported as divergence, with epoch and step, not as a warning.
        with np.errstate(all="ignore"):
            for number, start in enumerate(starts, 1):
                batch = permutation[start : start + config.batch_size]
                loss, penalty = step(split.X_train[batch], split.y_train[batch])
                if not np.isfinite(loss + penalty):
                    raise DivergenceError(epoch, number)
                losses.append(loss)
            duration_s = time.perf_counter() - began
            test_loss, test_accuracy = evaluate(network, parameters, split.X_test, split.y_test)
        if not np.isfinite(test_loss):
            raise DivergenceError(epoch, len(starts))
        yield EpochMetrics(epoch, float(np.mean(losses)), test_loss, test_accuracy, duration_s)


def evaluate(
    network: Network, parameters: Array, X: Array, y: NDArray[np.int64]
) -> tuple[float, float]:
    """Return mean cross-entropy, in nats, and accuracy, 0 to 1, on (X, y)."""
    logits, _ = network.forward(network.views(parameters), X)
    loss, _ = softmax_cross_entropy(logits, y)
    return loss, float(np.mean(logits.argmax(axis=1) == y))


class _Step:
    """One update: forward, loss, backward, regulariser, optimiser."""

    def __init__(self, network: Network, parameters: Array, config: RunConfig) -> None:
        self.network, self.config = network, config
        self.params = network.views(parameters)
        self.gradient = np.zeros_like(parameters)
        self.grads = network.views(self.gradient)
        self.optimizer = OPTIMIZERS[config.optimizer](parameters, config)
        stream = np.random.SeedSequence(config.seed, spawn_key=(DROPOUT_STREAM,))
        self.context = Context(training=True, rng=np.random.default_rng(stream))

    def __call__(self, x: Array, y: NDArray[np.int64]) -> tuple[float, float]:
        logits, pullback = self.network.forward(self.params, x, self.context)
        loss, dlogits = softmax_cross_entropy(logits, y)
        pullback(dlogits, self.grads)
        penalty = add_fisher(self.network, self.params, self.grads, self.config)
        self.optimizer.step(self.gradient)
        return loss, penalty


def add_fisher(
    network: Network, params: list[Params], grads: list[Params], config: RunConfig
) -> float:
    """Add the Fisher regulariser's gradient to ``grads``; return its value over all layers."""
    if not config.fisher_weight:
        return 0.0
    regularizer = REGULARIZERS[config.fisher_form]
    total = 0.0
    for layer, own, own_grads in zip(network.layers, params, grads, strict=True):
        if isinstance(layer, CDLinear):
            value, gradient = regularizer(own["c"], config.fisher_weight, config.fisher_epsilon)
            own_grads["c"] += gradient
            total += value
    return total
