"""The steps of a training: everything that its passes reuse, and the updates one by one."""

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdbench.config.run_config import RunConfig
from cdbench.engine.layers import EVALUATION, Context
from cdbench.engine.losses import Loss
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.engine.products.workspace import Workspace, aligned
from cdbench.engine.regularizers import add_fisher
from cdbench.engine.samples import Samples
from cdbench.engine.schedules import optimizer_of
from cdbench.engine.split import Split
from cdbench.engine.step_sizes import learning_rates, measured_gains
from cdbench.engine.tasks import Score, task_of
from cdbench.engine.tying import Tied

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
    """Everything that the passes of a training reuse: views, arrays, rearranged inputs.

    Parameters
    ----------
    network : Network
        The network.
    parameters : (n_parameters,) float, or (S, n_parameters) of a stack of S networks
        What the steps update.
    split : Split
        The data; of a stack, with arrays (S, N, ...).
    config : RunConfig
        The run, or any of the stack's.
    rates : float or array, optional
        The optimiser's learning rates; by default ``learning_rates`` of the run.
    """

    def __init__(
        self,
        network: Network,
        parameters: Array,
        split: Split,
        config: RunConfig,
        rates: float | Array | None = None,
    ) -> None:
        self.network, self.config, self.split = network, config, split
        self.task = task_of(config.task, config.label_smoothing)
        if rates is None:
            gains = measured_gains(network, parameters, split, config)
            rates = learning_rates(network, config, gains)
        self.parameters, self.gradient = parameters, aligned(parameters.shape, config.dtype)
        self.lead = lead = parameters.shape[:-1]
        self.own_params, self.own_grads = network.views(parameters), network.views(self.gradient)
        # The passes go through the network itself, or through the dense one with tied weights.
        self.chain, self.params, self.grads = network, self.own_params, self.own_grads
        # Tied matrices pay where calls cost as much as their work: in chains such as the paper's.
        gathered = network.is_chain and network.product == "gather"
        self.tied = Tied(network, config.dtype, lead) if gathered else None
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
        self.n_train: int = split.y_train.shape[len(lead)]
        self.n_steps: int = -(-self.n_train // config.batch_size)
        self.optimizer = optimizer_of(network, parameters, rates, config, self.n_steps)
        # Targets of a sample: one, or one for each symbol of a text.
        each = split.y_train.size // prod((*lead, self.n_train))
        self.last_size = ((self.n_train - 1) % config.batch_size + 1) * each
        self.n_evaluated = max(config.batch_size, evaluated_at_once(network))
        self.passes: dict[int, Pass] = {}
        self.evaluations: dict[int, Pass] = {}
        # What the losses are computed from at the end of the epoch: for classes, probabilities.
        size = min(config.batch_size, self.n_train)
        self.true = np.ones((self.n_steps, *lead, size * each), config.dtype)
        self.penalties = np.zeros((self.n_steps, *lead))
        # What these are multiplied by, in the same places.
        self.weights = None if split.weights is None else np.ones_like(self.true)

    def _prepared(self, X: Array | Samples) -> Array | Samples:
        """Return inputs rearranged once for all passes; those of a large set as they are.

        Those of a stack are put one after another, and need no rearranging.
        """
        if isinstance(X, Samples):
            return X
        return X.reshape(-1, X.shape[-1]) if self.lead else self.chain.prepare(X)

    def among_all(self, samples: NDArray[np.int64], n: int) -> NDArray[np.int64]:
        """Return the places of samples, (..., N), of a stack's splits of n where all are in turn.

        Without a stack they are as they were.
        """
        if not self.lead:
            return samples
        return samples + n * np.arange(self.lead[0])[:, None]

    def batches(self, permutation: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """Yield each mini-batch's indices into the training split; the last may be short.

        Of a stack, (S, n), from S permutations.
        """
        size = self.config.batch_size
        places = self.among_all(permutation, self.n_train)
        return (places[..., start : start + size] for start in range(0, self.n_train, size))

    def step(self, number: int, batch: NDArray[np.int64]) -> None:
        """Do one update: forward, backward, regulariser, optimiser."""
        size = batch.shape[-1]
        one = self.passes.get(size)
        if one is None:
            one = self.passes[size] = Pass(self, self.X_train, size, self.context)
        one.run(self.X_train, batch)
        targets = self._targets(self.split.y_train, batch)
        if self.weights is None:
            true = one.loss.gradient(targets)
        else:
            true = self._weighted(one.loss, targets, number, batch)
        one.network.pullback.to_parameters(one.loss.dy, self.grads)
        if self.tied is not None:
            self.tied.reduce(self.gradient)
        self.penalties[number - 1] = add_fisher(
            self.network, self.own_params, self.own_grads, self.config
        )
        self.optimizer.step(self.gradient)
        if self.tied is not None:
            self.tied.expand(self.parameters)
        self.true[number - 1, ..., : true.shape[-1]] = true

    def _weighted(
        self, loss: Loss, targets: NDArray[Any], number: int, batch: NDArray[np.int64]
    ) -> Array:
        """Do the loss's gradient with the samples' weights; keep these for ``losses``."""
        assert self.split.weights is not None
        assert self.weights is not None
        weights = self.split.weights[batch]
        true = loss.gradient(targets, weights)
        self.weights[number - 1, : true.size] = np.repeat(weights, true.size // batch.size)
        return true

    def _targets(self, y: NDArray[Any], places: NDArray[np.int64]) -> NDArray[Any]:
        """Return the targets (..., N) of the samples at these places."""
        return y.reshape(-1)[places] if self.lead else y[places].ravel()

    def losses(self, first: int, last: int) -> tuple[Array, Array]:
        """Return the mean losses of the epoch's steps from ``first`` to ``last``, in ``y``'s unit.

        With the samples' weights, Σ w L / N. And whether each, with its penalty, is finite; both
        (steps, ...).
        """
        steps = slice(first - 1, last)
        each = self.task.losses(self.true[steps])
        if self.weights is not None:
            each = each * self.weights[steps]
        losses: Array = each.mean(axis=-1)
        if last == self.n_steps:  # the epoch's last batch may be short
            losses[-1] = each[-1, ..., : self.last_size].mean(axis=-1)
        return losses, np.isfinite(losses + self.penalties[steps])

    def evaluate(self) -> list[tuple[Score, Score | None]]:
        """Return each network's scores on its test split and samples for validation, if any."""
        context = self.chain.evaluation(self.params, self.split.X_train)
        if context is not EVALUATION:  # it has statistics, valid only now
            self.evaluations.clear()
        context = replace(context, allocate=self.workspace)
        test = self._score(self.X_test, self.split.y_test, context)
        if self.X_validation is None:
            return [(own, None) for own in test]
        assert self.split.y_validation is not None
        held_out = self._score(self.X_validation, self.split.y_validation, context)
        return list(zip(test, held_out, strict=True))

    def _score(self, X: Array | Samples, y: NDArray[Any], context: Context) -> list[Score]:
        """Return each network's score on these prepared samples."""
        n = y.shape[len(self.lead)]
        total, n_right = np.zeros(self.lead), np.zeros(self.lead, int)
        last = None
        for start in range(0, n, self.n_evaluated):
            samples = np.arange(start, min(start + self.n_evaluated, n))
            one = self.evaluations.get(len(samples))
            if one is None:
                one = self.evaluations[len(samples)] = Pass(self, X, len(samples), context)
            places = self.among_all(samples, n)
            one.run(X, places, again=one is last)
            last = one
            loss, right = self.task.tally(one.loss, self._targets(y, places))
            total, n_right = total + loss, n_right + right
        return [
            self.task.score(float(total[own]), int(n_right[own]), y[own], self.split.unit)
            for own in np.ndindex(self.lead)
        ]


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
        self.x = trainer.workspace.kept((*trainer.lead, *shape), X.dtype)
        self.network = trainer.chain.bind(trainer.params, self.x, context, prepared=prepared)
        self.loss = trainer.task.bind(self.network.logits, trainer.workspace)

    def run(self, X: Array | Samples, samples: NDArray[np.int64], *, again: bool = False) -> None:
        """Compute the logits of these of the trainer's samples.

        With ``again`` no pass has been run since this one, and the parameters are the same.
        """
        if isinstance(X, Samples):
            X.take(samples, self.x)
        else:
            X.take(samples, self.axis, self.x, "wrap")
        if again:
            self.network.run_again()
        else:
            self.network.run()
