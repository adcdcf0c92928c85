"""Training: a generator that yields what each epoch gave."""

import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from cdbench.config import RunConfig
from cdbench.datasets import Split
from cdbench.errors import DivergenceError
from cdbench.layers import EVALUATION, CDLinear, Context, Params
from cdbench.losses import softmax_cross_entropy
from cdbench.network import Network
from cdbench.optimizers import OPTIMIZERS
from cdbench.products.base import Array
from cdbench.regularizers import REGULARIZERS
from cdbench.run import EpochMetrics

DROPOUT_STREAM = 1
"""Key of the dropout's own random stream, so that switching it on changes no other draw."""

OnBatch = Callable[[int, int, Array], None]
"""``(epoch, step, x)``: sees each mini-batch's inputs (n, n_features) ahead of its update."""


def train(
    network: Network,
    parameters: Array,
    split: Split,
    config: RunConfig,
    on_batch: OnBatch | None = None,
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
    on_batch : callable, optional
        Called with epoch and step, both from 1, and the inputs of each mini-batch, when
        ``parameters`` are those that the batch is about to update. Its time is in no duration.

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
                x = split.X_train[batch]
                if on_batch is not None:
                    paused = time.perf_counter()
                    on_batch(epoch, number, x)
                    began += time.perf_counter() - paused
                loss, penalty = step(x, split.y_train[batch])
                if not np.isfinite(loss + penalty):
                    raise DivergenceError(epoch, number)
                losses.append(loss)
            duration_s = time.perf_counter() - began
            context = network.evaluation(step.params, split.X_train)
            test_loss, test_accuracy = evaluate(
                network, parameters, split.X_test, split.y_test, context
            )
        if not np.isfinite(test_loss):
            raise DivergenceError(epoch, len(starts))
        yield EpochMetrics(epoch, float(np.mean(losses)), test_loss, test_accuracy, duration_s)


def evaluate(
    network: Network,
    parameters: Array,
    X: Array,
    y: NDArray[np.int64],
    context: Context = EVALUATION,
) -> tuple[float, float]:
    """Return mean cross-entropy, in nats, and accuracy, 0 to 1, on (X, y).

    ``context`` is that of ``Network.evaluation``.
    """
    logits, _ = network.forward(network.views(parameters), X, context)
    loss, _ = softmax_cross_entropy(logits, y)
    return loss, float(np.mean(logits.argmax(axis=1) == y))


class _Step:
    """One update: forward, loss, backward, regulariser, optimiser."""

    def __init__(self, network: Network, parameters: Array, config: RunConfig) -> None:
        self.network, self.config = network, config
        self.params = network.views(parameters)
        self.gradient = np.zeros_like(parameters)
        self.grads = network.views(self.gradient)
        self.optimizer = OPTIMIZERS[config.optimizer](
            parameters, learning_rates(network, config), config.momentum
        )
        stream = np.random.SeedSequence(config.seed, spawn_key=(DROPOUT_STREAM,))
        self.context = Context(training=True, rng=np.random.default_rng(stream))

    def __call__(self, x: Array, y: NDArray[np.int64]) -> tuple[float, float]:
        logits, pullback = self.network.forward(self.params, x, self.context)
        loss, dlogits = softmax_cross_entropy(logits, y)
        pullback(dlogits, self.grads)
        penalty = add_fisher(self.network, self.params, self.grads, self.config)
        self.optimizer.step(self.gradient)
        return loss, penalty


def learning_rates(network: Network, config: RunConfig) -> float | Array:
    """Return the step size η, or with weight-space scaling one for each parameter.

    An entry of c stands B times in each block of W, and its gradient is the sum over these places,
    so that a step η on c moves W as far as a step B·η in a dense layer would. With η / B, the step
    of W is the dense layer's, projected on block-circulant matrices. Biases, and a normalisation's
    gain and shift, keep η.

    Returns
    -------
    float or (n_parameters,) float
        In the run's dtype.
    """
    assert config.learning_rate is not None
    if config.learning_rate_scaling == "raw":
        return config.learning_rate
    rates = np.full(network.n_parameters, config.learning_rate, config.dtype)
    for layer, own in zip(network.layers, network.views(rates), strict=True):
        if isinstance(layer, CDLinear):
            own["c"] /= layer.B
    return rates


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
