"""CDLinear, the paper's block-circulant layer (Sec. III)."""

from typing import Self

import numpy as np

from cdbench.config import DEFAULT_B, RunConfig
from cdbench.errors import ShapeError
from cdbench.layers.base import Context, Params, Pullback, WeightLayer
from cdbench.products import Gather
from cdbench.products.base import Array


class CDLinear(WeightLayer):
    """Linear map whose matrix is an array of K_o × K_i circulant blocks of size B (Eq. 2).

    Parameters, as views of the network's flat vector: ``c`` (K_o, K_i, B) with K_o = n_out / B
    and K_i = n_in / B, ``bias`` (n_out,).

    Raises
    ------
    ShapeError
        If B does not divide both widths.
    """

    def __init__(self, n_in: int, n_out: int, B: int) -> None:
        super().__init__(n_in, n_out)
        if n_in % B or n_out % B:
            raise ShapeError(f"CDLinear got widths {n_in} and {n_out}, expected multiples of {B}")
        self.B, self.K_o, self.K_i = B, n_out // B, n_in // B
        self.product = Gather(self.K_o, self.K_i, B)

    @classmethod
    def for_config(cls, n_in: int, n_out: int, config: RunConfig) -> Self:
        """Build the layer with the configuration's block size."""
        return cls(n_in, n_out, cls.width_multiple(config))

    @staticmethod
    def width_multiple(config: RunConfig) -> int:
        """Return B: other widths are rounded up to a multiple of it."""
        return config.B or DEFAULT_B

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of ``c`` and ``bias``."""
        return {"c": (self.K_o, self.K_i, self.B), "bias": (self.n_out,)}

    def initialize(self, params: Params, rng: np.random.Generator) -> None:
        """Draw c from N(0, 2 / n_in), which gives W's rows the dense layer's variance."""
        shape = (self.K_o, self.K_i, self.B)
        params["c"][...] = rng.normal(0.0, np.sqrt(2.0 / self.n_in), shape)
        params["bias"][...] = 0.0

    def matrix(self, params: Params) -> Array:
        """Return the block-circulant matrix W, (n_out, n_in)."""
        return self.product.matrix(params["c"])

    def forward(self, params: Params, x: Array, context: Context) -> tuple[Array, Pullback]:
        """Return ``x @ W.T + bias`` (Eq. 2) and the pullback through it (Eqs. 3 and 4).

        Parameters
        ----------
        params : Params
            ``c`` and ``bias``.
        x : (N, n_in) float
            One sample per row.
        context : Context
            Not used.

        Returns
        -------
        y : (N, n_out) float
        pullback : (N, n_out) -> (N, n_in)
            Writes dL/dc and dL/dbias, summed over samples, into its second argument.
        """
        self.check_input(x)
        y, product_pullback = self.product.apply(params["c"], x)
        y += params["bias"]

        def pullback(dy: Array, grads: Params) -> Array:
            dy.sum(axis=0, out=grads["bias"])
            return product_pullback(dy, grads["c"])

        return y, pullback
