"""A network bound to parameters and inputs: what its passes call."""

from collections.abc import Callable
from typing import Any, NamedTuple

from cdbench.layers.base import Params, Pullback
from cdbench.products.base import Array


class NetworkPullback:
    """The chain's pullback: ``(dlogits, grads) -> dx``, with one ``grads`` dict a layer.

    Parameters
    ----------
    pullbacks : list of Pullback
        Of the chain's last layers; those ahead of them were prepared.
    first : int
        Which of these is the first with parameters.
    """

    def __init__(self, pullbacks: list[Pullback], first: int) -> None:
        self._backwards, self._first = pullbacks[::-1], first
        self._to_first: Any = pullbacks[first]

    def __call__(self, dy: Array, grads: list[Params]) -> Array:
        """Write all gradients into ``grads`` and return dL/dx (N, n_in); not of prepared inputs."""
        for pullback, own in zip(self._backwards, reversed(grads), strict=True):
            dy = pullback(dy, own)
        return dy

    def to_parameters(self, dy: Array, grads: list[Params]) -> None:
        """Write all gradients into ``grads``, and compute none of the inputs'."""
        position = len(grads)
        for pullback in self._backwards[: len(self._backwards) - self._first - 1]:
            position -= 1
            dy = pullback(dy, grads[position])
        self._to_first(dy, grads[position - 1], wanted=False)


class BoundNetwork(NamedTuple):
    """A chain with parameters, inputs and all of its arrays, to be run again and again."""

    logits: Array
    runs: list[Callable[[], object]]
    pullback: NetworkPullback

    def run(self) -> None:
        """Compute the logits from what parameters and inputs hold now."""
        for run in self.runs:
            run()
