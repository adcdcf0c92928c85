"""The unconstrained linear layer, the paper's baseline."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from cdbench.engine.layers.base import D_WEIGHT, BoundLayer, BoundMatrix, Context, Params
from cdbench.engine.layers.hessian import Eigenvalues
from cdbench.engine.layers.input_spectrum import power_spectrum
from cdbench.engine.layers.nearest.targets import Target
from cdbench.engine.layers.weight_layer import WeightLayer
from cdbench.engine.products.base import Allocate, Array


class Dense(WeightLayer):
    """Unconstrained linear map, the paper's baseline.

    Parameters, as views of the network's flat vector: ``weight`` (n_out, n_in) and ``bias``
    (n_out,).

    The weights are drawn from N(0, 2 / n_in) (He et al. 2015).

    Parameters
    ----------
    n_in, n_out : int
        Widths.
    """

    family = "dense"
    stacks = True

    # Stored transposed, so that the forward product needs no transposition.
    memory_order: ClassVar[Mapping[str, tuple[int, ...]]] = {"weight": (1, 0)}

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(n_in, n_out, {"weight": (n_out, n_in)})

    def matrix(self, params: Params) -> Array:
        """Return the weight, (n_out, n_in)."""
        return params["weight"]

    def _nearest(self, target: Target) -> Params:
        """Return the matrix itself."""
        return {"weight": target.padded(self.n_out, self.n_in)}

    def weight_gain(self) -> dict[str, float]:
        """Return nothing: a weight is one entry of W."""
        return {}

    def hessian_spectrum(self, params: Params, x: Array) -> Eigenvalues:
        """Return the eigenvalues of S = mean x xᵀ, each n_out times."""
        del params
        return power_spectrum(x, 1, self.n_out)

    def input_power(self, x: Array) -> tuple[Array, int]:
        """Return the mean squares of the inputs, the diagonal of mean x xᵀ."""
        return np.mean(np.abs(x) ** 2, axis=0), 1

    def published_numbers(self, params: Params) -> Array:
        """Return the squared singular values of W."""
        return self.singular_values(params) ** 2

    def block_magnitudes(self, params: Params) -> Array:
        """Return |w_ij|, its blocks being 1 × 1, (n_out, n_in, 1)."""
        return np.abs(params["weight"])[..., None]

    def bind_matrix(self, params: Params, dtype: DTypeLike, allocate: Allocate) -> BoundMatrix:
        """Return the weight itself, and memory for its gradient."""
        dW = allocate.scratch(D_WEIGHT, (self.n_in, self.n_out), dtype).T
        return BoundMatrix(
            params["weight"], lambda: None, dW, lambda grads: np.copyto(grads["weight"], dW)
        )

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that computes ``x @ weight.T + bias``."""
        self.check_input(x)
        weight, bias = params["weight"], params["bias"]
        y = context.allocate.kept((*x.shape[:-1], self.n_out), x.dtype)
        dx = context.allocate.kept(x.shape, x.dtype)
        x_T, weight_T, ones = x.mT, weight.mT, np.ones(x.shape[-2], x.dtype)
        alone = x.ndim == 2
        bias = bias if alone else bias[:, None]
        # A product takes a third of the time of a sum; np.dot calls the same one of BLAS.
        add_rows = np.dot if alone else np.matmul

        def run() -> None:
            np.matmul(x, weight_T, out=y)
            np.add(y, bias, out=y)

        def pullback(dy: Array, grads: Params, wanted: bool = True) -> Array | None:
            np.matmul(x_T, dy, out=grads["weight"].mT)
            add_rows(ones, dy, out=grads["bias"])
            return np.matmul(dy, weight, out=dx) if wanted else None

        return BoundLayer(y, run, pullback)
