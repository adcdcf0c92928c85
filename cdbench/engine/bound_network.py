"""A network bound to parameters and inputs, which its passes call; the way back of a chain."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from cdbench.engine.layers.base import Params, Pullback
from cdbench.engine.products.base import Array, InTwoParts


class NetworkPullback:
    """The chain's pullback: ``(dlogits, grads) -> dx``, with one ``grads`` dict per layer.

    Parameters
    ----------
    pullbacks : list of Pullback
        Pullbacks of the chain's last layers; those before them were done in preparing inputs.
    first : int
        Index of the first of these with parameters.
    """

    def __init__(self, pullbacks: list[Pullback], first: int) -> None:
        self._backwards, self._first = pullbacks[::-1], first
        self._to_first: Any = pullbacks[first]

    def __call__(self, dy: Array, grads: list[Params]) -> Array:
        """Write all gradients into ``grads``, return dL/dx (N, n_in); not for prepared inputs."""
        for pullback, own in zip(self._backwards, reversed(grads), strict=True):
            dy = pullback(dy, own)
        return dy

    def to_parameters(self, dy: Array, grads: list[Params]) -> None:
        """Write all gradients into ``grads`` without computing that of the inputs."""
        position = len(grads)
        for pullback in self._backwards[: len(self._backwards) - self._first - 1]:
            position -= 1
            dy = pullback(dy, grads[position])
        self._to_first(dy, grads[position - 1], wanted=False)


class Backward(Protocol):
    """The way back through a network: ``(dlogits, grads) -> dx``, or to the parameters only."""

    def __call__(self, dy: Array, grads: list[Params]) -> Array:
        """Write all gradients into ``grads``, return dL/dx (N, n_in); not for prepared inputs."""

    def to_parameters(self, dy: Array, grads: list[Params]) -> None:
        """Write all gradients into ``grads`` without computing that of the inputs."""


class BoundNetwork(NamedTuple):
    """A network bound to its parameters, inputs and working arrays, to be run repeatedly."""

    logits: Array
    runs: list[Callable[[], object]]
    pullback: Backward

    def run(self) -> None:
        """Compute the logits from the current contents of parameters and inputs."""
        for run in self.runs:
            run()

    def run_again(self) -> None:
        """Compute the logits from other inputs, the parameters being those of the last run.

        Bit for bit as ``run``; no array of the passes may have been lent to others in between.
        """
        for run in self.runs:
            (run.of_inputs if isinstance(run, InTwoParts) else run)()
