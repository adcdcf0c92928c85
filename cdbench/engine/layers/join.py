"""Layers that take the outputs of several others."""

from abc import abstractmethod
from typing import Any

import numpy as np

from cdbench.engine.layers.base import BoundLayer, Context, Layer, Params
from cdbench.engine.products.base import Array


class Join(Layer):
    """A layer of several inputs, in a network that is a graph.

    Its pullback returns a tuple of as many gradients, none of which shares memory with another;
    one may be that of the output itself.
    """

    @abstractmethod
    def bind(self, params: Params, x: Any, context: Context) -> BoundLayer:
        """Return the layer bound to its parameters and a tuple of inputs, ready to run.

        Parameters
        ----------
        params : Params
            The layer's parameters.
        x : tuple of (N, n_in) float
            Its inputs, in the order of the network's sources.
        context : Context
            As for any layer.
        """


class Add(Join):
    """``y = first + scale · second``, a residual connection (He et al. 2016) of n entries.

    Parameters
    ----------
    n : int
        Width of both inputs and the output.
    scale : float
        Of the branch. With 1 / √L in each of L blocks the variance of what runs through all of
        them grows by a factor that does not depend on L.
    """

    def __init__(self, n: int, scale: float = 1.0) -> None:
        super().__init__(n, n)
        self.scale = scale

    def bind(self, params: Params, x: Any, context: Context) -> BoundLayer:
        """Return the layer that adds two inputs (N, n)."""
        first, second = x
        self.check_input(first)
        self.check_input(second)
        y = context.allocate.kept(first.shape, first.dtype)
        d_second = context.allocate.kept(first.shape, first.dtype)
        scale = first.real.dtype.type(self.scale)

        def run() -> None:
            np.multiply(second, scale, out=y)
            np.add(y, first, out=y)

        def pullback(dy: Array, grads: Params) -> tuple[Array, Array]:
            return dy, np.multiply(dy, scale, out=d_second)

        return BoundLayer(y, run, pullback)
