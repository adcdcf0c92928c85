"""What a layer is: shapes of its parameters, their first draw, a forward map and its pullback."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from cdbench.config import RunConfig
from cdbench.errors import ShapeError
from cdbench.products.base import FRESH, Allocate, Array

Params = dict[str, Array]
"""A layer's parameters, or their gradients, by name: views of the network's flat vector."""


class Pullback(Protocol):
    """From the output's gradient to those of parameters and input."""

    def __call__(self, dy: Array, grads: Params) -> Any:
        """Write the parameters' gradients into ``grads``, summed over samples; return dL/dx.

        What is returned may be written over by the next call.
        A layer with parameters, which may stand first, also takes ``wanted``: unless it is true,
        dL/dx is not computed, and None returned.
        """


class BoundLayer(NamedTuple):
    """A layer with parameters, input and all of its arrays, to be run again and again.

    Attributes
    ----------
    y : array
        Holds the output after each run.
    run : () -> None
        Computes y from what parameters and input hold then.
    pullback : Pullback
        The one of the last run.
    """

    y: Array
    run: Callable[[], object]
    pullback: Pullback


Moments = tuple[Array, Array]
"""Mean and variance, shaped to broadcast against samples (N, n)."""


@dataclass(frozen=True)
class Context:
    """What a forward pass depends on beside parameters and input.

    Attributes
    ----------
    training : bool
        Whether layers that act in training only, such as dropout, act.
    rng : numpy.random.Generator, optional
        Stream of the layers that draw; needed when training with one of those.
    statistics : mapping of Layer to Moments, optional
        Of each BatchNorm its inputs' mean and variance over the training split; needed when
        evaluating with one of those (``Network.evaluation``).
    allocate : Allocate
        Where arrays come from: new ones, or those of a Workspace, which lends them again.
    """

    training: bool = False
    rng: np.random.Generator | None = None
    statistics: Mapping["Layer", Moments] | None = None
    allocate: Allocate = FRESH


EVALUATION = Context()
"""The context in which a trained network without BatchNorm is measured."""


class Layer(ABC):
    """A differentiable map of samples with n_in entries to n_out entries, that holds no state.

    Attributes
    ----------
    memory_order : dict
        Of a parameter the order of its axes in memory, slowest first, where that is not the order
        of its shape.
    """

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
        """Return the layer with these parameters and this input (N, n_in), ready to be run.

        Some layers take and give the other layout of activations instead, or either.
        """

    def forward(self, params: Params, x: Array, context: Context) -> tuple[Array, Pullback]:
        """Return the output (N, n_out) for ``x`` (N, n_in), and the pullback through it."""
        y, run, pullback = self.bind(params, x, context)
        run()
        return y, pullback

    def check_input(self, x: Array) -> None:
        """Raise ShapeError unless ``x`` is (N, n_in)."""
        if x.ndim != 2 or x.shape[1] != self.n_in:
            raise ShapeError(f"{type(self).__name__} got {x.shape}, expected (N, {self.n_in})")


class WeightLayer(Layer):
    """A layer that acts as ``y = x @ W.T + bias`` for some matrix W of its parameters."""

    @classmethod
    @abstractmethod
    def for_config(cls, n_in: int, n_out: int, config: RunConfig) -> "WeightLayer":
        """Build the layer that ``config`` asks for between two (rounded) widths."""

    @staticmethod
    @abstractmethod
    def width_multiple(config: RunConfig) -> int:
        """Return the number that every width of this family is rounded up to a multiple of."""

    @abstractmethod
    def matrix(self, params: Params) -> Array:
        """Return W as it acts, a dense (n_out, n_in) matrix."""
