"""The unconstrained linear layer, the paper's baseline."""

from typing import Self

import numpy as np

from cdbench.config import RunConfig
from cdbench.layers.base import Context, Params, Pullback, WeightLayer
from cdbench.products.base import Array


class Dense(WeightLayer):
    """Unconstrained linear map, the paper's baseline.

    Parameters, as views of the network's flat vector: ``weight`` (n_out, n_in), ``bias``
    (n_out,).
    """

    @classmethod
    def for_config(cls, n_in: int, n_out: int, config: RunConfig) -> Self:
        """Build the layer; nothing of ``config`` matters to it."""
        return cls(n_in, n_out)

    @staticmethod
    def width_multiple(config: RunConfig) -> int:
        """Return 1: a dense layer takes any width."""
        return 1

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of ``weight`` and ``bias``."""
        return {"weight": (self.n_out, self.n_in), "bias": (self.n_out,)}

    def initialize(self, params: Params, rng: np.random.Generator) -> None:
        """Draw the weights from N(0, 2 / n_in) (He et al. 2015); the bias is zero, undrawn."""
        shape = (self.n_out, self.n_in)
        params["weight"][...] = rng.normal(0.0, np.sqrt(2.0 / self.n_in), shape)
        params["bias"][...] = 0.0

    def matrix(self, params: Params) -> Array:
        """Return the weight, (n_out, n_in)."""
        return params["weight"]

    def forward(self, params: Params, x: Array, context: Context) -> tuple[Array, Pullback]:
        """Return ``x @ weight.T + bias`` and the pullback through it.

        Parameters
        ----------
        params : Params
            ``weight`` and ``bias``.
        x : (N, n_in) float
            One sample per row.
        context : Context
            Not used.

        Returns
        -------
        y : (N, n_out) float
        pullback : (N, n_out) -> (N, n_in)
            Writes dL/dweight and dL/dbias, summed over samples, into its second argument.
        """
        self.check_input(x)
        weight = params["weight"]

        def pullback(dy: Array, grads: Params) -> Array:
            np.matmul(dy.T, x, out=grads["weight"])
            dy.sum(axis=0, out=grads["bias"])
            return dy @ weight

        y = x @ weight.T
        y += params["bias"]
        return y, pullback
