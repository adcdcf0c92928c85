"""Trainings of networks of equal shapes, side by side.

NumPy multiplies a stack of matrices one by one, each as it would alone, so all numbers are those of
the networks trained alone, bit for bit. At the paper's sizes calls cost as much as their work, and
a stack shares them.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from cdbench.config.run_config import RunConfig
from cdbench.engine.layers import Arrangement, WeightLayer
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.engine.samples import Samples
from cdbench.engine.split import Split
from cdbench.engine.step_sizes import learning_rates, sample_order
from cdbench.engine.trainer import Trainer
from cdbench.engine.training import Outcome, epochs, until_over
from cdbench.records.run import EpochMetrics, LayerGain

MOST_BYTES = 2**23
"""Of a training split in a stack, which copies it."""


class Member(NamedTuple):
    """What ``train`` takes."""

    network: Network
    parameters: Array
    split: Split
    config: RunConfig
    gains: Sequence[LayerGain]


def stacks(network: Network, split: Split, config: RunConfig) -> bool:
    """Return whether such networks can be trained in a stack: chains of layers that say so.

    Where products are gathered, it is the dense network with tied weights that is trained.
    """
    tied = (Arrangement, WeightLayer) if network.product == "gather" else ()
    return (
        network.is_chain
        and all(layer.stacks or isinstance(layer, tied) for layer in network.layers)
        and config.task == "classification"
        and not (config.fisher_weight or config.clip)
        and split.weights is None
        and not isinstance(split.X_train, Samples)
        and split.X_train.nbytes <= MOST_BYTES
    )


class Stack:
    """Trainings that go on together, an epoch at a time, whoever asks for it first.

    All join before the first epoch, and each takes every epoch's metrics before any asks for the
    next, or never again.
    """

    def __init__(self) -> None:
        self._members: list[Member] = []
        self._outcomes: Iterator[list[Outcome]] | None = None
        self._parameters = np.empty((0, 0))
        self._latest: list[Outcome] = []
        self._epoch = 0
        self._failure: Exception | None = None

    def join(self, member: Member) -> Iterator[EpochMetrics]:
        """Return what ``train`` does of a network that ``stacks``, and is like those before it.

        It has another seed or, if that is constant, learning rate, and the same of everything else.
        """
        self._members.append(member)
        return until_over(self._of(len(self._members) - 1), member.config)

    def _of(self, place: int) -> Iterator[Outcome]:
        """Yield what comes of each epoch of a member, once its parameters hold the trained ones."""
        member = self._members[place]
        for epoch in range(1, member.config.epochs + 1):
            if self._epoch < epoch:
                self._advance()
            member.parameters[:] = self._parameters[place]
            yield self._latest[place]

    def _advance(self) -> None:
        """Train an epoch; what ended an earlier attempt, of another member's, is raised again."""
        if self._failure is not None:
            raise self._failure
        try:
            self._outcomes = self._outcomes or self._begun()
            self._latest = next(self._outcomes)
        except Exception as error:
            self._failure = error
            raise
        self._epoch += 1

    def _begun(self) -> Iterator[list[Outcome]]:
        """Stack the members, and return their epochs."""
        network, _, _, config, _ = self._members[0]
        self._parameters = np.stack([own.parameters for own in self._members])
        trainer = Trainer(network, self._parameters, self._split(), config, self._rates())
        return epochs(trainer, [sample_order(own.config) for own in self._members])

    def _split(self) -> Split:
        """Return the members' samples as one Split of arrays (S, N, ...)."""
        each = [own.split for own in self._members]
        arrays = ("X_train", "y_train", "X_test", "y_test", "X_validation", "y_validation")
        found: dict[str, Any] = {
            name: np.stack([getattr(own, name) for own in each])
            for name in arrays
            if getattr(each[0], name) is not None
        }
        return Split(**found)

    def _rates(self) -> float | Array:
        """Return the members' learning rates: one for all, or (S, 1) or (S, n_parameters)."""
        each = [learning_rates(own.network, own.config, own.gains) for own in self._members]
        if isinstance(each[0], float) and each == each[:1] * len(each):
            return each[0]
        with np.errstate(over="ignore"):  # of rates too large for float32, as alone
            return np.stack([np.atleast_1d(rate) for rate in each]).astype(self._parameters.dtype)
