"""What a layer is: parameter shapes, initial values, a forward map and its pullback."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from cdbench.engine.products.base import FRESH, Allocate, Array
from cdbench.errors import ShapeError

Params = dict[str, Array]
"""A layer's parameters, or their gradients, by name: views of the network's flat vector."""


class Pullback(Protocol):
    """Maps the gradient of the output to the gradients of the parameters and the input."""

    def __call__(self, dy: Array, grads: Params) -> Any:
        """Write the parameters' gradients into ``grads``, summed over samples; return dL/dx.

        The next call may overwrite the returned array.
        Layers with parameters, which may come first, also take ``wanted``: if it is false, dL/dx
        is not computed and None is returned.
        """


class BoundLayer(NamedTuple):
    """A layer bound to its parameters, input and working arrays, to be run repeatedly.

    Attributes
    ----------
    y : array
        Holds the output after each run.
    run : () -> None
        Computes y from the current contents of the parameters and the input.
    pullback : Pullback
        The pullback of the last run.
    """

    y: Array
    run: Callable[[], object]
    pullback: Pullback


D_WEIGHT = 0
"""Slot of the scratch array for the gradient of W, of layers that do not bind W themselves."""


class BoundMatrix(NamedTuple):
    """A layer's W and the way back from its gradient, bound to parameters and memory.

    Attributes
    ----------
    W : (n_out, n_in) float
    form : () -> None
        Writes W from the current contents of the parameters.
    gradient : (n_out, n_in) float
        That of W, to be written before ``pull``, which may overwrite it.
    pull : (grads) -> None
        Writes the gradients of all parameters but the bias.
    """

    W: Array
    form: Callable[[], object]
    gradient: Array
    pull: Callable[[Params], object]


Moments = tuple[Array, Array]
"""Mean and variance, shaped to broadcast against samples (N, n)."""


@dataclass(frozen=True)
class Context:
    """What a forward pass depends on besides parameters and input.

    Attributes
    ----------
    training : bool
        Whether layers that act only in training, such as dropout, are active.
    rng : numpy.random.Generator, optional
        Random stream for layers that draw; needed when training with such a layer.
    statistics : mapping of Layer to Moments, optional
        For each BatchNorm, the mean and variance of its inputs over the training split; needed
        when evaluating with BatchNorm (``Network.evaluation``).
    allocate : Allocate
        Source of arrays: new ones, or those that a Workspace reuses.
    """

    training: bool = False
    rng: np.random.Generator | None = None
    statistics: Mapping["Layer", Moments] | None = None
    allocate: Allocate = FRESH


EVALUATION = Context()
"""The context in which a trained network without BatchNorm is measured."""


class Layer(ABC):
    """A stateless, differentiable map of samples from n_in to n_out entries.

    Attributes
    ----------
    memory_order : dict
        For each parameter whose memory order differs from its shape, the order of its axes in
        memory, slowest first.
    stacks : bool
        Whether it may also be bound to a stack of S networks' parameters and inputs, (S, ...), each
        of which it treats as alone, bit for bit.
    """

    stacks: ClassVar[bool] = False
    memory_order: ClassVar[Mapping[str, tuple[int, ...]]] = {}

    def __init__(self, n_in: int, n_out: int) -> None:
        self.n_in, self.n_out = n_in, n_out

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each parameter, in the order of the flat vector."""
        return {}

    def initialize(self, params: Params, rng: np.random.Generator) -> None:
        """Write the parameters' initial values into ``params``."""

    @abstractmethod
    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer bound to these parameters and this input, ready to run.

        Parameters
        ----------
        params : Params
            The layer's parameters, whose contents may change between runs, as those of ``x`` may.
        x : (N, n_in) float
            One sample per row. Some layers take the other layout of activations instead, or both.
        context : Context
            Weight layers use its source of arrays only.

        Returns
        -------
        y : (N, n_out) float
            Or the other layout, as ``x``.
        run : () -> None
        pullback : Pullback
            Writes the parameters' gradients, summed over samples, into its second argument.

        Raises
        ------
        ShapeError
            If ``x`` has another width than the layer's input.
        """

    def forward(self, params: Params, x: Array, context: Context) -> tuple[Array, Pullback]:
        """Return the output (N, n_out) for ``x`` (N, n_in), and the pullback through it."""
        y, run, pullback = self.bind(params, x, context)
        run()
        return y, pullback

    def rows_after(self, n: int) -> int:
        """Return how many rows leave where n enter: by default as many."""
        return n

    def multiply_adds(self) -> int:
        """Return the real multiply-adds of matrix products for each row that leaves."""
        return 0

    def check_input(self, x: Array) -> None:
        """Raise ShapeError unless ``x`` is (N, n_in)."""
        if x.ndim not in (2, 2 + self.stacks) or x.shape[-1] != self.n_in:
            raise ShapeError(f"{type(self).__name__} got {x.shape}, expected (N, {self.n_in})")
