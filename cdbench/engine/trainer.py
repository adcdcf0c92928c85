"""The steps of a training: everything that its passes reuse, and the updates one by one."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdbench.config.run_config import RunConfig
from cdbench.engine.layers import EVALUATION, Context, Params, WeightLayer
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.engine.products.workspace import Workspace, aligned
from cdbench.engine.regularizers import REGULARIZERS
from cdbench.engine.samples import Samples
from cdbench.engine.schedules import optimizer_of
from cdbench.engine.split import Split
from cdbench.engine.step_sizes import learning_rates, measured_gains
from cdbench.engine.tasks import Score, task_of
from cdbench.engine.tying import Tied
from cdbench.errors import DivergenceError
from cdbench.records.run import LayerGain

DROPOUT_STREAM = 1
"""Key of dropout's own random stream, so that using dropout changes no other draw."""

EVALUATED = 2**16
"""Approximate number of activations that are evaluated at a time, where there are most."""


def evaluated_at_once(network: Network) -> int:
    """Return how many samples are evaluated at a time, if a batch has no more.

    Few calls for narrow networks, little memory in wide ones.
    """
    return EVALUATED // (network.rows_per_sample * max(network.widths))


class Trainer:
    """Everything that the passes of a training reuse: views, arrays, rearranged inputs."""

    def __init__(
        self,
        network: Network,
        parameters: Array,
        split: Split,
        config: RunConfig,
        gains: Sequence[LayerGain] | None = None,
    ) -> None:
        self.network, self.config, self.split = network, config, split
        self.task = task_of(config.task, config.label_smoothing)
        if gains is None:
            gains = measured_gains(network, parameters, split, config)
        self.parameters, self.gradient = parameters, aligned(len(parameters), config.dtype)
        self.own_params, self.own_grads = network.views(parameters), network.views(self.gradient)
        # The passes go through the network itself, or through the dense one with tied weights.
        self.chain, self.params, self.grads = network, self.own_params, self.own_grads
        # Tied matrices pay where calls cost as much as their work: in chains such as the paper's.
        gathered = network.is_chain and network.product == "gather"
        self.tied = Tied(network, config.dtype) if gathered else None
        if self.tied is not None:
            self.chain, self.params = self.tied.dense, self.tied.params
            self.grads = self.tied.grads
            self.tied.expand(parameters)
        self.X_train, self.X_test = map(self._prepared, (split.X_train, split.X_test))
        self.X_validation = None
        if split.X_validation is not None:
            self.X_validation = self._prepared(split.X_validation)
        self.axis = self.chain.sample_axis
        self.workspace = Workspace()
        stream = np.random.SeedSequence(config.seed, spawn_key=(DROPOUT_STREAM,))
        self.context = Context(
            training=True, rng=np.random.default_rng(stream), allocate=self.workspace
        )
        self.n_steps = -(-len(split.y_train) // config.batch_size)
        rates = learning_rates(network, config, gains)
        self.optimizer = optimizer_of(network, parameters, rates, config, self.n_steps)
        # Targets of a sample: one, or one for each symbol of a text.
        each = split.y_train.size // len(split.y_train)
        self.last_size = ((len(split.y_train) - 1) % config.batch_size + 1) * each
        self.n_evaluated = max(config.batch_size, evaluated_at_once(network))
        self.passes: dict[int, Pass] = {}
        self.evaluations: dict[int, Pass] = {}
        # What the losses are computed from at the end of the epoch: for classes, probabilities.
        size = min(config.batch_size, len(split.y_train))
        self.true = np.ones((self.n_steps, size * each), config.dtype)
        self.penalties = np.zeros(self.n_steps)

    def _prepared(self, X: Array | Samples) -> Array | Samples:
        """Return inputs rearranged once for all passes; those of a large set as they are."""
        return X if isinstance(X, Samples) else self.chain.prepare(X)

    def batches(self, permutation: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """Yield each mini-batch's indices into the training split; the last may be short."""
        size = self.config.batch_size
        return (permutation[start : start + size] for start in range(0, len(permutation), size))

    def step(self, number: int, batch: NDArray[np.int64]) -> None:
        """Do one update: forward, backward, regulariser, optimiser."""
        one = self.passes.get(len(batch))
        if one is None:
            one = self.passes[len(batch)] = Pass(self, self.X_train, len(batch), self.context)
        one.run(self.X_train, batch)
        true = one.loss.gradient(self.split.y_train[batch].ravel())
        one.network.pullback.to_parameters(one.loss.dy, self.grads)
        if self.tied is not None:
            self.tied.reduce(self.gradient)
        self.penalties[number - 1] = add_fisher(
            self.network, self.own_params, self.own_grads, self.config
        )
        self.optimizer.step(self.gradient)
        if self.tied is not None:
            self.tied.expand(self.parameters)
        self.true[number - 1, : len(true)] = true

    def check(self, epoch: int, first: int, last: int) -> Array:
        """Return the mean losses of the epoch's steps from ``first`` to ``last``, in ``y``'s unit.

        Raises
        ------
        DivergenceError
            At the first loss that is not finite.
        """
        steps = slice(first - 1, last)
        each = self.task.losses(self.true[steps])
        losses: Array = each.mean(axis=1)
        if last == self.n_steps:  # the epoch's last batch may be short
            losses[-1] = each[-1, : self.last_size].mean()
        finite = np.isfinite(losses + self.penalties[steps])
        if not finite.all():
            raise DivergenceError(epoch, first + int(finite.argmin()))
        return losses

    def evaluate(self) -> tuple[Score, Score | None]:
        """Return the scores on the test split and on the samples for validation, if any."""
        context = self.chain.evaluation(self.params, self.split.X_train)
        if context is not EVALUATION:  # it has statistics, valid only now
            self.evaluations.clear()
        context = replace(context, allocate=self.workspace)
        test = self._score(self.X_test, self.split.y_test, context)
        if self.X_validation is None:
            return test, None
        assert self.split.y_validation is not None
        return test, self._score(self.X_validation, self.split.y_validation, context)

    def _score(self, X: Array | Samples, y: NDArray[Any], context: Context) -> Score:
        """Return the score on these prepared samples."""
        total, n_right = 0.0, 0
        for start in range(0, len(y), self.n_evaluated):
            samples = np.arange(start, min(start + self.n_evaluated, len(y)))
            one = self.evaluations.get(len(samples))
            if one is None:
                one = self.evaluations[len(samples)] = Pass(self, X, len(samples), context)
            one.run(X, samples)
            loss, right = self.task.tally(one.loss, y[samples].ravel())
            total, n_right = total + loss, n_right + right
        return self.task.score(total, n_right, y, self.split.unit)


class Pass:
    """The network bound to a number of samples and to the trainer's memory."""

    def __init__(
        self, trainer: Trainer, X: Array | Samples, n_samples: int, context: Context
    ) -> None:
        trainer.workspace.restart()
        prepared = not isinstance(X, Samples)
        self.axis = trainer.axis if prepared else 0
        shape = list(X.shape)
        shape[self.axis] = n_samples
        self.x = trainer.workspace.kept(tuple(shape), X.dtype)
        self.network = trainer.chain.bind(trainer.params, self.x, context, prepared=prepared)
        self.loss = trainer.task.bind(self.network.logits, trainer.workspace)

    def run(self, X: Array | Samples, samples: NDArray[np.int64]) -> None:
        """Compute the logits of these of the trainer's samples."""
        if isinstance(X, Samples):
            X.take(samples, self.x)
        else:
            X.take(samples, self.axis, self.x, "wrap")
        self.network.run()


def add_fisher(
    network: Network, params: list[Params], grads: list[Params], config: RunConfig
) -> float:
    """Add the Fisher regulariser's gradient to ``grads``; return its value over all layers."""
    if not config.fisher_weight:
        return 0.0
    regularizer = REGULARIZERS[config.fisher_form]
    total = 0.0
    for layer, own, own_grads in zip(network.layers, params, grads, strict=True):
        name = layer.fisher_parameter if isinstance(layer, WeightLayer) else None
        if name is not None:
            value, gradient = regularizer(own[name], config.fisher_weight, config.fisher_epsilon)
            own_grads[name] += gradient
            total += value
    return total
