"""Training: a generator that yields what each epoch gave."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cdbench.config import RunConfig
from cdbench.datasets import Split
from cdbench.errors import DivergenceError
from cdbench.layers import EVALUATION, CDLinear, Context, Params
from cdbench.losses import cross_entropy, softmax, softmax_gradient
from cdbench.network import Network
from cdbench.optimizers import OPTIMIZERS
from cdbench.products.base import Allocate, Array
from cdbench.products.workspace import Workspace
from cdbench.regularizers import REGULARIZERS
from cdbench.run import EpochMetrics
from cdbench.tying import Tied

DROPOUT_STREAM = 1
"""Key of the dropout's own random stream, so that switching it on changes no other draw."""

EVALUATED = 2**16
"""Numbers in the widest layer's activations, about, that are evaluated at a time."""

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
    trainer = _Trainer(network, parameters, split, config)
    for epoch in range(1, config.epochs + 1):
        began = time.perf_counter()
        permutation = order.permutation(len(split.y_train))
        # Overflow is reported as divergence, with epoch and step, not as a warning.
        with np.errstate(all="ignore"):
            for number, batch in enumerate(trainer.batches(permutation), 1):
                if on_batch is not None:
                    paused = time.perf_counter()
                    trainer.check(epoch, number - 1)
                    on_batch(epoch, number, split.X_train[batch])
                    began += time.perf_counter() - paused
                trainer.step(number, batch)
            losses = trainer.check(epoch, trainer.n_steps)
            duration_s = time.perf_counter() - began
            test_loss, test_accuracy = trainer.evaluate()
        if not np.isfinite(test_loss):
            raise DivergenceError(epoch, trainer.n_steps)
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
    return _loss_and_accuracy(logits, y, context.allocate)


def _loss_and_accuracy(
    logits: Array, y: NDArray[np.int64], allocate: Allocate
) -> tuple[float, float]:
    p = softmax(logits, allocate)
    losses = cross_entropy(p[np.arange(len(y)), y])
    return float(losses.mean()), float(np.mean(logits.argmax(axis=1) == y))


class _Trainer:
    """Everything that the passes of a training use again: views, arrays, rearranged inputs."""

    def __init__(
        self, network: Network, parameters: Array, split: Split, config: RunConfig
    ) -> None:
        self.network, self.config, self.split = network, config, split
        self.parameters, self.gradient = parameters, np.zeros_like(parameters)
        self.own_params, self.own_grads = network.views(parameters), network.views(self.gradient)
        # What is passed through: the network itself, or the dense one with tied weights.
        self.chain, self.params, self.grads = network, self.own_params, self.own_grads
        self.tied = Tied(network, config.dtype) if network.product == "gather" else None
        if self.tied is not None:
            self.chain, self.params = self.tied.dense, self.tied.params
            self.grads = self.tied.grads
            self.tied.expand(parameters)
        self.optimizer = OPTIMIZERS[config.optimizer](
            parameters, learning_rates(network, config), config.momentum
        )
        self.X_train, self.X_test = map(self.chain.prepare, (split.X_train, split.X_test))
        self.axis = self.chain.sample_axis
        self.workspace = Workspace()
        stream = np.random.SeedSequence(config.seed, spawn_key=(DROPOUT_STREAM,))
        self.context = Context(
            training=True, rng=np.random.default_rng(stream), allocate=self.workspace
        )
        self.n_steps = -(-len(split.y_train) // config.batch_size)
        self.last_size = (len(split.y_train) - 1) % config.batch_size + 1
        # Samples evaluated at a time: few calls for narrow networks, little memory for wide ones.
        self.n_evaluated = max(config.batch_size, EVALUATED // max(network.widths))
        # Probabilities of the true classes, whose logarithms wait for the end of the epoch.
        self.p_true = np.ones((self.n_steps, config.batch_size), config.dtype)
        self.penalties = np.zeros(self.n_steps)

    def batches(self, permutation: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """Yield each mini-batch's places in the training split; the last may be short."""
        size = self.config.batch_size
        return (permutation[start : start + size] for start in range(0, len(permutation), size))

    def step(self, number: int, batch: NDArray[np.int64]) -> None:
        """Do one update: forward, backward, regulariser, optimiser."""
        x = self._taken(self.X_train, batch)
        logits, pullback = self.chain.forward(self.params, x, self.context, prepared=True)
        p_true, dlogits = softmax_gradient(logits, self.split.y_train[batch], self.workspace)
        pullback.to_parameters(dlogits, self.grads)
        if self.tied is not None:
            self.tied.reduce(self.gradient)
        penalty = add_fisher(self.network, self.own_params, self.own_grads, self.config)
        self.optimizer.step(self.gradient)
        if self.tied is not None:
            self.tied.expand(self.parameters)
        self.p_true[number - 1, : len(batch)] = p_true
        self.penalties[number - 1] = penalty

    def check(self, epoch: int, n_steps: int) -> Array:
        """Return the mean loss of each of the epoch's first steps.

        Raises
        ------
        DivergenceError
            At the first one that is not finite.
        """
        each = cross_entropy(self.p_true[:n_steps])
        losses: Array = each.mean(axis=1)
        if n_steps == self.n_steps:  # the epoch's last batch may be short
            losses[-1] = each[-1, : self.last_size].mean()
        finite = np.isfinite(losses + self.penalties[:n_steps])
        if not finite.all():
            raise DivergenceError(epoch, int(finite.argmin()) + 1)
        return losses

    def evaluate(self) -> tuple[float, float]:
        """Return mean cross-entropy, in nats, and accuracy, 0 to 1, on the test split."""
        context = self.chain.evaluation(self.params, self.split.X_train)
        context = replace(context, allocate=self.workspace)
        y = self.split.y_test
        sums = np.zeros(2)
        for start in range(0, len(y), self.n_evaluated):
            samples = np.arange(start, min(start + self.n_evaluated, len(y)))
            x = self._taken(self.X_test, samples)
            logits, _ = self.chain.forward(self.params, x, context, prepared=True)
            loss_and_accuracy = _loss_and_accuracy(logits, y[samples], self.workspace)
            sums += np.multiply(loss_and_accuracy, len(samples))
        loss, accuracy = (sums / len(y)).tolist()
        return loss, accuracy

    def _taken(self, X: Array, samples: NDArray[np.int64]) -> Array:
        """Begin a pass: return these samples of prepared inputs, in its first array."""
        self.workspace.restart()
        shape = list(X.shape)
        shape[self.axis] = len(samples)
        x = self.workspace.kept(tuple(shape), X.dtype)
        X.take(samples, self.axis, x, "clip")
        return x


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
