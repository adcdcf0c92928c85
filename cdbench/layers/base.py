"""What a layer is: shapes of its parameters, their first draw, a forward map and its pullback."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from cdbench.config import RunConfig
from cdbench.errors import ShapeError
from cdbench.products.base import Array

Params = dict[str, Array]
"""A layer's parameters, or their gradients, by name: views of the network's flat vector."""

Pullback = Callable[[Array, Params], Array]
"""``(dy, grads) -> dx``: writes the parameters' gradients into ``grads``, summed over samples."""

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
    """

    training: bool = False
    rng: np.random.Generator | None = None
    statistics: Mapping["Layer", Moments] | None = None


EVALUATION = Context()
"""The context in which a trained network without BatchNorm is measured."""


class Layer(ABC):
    """A differentiable map of rows, (N, n_in) to (N, n_out), that holds no state."""

    def __init__(self, n_in: int, n_out: int) -> None:
        self.n_in, self.n_out = n_in, n_out

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each parameter, in the order of the flat vector."""
        return {}

    def initialize(self, params: Params, rng: np.random.Generator) -> None:
        """Write the parameters' initial values into ``params``."""

    @abstractmethod
    def forward(self, params: Params, x: Array, context: Context) -> tuple[Array, Pullback]:
        """Return the output (N, n_out) for ``x`` (N, n_in), and the pullback through it."""

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
